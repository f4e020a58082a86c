"""Figures: they show the numbers they claim to show, say it in words too, and nothing on them is cut off or covered."""

import base64
import io
import re
from itertools import combinations

import matplotlib
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure
from PIL import Image

from equibook import GlassBoxClassifier, Representation, actions, datasets, drawing, plots
from equibook.measure import ClassSeparation
from equibook.representation import Pixels

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)
X, Y = datasets.load_digits(classes=(3, 8))
ANGLES = np.arange(0, 361, 45)
SEPARATION = {
    "pixels + PCA": {"image": ClassSeparation(10.2, 10.5, 1.025, 0.028), "reduction": ClassSeparation(4, 4, 1, 0)},
    "glass box": {"representation": ClassSeparation(1630.2, 2445.3, 1.5, 1.2)},
}
ACCURACIES = {"pixels + PCA": np.linspace(0.3, 1, 9), "glass box": np.full(9, 0.98)}


@pytest.fixture(scope="module")
def model():
    return GlassBoxClassifier().fit(X[:60], Y[:60])


@pytest.fixture(scope="module")
def model_of_ten():
    images, labels = datasets.load_digits()
    return GlassBoxClassifier("lda", representation=Representation(invariant="power")).fit(images[:100], labels[:100])


@pytest.fixture(scope="module")
def figures(model, model_of_ten):
    """Make one figure of every kind, and of every form that is laid out in its own way."""
    photographs, kinds = datasets.load_photographs(part="train")
    of_photographs = GlassBoxClassifier("lda", representation=Representation(invariant="k0")).fit(photographs, kinds)
    ten, digits = datasets.load_digits()
    orbit = actions.rotate(np.repeat(X[70:71], 12, axis=0), np.arange(0, 360, 30))
    planes = {name: np.random.default_rng(0).normal(size=(60, 3)) for name in ACCURACIES}
    return {
        "images": plots.show_images(X[:11], titles=Y[:11]),
        "one image": plots.show_images(X[:1]),
        "signed images": plots.show_images(X[:3] - 0.5, signed=True, n_columns=2),
        "coloured images": plots.show_images(photographs[:3]),
        "layers": plots.plot_layers(model, X[70:71], X=X[:60], y=Y[:60]),
        "layers alone": plots.plot_layers(model, X[70:71]),
        "layers of ten": plots.plot_layers(model_of_ten, ten[200:201], X=ten[:100], y=digits[:100]),
        "layers of a photograph": plots.plot_layers(of_photographs, photographs[:1], X=photographs, y=kinds),
        "plane": plots.plot_plane(model, X[:60], Y[:60], orbit=orbit),
        "plane of ten": plots.plot_plane(model_of_ten, ten[:100], digits[:100]),
        "explanation": model.explain(X[70:72]).plot(1),
        "explanation of a photograph": of_photographs.explain(photographs[:1]).plot(),
        "separation": plots.plot_separation(SEPARATION),
        "accuracy": plots.plot_accuracy_by_angle(ANGLES, ACCURACIES),
        "accuracy of ten": plots.plot_accuracy_by_angle(ANGLES, ACCURACIES, chance=0.1),
        "demo": plots.plot_demo(
            X[:7], X[7:14], angles=ANGLES, accuracies=ACCURACIES, chance=0.5, planes=planes, labels=Y[:60],
            separation=SEPARATION,
        ),
    }  # fmt: skip


KINDS = (
    "images", "one image", "signed images", "coloured images", "layers", "layers alone", "layers of ten",
    "layers of a photograph", "plane", "plane of ten", "explanation", "explanation of a photograph", "separation",
    "accuracy", "accuracy of ten", "demo",
)  # fmt: skip


def axes_of(figure, title):
    return next(ax for ax in figure.axes if title in ax.get_title(loc="left"))


def overlapping(figure):
    """Return the pairs of axes, with all their labels, that cover more than a few pixels of each other."""
    figure.draw_without_rendering()
    boxes = {i: ax.get_tightbbox() for i, ax in enumerate(figure.axes)}

    def shared(a, b):
        width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        return min(width, height)

    return [(i, j) for i, j in combinations(boxes, 2) if shared(boxes[i], boxes[j]) > 3]


def cut_off(figure):
    """Return how far, in inches, anything reaches over the rim."""
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return max(-box.x0, -box.y0, box.x1 - width, box.y1 - height)


class TestEveryFigure:
    @pytest.mark.parametrize("kind", KINDS)
    def test_it_has_words_and_becomes_a_png(self, figures, kind):
        figure = figures[kind]
        assert isinstance(figure, Figure)
        assert len(figure.alt) > 20 and figure.alt.endswith(".")
        assert plots.to_png(figure).startswith(b"\x89PNG")

    @pytest.mark.parametrize("kind", KINDS)
    def test_nothing_is_cut_off(self, figures, kind):
        assert cut_off(figures[kind]) < 0.01

    @pytest.mark.parametrize("kind", KINDS)
    def test_nothing_is_covered(self, figures, kind):
        assert overlapping(figures[kind]) == []

    def test_the_kinds_are_all(self, figures):
        assert set(KINDS) == set(figures)

    def test_a_bad_layout_is_found(self):
        figure = Figure(figsize=(6, 3))
        left, right = figure.subplots(1, 2)
        assert cut_off(figure) < 0.01 and overlapping(figure) == []
        left.set_title("a title that is too long and reaches into the axes beside it", loc="left")
        right.set_title("a title that is too long as well and is cut off at the rim of the figure", loc="left")
        assert cut_off(figure) > 0.1 and overlapping(figure) == [(0, 1)]

    def test_nothing_global_is_left(self, figures):
        import matplotlib.pyplot as plt

        assert plt.get_fignums() == []
        assert matplotlib.rcParams["font.size"] == matplotlib.rcParamsDefault["font.size"]

    def test_the_style_of_the_reader_does_not_spoil_it(self, model):
        with matplotlib.rc_context({"figure.facecolor": "black", "text.color": "white", "font.size": 20}):
            figure = plots.plot_plane(model, X[:9], Y[:9])
        assert figure.get_facecolor() == (1, 1, 1, 1)
        assert figure.axes[0].title.get_color() == "black"

    def test_the_dots_an_inch(self):
        figure = plots.plot_accuracy_by_angle(ANGLES, ACCURACIES)
        sizes = [Image.open(io.BytesIO(plots.to_png(figure, dpi=dpi))).size for dpi in (50, 100)]
        assert sizes == [(350, 160), (700, 320)]

    def test_classes_are_told_apart_without_colour(self):
        assert len(set(drawing.MARKERS)) == len(drawing.MARKERS) >= 10
        assert len(set(drawing.PALETTE)) == len(drawing.PALETTE) >= 7


class TestInANotebook:
    @pytest.mark.parametrize("with_inline_backend", [False, True])
    def test_the_last_expression_of_a_cell_is_shown_with_its_words(self, figures, with_inline_backend):
        formatter = DisplayFormatter()
        if with_inline_backend:
            formatter.formatters["image/png"].for_type(Figure, plots.to_png)
        shown, metadata = formatter.format(figures["accuracy"])
        assert set(shown) == {"text/html", "image/png", "text/plain"}
        assert shown["text/plain"] == figures["accuracy"].alt == metadata["image/png"]["alt"]
        (source,) = re.findall(r'src="data:image/png;base64,([^"]+)"', shown["text/html"])
        assert base64.b64decode(source).startswith(b"\x89PNG")

    def test_words_are_escaped(self):
        figure = plots.show_images(X[:1], titles=['"<b>"'])
        html = figure._repr_mimebundle_()[0]["text/html"]
        assert 'alt="1 image of 32 x 32 pixels: ' in html
        assert "&quot;&lt;b&gt;&quot;" in html and "<b>" not in html


class TestShowImages:
    def test_images_and_titles_in_their_order(self):
        figure = plots.show_images(X[:5], titles="abcde", n_columns=3)
        used = [ax for ax in figure.axes if ax.images]
        assert [ax.get_title() for ax in used] == list("abcde")
        assert all(np.array_equal(ax.images[0].get_array(), image[0]) for ax, image in zip(used, X, strict=False))

    def test_all_on_one_scale(self):
        figure = plots.show_images(np.stack([X[0], 2 * X[0]]))
        assert {ax.images[0].get_clim() for ax in figure.axes} == {(0, 2 * X[0].max())}

    def test_signed_is_centred_at_zero(self):
        figure = plots.show_images(np.stack([X[0], -3 * X[0]]), signed=True)
        shown = [ax.images[0] for ax in figure.axes if ax.images]
        assert {image.get_clim() for image in shown} == {(-3 * X[0].max(), 3 * X[0].max())}
        assert {image.get_cmap().name for image in shown} == {"RdBu_r"}

    def test_signed_channels_are_summed(self):
        image = np.random.default_rng(0).normal(size=(1, 5, 8, 8))
        figure = plots.show_images(image, signed=True)
        assert np.allclose(figure.axes[0].images[0].get_array(), image[0].sum(axis=0))

    def test_black(self):
        assert plots.show_images(np.zeros((1, 8, 8))).axes[0].images[0].get_clim() == (0, 1)

    @pytest.mark.parametrize(
        ("images", "options", "message"),
        [
            (np.zeros((2, 2, 8, 8)), {}, "`images` must have 1 or 3 channels to be shown, got 2"),
            (X[:2], {"titles": ["a"]}, "`titles` must hold one title per image, got 1 for 2 images"),
            (X[:2], {"n_columns": 0}, "`n_columns` must be a positive integer, got 0"),
        ],
    )
    def test_bad_input(self, images, options, message):
        with pytest.raises(ValueError, match=re.escape(message)) as caught:
            plots.show_images(images, **options)
        assert THREE_PARTS.match(str(caught.value))


class TestPlotLayers:
    @pytest.mark.parametrize("quarters", [0, 1])
    def test_bars_are_the_coefficients_by_frequency_and_stay_under_a_turn(self, model, quarters):
        image = actions.rotate(X[70:71], 90 * quarters)
        bars = axes_of(plots.plot_layers(model, image), "frequency").patches
        table = model.representation_.coefficient_table_
        coefficients = np.abs(model.representation_.coefficients(X[70:71])[0])
        expected = [coefficients[table.k == k].sum() for k in range(table.k.max() + 1)]
        assert np.allclose([bar.get_height() for bar in bars], expected, rtol=1e-4)

    def test_the_star_is_where_the_image_lies(self, model):
        figure = plots.plot_layers(model, X[70:71], X=X[:60], y=Y[:60])
        star = axes_of(figure, "Layer 2").lines[-1]
        assert star.get_marker() == "*"
        assert np.allclose(star.get_xydata(), model.reduce(X[70:71])[:, :2])

    @pytest.mark.parametrize("i", [61, 70])
    def test_the_decision_of_two_classes(self, model, i):
        ax = axes_of(plots.plot_layers(model, X[i : i + 1]), "Layer 3")
        assert np.isclose(ax.patches[0].get_width(), model.decision_function(X[i : i + 1])[0])
        assert f"class {model.predict(X[i : i + 1])[0]}" in ax.get_title(loc="left")
        assert ax.get_xlim()[0] == -ax.get_xlim()[1]

    def test_the_decision_of_many_classes(self, model_of_ten):
        ten, _ = datasets.load_digits()
        ax = axes_of(plots.plot_layers(model_of_ten, ten[300:301]), "Layer 3")
        ends = [bar.get_x() + bar.get_width() for bar in ax.patches]
        assert np.allclose(ends, model_of_ten.decision_function(ten[300:301])[0])

    @pytest.mark.parametrize("angle", [0, 45, 90, 135])
    def test_lines_lie_along_the_strokes(self, model, angle):
        bar = np.zeros((1, 1, 32, 32))
        bar[..., 14:18, 5:27] = 1
        figure = plots.plot_layers(model, actions.rotate(bar, angle))
        (lines,) = [found for found in axes_of(figure, "1.6 px").collections if hasattr(found, "U")]
        middle = np.hypot(lines.X - 15.5, lines.Y - 15.5) < 6
        found = np.rad2deg(np.arctan2(lines.V, lines.U))[middle]
        assert middle.sum() > 2
        assert np.all(np.isclose(found % 180, angle) | np.isclose(found % 180, angle + 180))

    def test_the_moving_frame_is_followed(self):
        def change(translation):
            layer_1 = Representation(translation=translation, invariant="k0")
            model = GlassBoxClassifier(representation=layer_1).fit(X[:30], Y[:30])
            images = X[40:41], actions.translate(X[40:41], (3, 0))
            maps = [axes_of(plots.plot_layers(model, x), "1.6 px").images[0].get_array().max(axis=-1) for x in images]
            return np.abs(maps[0] - maps[1]).mean()

        assert change("centre") < 0.02 < 0.05 < change("fixed")

    def test_black_has_no_strokes(self, model):
        figure = plots.plot_layers(model, np.zeros((1, 1, 32, 32)))
        assert not any(hasattr(found, "U") and len(found.U) for ax in figure.axes for found in ax.collections)

    def test_most_points(self, model):
        figure = plots.plot_layers(model, X[:1], X=X, y=Y)
        *known, _ = axes_of(figure, "Layer 2").lines
        assert len(X) > drawing.MOST_POINTS == sum(len(line.get_xdata()) for line in known)

    def test_one_component(self):
        small = GlassBoxClassifier(n_components=1).fit(X[:20], Y[:20])
        assert cut_off(plots.plot_layers(small, X[:1], X=X[:9], y=Y[:9])) < 0.01
        assert plots.plot_plane(small, X[:9], Y[:9]).axes[0].get_ylabel() == "(one component)"

    def test_the_model_can_be_explained_afterwards(self):
        fresh = GlassBoxClassifier().fit(X[:20].astype(np.float64), Y[:20])
        plots.plot_layers(fresh, X[:1].astype(np.float64))
        assert fresh.explain(X[:1]).gap().max() < 1e-9

    @pytest.mark.parametrize(
        ("image", "background", "message"),
        [
            (X[:2], {}, "`image` must hold one image, got 2"),
            (X[0, 0], {}, "`image` must have shape (n_samples, n_channels, height, width), got (32, 32)"),
            (X[:1, :, :16, :16], {}, "`images` must have 32 x 32 pixels, as in `fit`, got 16 x 16"),
            (X[:1], {"X": X[:9]}, "`y` must be given with `X`, got None"),
        ],
    )
    def test_bad_input(self, model, image, background, message):
        with pytest.raises(ValueError, match=re.escape(message)) as caught:
            plots.plot_layers(model, image, **background)
        assert THREE_PARTS.match(str(caught.value))

    def test_pixels_have_no_layer_1_to_show(self):
        pixels = GlassBoxClassifier(representation=Pixels()).fit(X[:20], Y[:20])
        with pytest.raises(ValueError, match="`model` must have a Layer 1 to show, got a model of pixels") as caught:
            plots.plot_layers(pixels, X[:1])
        assert THREE_PARTS.match(str(caught.value))


class TestPlotPlane:
    def test_every_class_has_its_marker_and_its_points(self, model):
        lines = plots.plot_plane(model, X[:60], Y[:60]).axes[0].lines
        components = model.reduce(X[:60])
        assert len({line.get_marker() for line in lines}) == len({line.get_color() for line in lines}) == 2
        for name, line in zip(model.classes_, lines, strict=True):
            assert line.get_label() == str(name)
            assert np.array_equal(line.get_xydata(), components[Y[:60] == name][:, :2])

    def test_the_orbit_is_closed(self, model):
        orbit = actions.rotate(np.repeat(X[70:71], 4, axis=0), [0, 90, 180, 270])
        (line,) = [
            line
            for line in plots.plot_plane(model, X[:60], Y[:60], orbit=orbit).axes[0].lines
            if "orbit" in str(line.get_label())
        ]
        points = line.get_xydata()
        assert len(points) == 5 and np.array_equal(points[0], points[-1])
        assert np.array_equal(points[:4], model.reduce(orbit)[:, :2])

    def test_pixels_are_shown_too(self):
        pixels = GlassBoxClassifier("lda", representation=Pixels()).fit(X[:20], Y[:20])
        ax = plots.plot_plane(pixels, X[:20], Y[:20]).axes[0]
        assert ax.get_xlabel().startswith("component 1, ")

    def test_labels_must_fit(self, model):
        with pytest.raises(ValueError, match="`y` must hold one label per image"):
            plots.plot_plane(model, X[:9], Y[:8])


class TestPlotExplanation:
    @pytest.mark.parametrize("i", [0, 1, -1])
    def test_the_parts_sum_to_what_is_said(self, model, i):
        why = model.explain(X[70:72])
        figure = why.plot(i)
        pixels = figure.axes[0].images[0]
        assert np.isclose(pixels.get_array().sum(), why.score[i] - why.bias[i])
        assert pixels.get_clim()[0] == -pixels.get_clim()[1]
        average = why.bias[i] + why.reference[i].sum()
        assert f"{why.score[i]:+.2f}" in figure.get_suptitle() and f"{average:+.2f}" in figure.get_suptitle()
        for by in ("scale", "ring", "k"):
            ax = axes_of(figure, f"By {by}")
            assert np.isclose(sum(bar.get_height() for bar in ax.patches), why.score[i] - average)
            assert f"{why.score[i] - average:+.2f}" in ax.get_title(loc="left")

    def test_the_average_is_that_of_the_training_images(self, model):
        why = model.explain(X[:60])
        assert np.isclose(why.bias[0] + why.reference[0].sum(), why.score.mean(), rtol=1e-4, atol=1e-6)

    def test_channels_are_summed(self):
        photographs, kinds = datasets.load_photographs(part="train")
        layer_1 = Representation(invariant="average")
        why = GlassBoxClassifier("lda", representation=layer_1).fit(photographs, kinds).explain(photographs[:1])
        assert np.allclose(why.plot().axes[0].images[0].get_array(), why.pixels[0].sum(axis=0))

    @pytest.mark.parametrize("i", [2, -3])
    def test_bad_input(self, model, i):
        with pytest.raises(ValueError, match=f"`i` must be below 2, the number of explained images, got {i}") as caught:
            plots.plot_explanation(model.explain(X[:2]), i)
        assert THREE_PARTS.match(str(caught.value))


class TestPlotSeparation:
    def test_bars_are_in_units_of_the_distance_within(self):
        distances, fisher = plots.plot_separation(SEPARATION).axes
        widths = [bar.get_width() for bar in distances.patches]
        assert np.allclose(widths, [1, 1, 1, 10.5 / 10.2, 1, 1.5])
        assert [bar.get_width() for bar in fisher.patches] == [0.028, 0, 1.2]
        assert {"10.2", "10.5", "1630", "2445"} <= {text.get_text() for text in distances.texts}

    def test_what_has_no_spread_is_drawn_all_the_same(self):
        rows = {"a": {"constant": ClassSeparation(0, 0, 0, 0), "perfect": ClassSeparation(0, 2, np.inf, np.inf)}}
        figure = plots.plot_separation(rows)
        assert cut_off(figure) < 0.01
        assert "inf" in {text.get_text() for text in figure.axes[1].texts}

    @pytest.mark.parametrize("rows", [{}, {"a": {}}])
    def test_bad_input(self, rows):
        with pytest.raises(ValueError, match="`rows` must hold at least one layer per label, got none") as caught:
            plots.plot_separation(rows)
        assert THREE_PARTS.match(str(caught.value))


class TestPlotAccuracyByAngle:
    def test_lines_in_percent_and_chance(self):
        *lines, chance = plots.plot_accuracy_by_angle(ANGLES, ACCURACIES, chance=0.1).axes[0].lines
        for line, values in zip(lines, ACCURACIES.values(), strict=True):
            assert np.allclose(line.get_xydata(), np.stack([ANGLES, 100 * values], axis=1))
        assert set(chance.get_ydata()) == {10.0}
        assert len({line.get_marker() for line in lines}) == 2

    def test_bad_input(self):
        message = "`accuracies` must fit the 9 angles, got 2 for 'a'"
        with pytest.raises(ValueError, match=re.escape(message)) as caught:
            plots.plot_accuracy_by_angle(ANGLES, {"a": [1, 1]})
        assert THREE_PARTS.match(str(caught.value))


def test_pairs_are_a_symmetric_table_of_per_cent():
    figure = plots.plot_pairs({("a", "b"): 0.5, ("a", "c"): 0.975, ("b", "c"): 1.0})
    texts = {(text.get_position(), text.get_text()) for text in figure.axes[0].texts}
    assert texts == {
        ((1, 0), "50.0"), ((0, 1), "50.0"), ((2, 0), "97.5"), ((0, 2), "97.5"), ((2, 1), "100.0"), ((1, 2), "100.0")
    }  # fmt: skip
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["a", "b", "c"]
    assert "the hardest pair is a and b" in figure.alt
