"""How results show themselves: an aligned table as text, and the same as HTML in a notebook."""

import html
from abc import abstractmethod
from collections.abc import Iterator, Sequence


class Table:
    """What a result needs to show itself: the heads of its columns, and rows of texts, each beginning with its name."""

    _look = ""  # of the cell that names a row, in CSS
    _justify = staticmethod(str.ljust)  # that cell as text

    @property
    @abstractmethod
    def _head(self) -> tuple[str, ...]: ...

    @abstractmethod
    def _rows(self) -> Iterator[tuple[str, ...]]: ...

    @property
    def _caption(self) -> str:
        """The line above the rows."""
        return ""

    @property
    def _notes(self) -> Sequence[str]:
        """The lines below them."""
        return ()

    def __str__(self) -> str:
        rows = [self._head, *self._rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join([self._justify(row[0], widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
        return "\n".join([*([self._caption] if self._caption else []), *lines, *self._notes])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in self._head)
        look = f' style="{self._look}"' if self._look else ""
        rows = "".join(
            f'<tr><th scope="row"{look}>{html.escape(first)}</th>'
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in rest)
            + "</tr>"
            for first, *rest in self._rows()
        )
        caption = f"<caption>{html.escape(self._caption)}</caption>" if self._caption else ""
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self._notes)
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{notes}"
