"""The live figure: in JupyterLab one draws, turns, clears and loads, and Python answers; in a page one turns."""

import pytest
from accessibility import broken_rules
from driver import wait_until
from figure_page import PANELS, ShownFigure
from PIL import Image
from small_notebook import write_notebook

CELLS = [
    """
    import equibook as eq
    from equibook.live import LiveExplorer
    """,
    """
    X, y = eq.datasets.load_digits(classes=(3, 8), size=32)
    model = eq.GlassBoxClassifier().fit(X[:100], y[:100])
    live = LiveExplorer(model, X[:100], y[:100])
    live
    """,
    'print("the end")',
]
EIGHT = [
    (0.5, 0.5),
    (0.35, 0.4),
    (0.4, 0.2),
    (0.6, 0.2),
    (0.65, 0.4),
    (0.35, 0.65),
    (0.45, 0.8),
    (0.65, 0.7),
    (0.5, 0.5),
]
DRAWN = "(live.values['image'] * 255).round().astype(int).ravel().tolist()"
COLOURS = {"light": "", "dark": "background: #121212; color: #ced6dd; color-scheme: dark"}  # as in the book
ANSWER = "[live.values['angle'], str(live.result.predicted)]"


@pytest.fixture(scope="module")
def notebook(jupyter, run_notebook):
    write_notebook(jupyter.folder / "live.ipynb", CELLS)
    notebook, log = run_notebook("live.ipynb")
    yield notebook
    assert log.faults == []
    notebook.page.context.close()


@pytest.fixture
def figure(notebook):
    """The figure as it is at first: a drawn 3, upright."""
    notebook.run("live.set(image=LiveExplorer(model, X[:100], y[:100]).values['image'], angle=0)")
    figure = ShownFigure(notebook.page)
    figure.wait_for("Turned by 0°, it is read as class 3")
    return figure


def follow(notebook, figure):
    """Wait until Python has what is drawn and turned in the page, and the page says what Python makes of it."""
    wait_until(lambda: notebook.read(DRAWN) == figure.drawing(), "what is drawn is in Python", patience=60)
    angle, predicted = notebook.read(ANSWER)
    assert angle == float(figure.slider.input_value())
    figure.wait_for(f"Turned by {angle:.0f}°, it is read as class {predicted}")


def test_it_begins_with_what_python_has(notebook, figure):
    assert any(figure.drawing())
    follow(notebook, figure)


def test_drawing_moves_all_panels_and_python(notebook, figure):
    with figure.moving(text="Nothing is drawn yet"):
        figure.button("clear the drawing").click()
    assert notebook.read(DRAWN) == figure.drawing() == [0] * 32 * 32
    with figure.moving(*PANELS, text="it is read as class 8"):
        figure.draw(*EIGHT)
    assert sum(figure.drawing()) > 255 * 50
    follow(notebook, figure)


def test_undo_takes_back_one_stroke(notebook, figure):
    before = figure.drawing()
    figure.draw((0.2, 0.2), (0.8, 0.2))
    assert figure.drawing() != before
    figure.button("undo the last stroke").click()
    assert figure.drawing() == before
    follow(notebook, figure)


def test_the_slider_turns(notebook, figure):
    figure.slider.focus()
    drawn = figure.drawing()
    with figure.moving("lifts", "reads", text="Turned by 3°"):
        for _ in range(3):
            notebook.page.keyboard.press("ArrowRight")
    assert figure.drawing() == drawn
    with figure.moving("lifts", "reads", text="Turned by 18°"):
        figure.button("turn on by 15 degrees").press("Enter")
    with figure.moving("lifts", "reads", text="Turned by 348°"):
        for _ in range(2):
            figure.button("turn back by 15 degrees").click()
    assert figure.slider.get_attribute("aria-valuetext") == "348°"
    follow(notebook, figure)


def test_drawing_by_keyboard(notebook, figure):
    figure.button("clear the drawing").click()
    figure.wait_for("Nothing is drawn yet")
    figure.board.focus()
    before = notebook.state()
    with figure.moving(*PANELS, text="it is read as class"):
        for key in ["ArrowUp"] * 4 + ["Space"] + ["ArrowDown"] * 8 + ["Space"] + ["ArrowRight"] * 5 + ["b"]:
            notebook.page.keyboard.press(key)
    rows = {i // 32 for i, value in enumerate(figure.drawing()) if value == 255}
    columns = {i % 32 for i, value in enumerate(figure.drawing()) if value == 255}
    assert (len(rows), len(columns)) == (9, 1)
    assert notebook.state() == before
    follow(notebook, figure)


def test_an_example_is_loaded(notebook, figure):
    with figure.moving(*PANELS, text="it is read as class 8"):
        figure.button("load an example of class 8").click()
    assert figure.drawing() == notebook.read("(X[:100][y[:100] == 8][0] * 255).round().astype(int).ravel().tolist()")
    follow(notebook, figure)


def test_an_image_file_is_read_and_another_file_is_refused(notebook, figure, tmp_path):
    Image.linear_gradient("L").save(tmp_path / "image.png")
    (tmp_path / "text.png").write_text("no image")
    file = figure.node.locator("input[type=file]")
    before = figure.drawing()
    file.set_input_files(tmp_path / "text.png")
    figure.wait_for("could not be read as an image")
    assert figure.drawing() == before
    file.set_input_files(tmp_path / "image.png")
    wait_until(lambda: figure.drawing() != before, "the image is shown", patience=20)
    follow(notebook, figure)


def test_a_cell_moves_the_page(notebook, figure):
    with figure.moving("lifts", "reads", text="Turned by 90°"):
        assert notebook.run_cell("live.set(angle=90)\nprint(live.values['angle'])") == "90.0"
    assert figure.slider.input_value() == "90"
    follow(notebook, figure)


def test_it_says_when_python_does_not_answer(notebook, figure):
    notebook.run("live.widget.on_msg(live._answer, remove=True)")
    figure.slider.press("ArrowRight")
    figure.wait_for("Python does not answer")
    with pytest.raises(TimeoutError):
        wait_until(lambda: notebook.read("live.values['angle']") == 1, "an answer", patience=1)
    notebook.run("live.widget.on_msg(live._answer)")
    figure.slider.press("ArrowRight")
    figure.wait_for("Turned by 2°")


@pytest.fixture(scope="module")
def source(notebook):
    """The figure as HTML, upright."""
    notebook.run("live.set(image=LiveExplorer(model, X[:100], y[:100]).values['image'], angle=0)")
    return notebook.read("live.to_html()")


@pytest.fixture
def open_off_line(source, open_page, tmp_path):
    """Return a function that shows the figure in a page without Python, off line, on a light ground or a dark one."""

    def show(colours):
        path = tmp_path / "page.html"
        head = f'<html lang="en"><meta charset="utf-8"><title>A page</title><body style="{colours}"><h1>A page</h1>'
        path.write_text(f"{head}<main>{source}</main>", encoding="utf-8")
        page, log = open_page(offline=True)
        page.goto(path.as_uri())
        logs.append(log)
        figure = ShownFigure(page)
        figure.wait_for("Turned by 0°, it is read as class 3")
        return figure

    logs = []
    yield show
    assert [log.faults for log in logs] == [[]]


def test_in_a_page_the_worked_case_turns(open_off_line):
    open_off_line(COLOURS["light"]).turn_through()


@pytest.mark.parametrize("colours", COLOURS.values(), ids=COLOURS)
def test_in_a_page_it_breaks_no_rule_of_accessibility(open_off_line, colours):
    assert broken_rules(open_off_line(colours).page) == []
