"""How results show themselves: an aligned table as text, and the same as HTML in a notebook."""

import html
from abc import abstractmethod
from collections.abc import Iterator


class Table:
    """What a result needs to show itself; it gives a caption, the heads of its columns, and rows of texts."""

    @property
    @abstractmethod
    def _caption(self) -> str: ...

    @property
    @abstractmethod
    def _head(self) -> tuple[str, ...]: ...

    @abstractmethod
    def _rows(self) -> Iterator[tuple[str, ...]]: ...

    def __str__(self) -> str:
        rows = [self._head, *self._rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
        return "\n".join([self._caption, *lines])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in self._head)
        rows = "".join(
            f'<tr><th scope="row">{html.escape(first)}</th>'
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in rest)
            + "</tr>"
            for first, *rest in self._rows()
        )
        caption = f"<caption>{html.escape(self._caption)}</caption>"
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
