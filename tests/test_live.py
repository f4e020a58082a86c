"""The live figure: its arrays are those of the library, they obey their laws, and nothing stops it."""

import base64
import json
import re
import zlib

import numpy as np
import pytest
import torch
from tolerances import ROUNDING

from equibook import GlassBoxClassifier, Representation, actions, datasets
from equibook.drawing import strongest_responses
from equibook.layers_at import (
    find_strongest,
    name_parts,
    pack_layers,
    read_features,
    read_known,
    read_layers,
    relative_distance,
    split_by_kind,
    sum_sizes,
)
from equibook.live import BRUSH, THREE, LiveExplorer, draw_stroke
from equibook.representation import Pixels

X, Y = datasets.load_digits(classes=(3, 8))
IMAGE = X[70:71]
SIZE = 32
WIDGET = "application/vnd.jupyter.widget-view+json"
EPSILON = ROUNDING[torch.float32]


@pytest.fixture(scope="module")
def model():
    return GlassBoxClassifier().fit(X[:60], Y[:60])


@pytest.fixture(scope="module")
def model_of_ten():
    images, labels = datasets.load_digits()
    return GlassBoxClassifier("lda").fit(images[:200], labels[:200])


@pytest.fixture(scope="module")
def not_affine():
    return GlassBoxClassifier("rbf_svm", representation=Representation(invariant="power")).fit(X[:60], Y[:60])


@pytest.fixture
def figure(model):
    return with_answers(LiveExplorer(model, X[:60], Y[:60]))


def with_answers(figure):
    """Let a figure write down what it sends to the browser."""
    figure.sent = []
    figure.widget.send = lambda content, buffers=(): figure.sent.append((content, list(buffers)))
    return figure


def ask(figure, drawing, angle=0, sequence=1):
    """Ask as the browser does, and return the answer."""
    figure._answer(figure.widget, {"view": "a", "sequence": sequence, "angle": angle}, [memoryview(drawing)])
    return figure.sent[-1]


def as_drawing(image):
    return (image * 255).round().astype(np.uint8).tobytes()


def unpack(maps, setup):
    """Cut the bytes as the browser does."""
    pixels, n_scales = setup["size"] ** 2, len(setup["scales"])
    n_features = sum(count for _, counts in setup["kinds"] for _, count in counts)
    cuts = np.cumsum([pixels, n_scales * pixels, n_scales * pixels, n_features])
    image, strength, orientation, features, part = np.split(np.frombuffer(maps, np.uint8), cuts)
    assert part.size == pixels
    return image, strength, orientation, features.view(np.int8), part.view(np.int8)


def nearly(found, expected):
    return np.abs(np.asarray(found) - expected).max() <= EPSILON * np.abs(expected).max()


# --- the arrays are those of the library ---


def test_the_layers_are_those_of_the_model(model):
    found = read_layers(model, IMAGE)
    strength, orientation = strongest_responses(model, torch.from_numpy(IMAGE))
    assert np.array_equal(found.strength, strength)
    assert np.array_equal(found.orientation, orientation)
    assert nearly(found.coefficients, model.representation_.coefficients(IMAGE)[0])
    assert nearly(found.features, model.representation_.transform(IMAGE)[0])
    assert nearly(found.components, model.reduce(IMAGE)[0])
    assert nearly(found.scores, model.decision_function(IMAGE))
    assert found.predicted == model.predict(IMAGE)[0]
    assert found.novelty == pytest.approx(model.novelty(IMAGE)[0], rel=1e-4)


def test_ten_classes_have_ten_scores_and_the_predicted_one_is_explained(model_of_ten):
    found = read_layers(model_of_ten, IMAGE)
    assert nearly(found.scores, model_of_ten.decision_function(IMAGE)[0])
    assert found.why.target[0] == found.predicted == model_of_ten.predict(IMAGE)[0]


@pytest.mark.parametrize("classifier", ["nearest_mean", "lda", "ridge", "linear_svm"])
@pytest.mark.parametrize("classes", [(3, 8), (1, 3, 8)])
def test_the_explanation_is_that_of_the_model(classifier, classes):
    images, labels = datasets.load_digits(classes=classes)
    one = GlassBoxClassifier(classifier, representation=Representation(invariant="power")).fit(images[:60], labels[:60])
    found, expected = read_layers(one, images[70:71]).why, one.explain(images[70:71])
    for part in ("features", "pixels", "bias", "score", "reference"):
        assert getattr(found, part) == pytest.approx(getattr(expected, part), rel=1e-9, abs=1e-9)
    assert found.target.tolist() == expected.target.tolist()
    assert found.gap().max() <= 1e-9 * np.abs(found.pixels).sum()


def test_a_score_that_is_not_affine_is_not_explained(not_affine):
    figure = LiveExplorer(not_affine, X[:60], Y[:60])
    assert figure.result.why is None
    assert figure.widget.setup["parts"] is None
    numbers, maps = figure._pack(figure.image, figure.result)
    assert numbers["why"] is None
    assert not unpack(maps, figure.widget.setup)[-1].any()


def test_the_browser_gets_these_numbers(model):
    found, known = read_layers(model, IMAGE), read_known(model, X[:60], Y[:60])
    numbers, _ = pack_layers(found, IMAGE, read_features(model, IMAGE), known)
    why = model.explain(IMAGE)
    k = model.representation_.coefficient_table_.k
    sizes = np.abs(found.coefficients)
    assert numbers["sums"] == pytest.approx([sizes[k == one].sum() for one in range(6)], rel=1e-4)
    for one, (real, imaginary, *before) in zip(range(1, 6), numbers["arrows"], strict=True):
        assert before == [real, imaginary]
        assert np.hypot(real, imaginary) == pytest.approx(sizes[k == one].max(), rel=1e-4)
    assert numbers["point"] == pytest.approx(model.reduce(IMAGE)[0, :2], rel=1e-3)
    assert numbers["why"]["score"] - numbers["why"]["bias"] == pytest.approx(why.pixels.sum(), abs=1e-3)
    for by, parts in numbers["why"]["parts"].items():
        assert parts == pytest.approx([part[0] for part in why.group(by).values()], rel=1e-4)
        assert sum(parts) == pytest.approx(numbers["why"]["score"] - numbers["why"]["average"], abs=1e-3)
    names = {"scale": ["image", "0.8", "1.6", "3.2"], "ring": list("012345"), "k": list("012345")}
    assert name_parts(found.table) == names


def test_the_browser_gets_these_maps(figure):
    figure.set(image=IMAGE)
    found = figure.result
    (_, (maps, drawing)), setup = figure.sent[-1], figure.widget.setup
    image, strength, orientation, features, part = unpack(maps, setup)
    assert drawing == as_drawing(IMAGE) == image.tobytes()
    for scale, drawn in zip(found.strength, strength.reshape(3, SIZE, SIZE), strict=True):
        assert np.abs(drawn / 255 - scale / scale.max()).max() <= 0.51 / 255
    assert np.abs(orientation - found.orientation.ravel()).max() <= 0.5
    pixels = found.why.pixels.ravel()
    assert np.abs(part / 127 - pixels / np.abs(pixels).max()).max() <= 0.51 / 127
    in_order = found.features[np.concatenate(list(split_by_kind(found.table).values()))]
    assert (np.sign(features)[features != 0] == np.sign(in_order)[features != 0]).all()
    assert np.abs(features).max() > 60  # on a scale to 127: the features of one digit fill that of the others


def test_every_feature_has_one_cell_with_its_kind_and_scale(model):
    table = model.representation_.table_
    kinds = split_by_kind(table)
    assert sorted(np.concatenate(list(kinds.values()))) == list(range(len(table)))
    assert {name: len(rows) for name, rows in kinds.items()} == {"k = 0": 90, "lengths": 411, "products": 1804}
    assert all((np.diff(table.scale[rows]) >= 0).all() for rows in kinds.values())
    assert set(table.part[kinds["lengths"]]) == {"abs"}


def test_known_images_are_drawn_where_the_model_puts_them(model):
    known = read_known(model, X[:60], Y[:60])
    assert nearly(known.points, model.reduce(X[:60])[:, :2])
    assert nearly(known.scores, model.decision_function(X[:60]))
    assert np.array_equal(known.labels, Y[:60])
    assert len(read_known(model, X[:300], Y[:300]).points) == 200


def test_one_component_makes_a_plane_too():
    model = GlassBoxClassifier(n_components=1).fit(X[:60], Y[:60])
    assert not read_known(model, X[:60], Y[:60]).points[:, 1].any()


# --- laws ---


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_what_is_said_to_stay_stays_and_what_turns_turns_by_the_law(model, angle):
    before, after = (read_layers(model, image) for image in (IMAGE, actions.rotate(IMAGE, angle)))
    k = before.table.coefficients.k
    assert nearly(after.coefficients, before.coefficients * np.exp(-1j * k * np.deg2rad(angle)))
    assert nearly(sum_sizes(after.coefficients, k), sum_sizes(before.coefficients, k))
    assert relative_distance(after.features, before.features) <= EPSILON
    assert after.scores == pytest.approx(before.scores, rel=1e-3)
    assert after.novelty == pytest.approx(before.novelty, rel=1e-3)
    assert nearly(after.strength, np.rot90(before.strength, angle // 90, axes=(1, 2)))
    assert nearly(after.why.pixels, actions.rotate(before.why.pixels, angle))
    for by in ("scale", "ring", "k"):
        groups = zip(after.why.group(by).values(), before.why.group(by).values(), strict=True)
        assert all(a == pytest.approx(b, abs=1e-9) for a, b in groups)


def test_the_law_with_the_wrong_sign_and_another_image_are_seen(model):
    before, after, other = (read_layers(model, image) for image in (IMAGE, actions.rotate(IMAGE, 90), X[71:72]))
    k = before.table.coefficients.k
    assert not nearly(after.coefficients, before.coefficients * np.exp(1j * k * np.pi / 2))
    assert relative_distance(other.features, before.features) > 0.2
    assert not nearly(after.strength, before.strength)


def test_the_figure_says_how_much_a_turn_has_changed(figure):
    changes = {angle: ask(figure, as_drawing(IMAGE), angle)[0]["result"]["change"] for angle in (0, 90, 30)}
    assert changes[0] == 0
    assert changes[90] <= EPSILON
    assert 1e-4 < changes[30] < 0.01
    assert ask(figure, as_drawing(X[71:72]), 30)[0]["result"]["change"] < 0.01  # against the new drawing, not the old


def test_arrows_name_the_same_coefficients_at_every_angle(figure):
    for angle in (90, 30):
        arrows = np.array(ask(figure, as_drawing(IMAGE), angle)[0]["result"]["arrows"])
        now, upright = arrows[:, 0] + 1j * arrows[:, 1], arrows[:, 2] + 1j * arrows[:, 3]
        law = upright * np.exp(-1j * np.arange(1, 6) * np.deg2rad(angle))
        assert (np.abs(now - law) <= (1e-3 if angle == 90 else 0.1) * np.abs(upright)).all()


def test_the_strongest_coefficient_of_each_frequency_is_found():
    assert find_strongest(np.array([9, 1, -2j, 3, 0]), np.array([0, 1, 1, 2, 2])).tolist() == [2, 3]


# --- the brush ---


def test_a_stroke_falls_off_as_a_gaussian():
    image = draw_stroke([(-0.25, 0), (0.25, 0)], 33)
    assert (image.shape, image.dtype) == ((1, 1, 33, 33), np.float32)
    assert image[0, 0, 16, 8:25].tolist() == [1] * 17
    assert image[0, 0, 14, 16] == pytest.approx(np.exp(-((2 / (33 * BRUSH)) ** 2) / 2))
    assert image[0, 0, 16, 4] == pytest.approx(np.exp(-((3.75 / (33 * BRUSH)) ** 2) / 2))  # beyond its end


def test_a_turned_stroke_is_the_turned_image():
    turned = [(-up, right) for right, up in THREE]
    assert np.allclose(draw_stroke(turned, SIZE), actions.rotate(draw_stroke(THREE, SIZE), 90), atol=EPSILON)
    assert not np.allclose(draw_stroke(THREE, SIZE), actions.rotate(draw_stroke(THREE, SIZE), 90), atol=0.1)


def test_the_drawn_3_is_known_as_a_3(model, model_of_ten):
    for one in (model, model_of_ten):
        found = read_layers(one, draw_stroke(THREE, SIZE))
        assert (found.predicted, found.novelty < 1) == (3, True)


# --- the conversation ---


def test_an_answer_carries_its_question_back(figure):
    content, (maps,) = ask(figure, as_drawing(IMAGE), angle=90, sequence=7)
    assert (content["view"], content["sequence"], content["angle"]) == ("a", 7, 90)
    assert figure.values["angle"] == 90
    assert as_drawing(figure.values["image"]) == as_drawing(IMAGE)
    assert unpack(maps, figure.widget.setup)[0].tobytes() == as_drawing(np.rot90(IMAGE[0, 0]))
    assert content["result"]["predicted"] == str(figure.result.predicted)
    json.dumps(content, allow_nan=False)


def test_a_nudge_is_not_answered(figure):
    figure._answer(figure.widget, {"nudge": True}, [])
    assert figure.sent == []


def test_a_new_view_is_told_what_is_drawn(figure):
    figure.set(image=IMAGE, angle=45)
    figure._answer(figure.widget, {"view": "b", "sequence": 1}, [])
    content, (_, drawing) = figure.sent[-1]
    assert (content["view"], content["angle"], drawing) == ("b", 45, as_drawing(IMAGE))


def test_setting_reaches_all_views(figure):
    assert figure.set(angle=90) is figure
    content, buffers = figure.sent[-1]
    assert (content["view"], content["angle"], len(buffers)) == ("", 90, 2)
    assert np.array_equal(figure.image, np.rot90(figure.values["image"], axes=(2, 3)))
    assert repr(figure) == "LiveExplorer(an image turned by 90°: class 3)"


def test_a_blank_canvas_is_no_problem(figure):
    for angle in (0, 30):
        content, (maps,) = ask(figure, bytes(SIZE**2), angle)
        assert content["result"]["blank"]
        json.dumps(content, allow_nan=False)
        image, strength, _, features, part = unpack(maps, figure.widget.setup)
        assert not any(values.any() for values in (image, strength, features, part))
        assert content["result"]["change"] == 0
        assert not np.any(content["result"]["arrows"])
    assert not ask(figure, as_drawing(IMAGE))[0]["result"]["blank"]


def test_an_error_is_said_and_the_figure_goes_on(figure, monkeypatch):
    content, buffers = ask(figure, bytes(5))
    assert content == {"view": "a", "sequence": 1, "error": content["error"]}
    assert content["error"].startswith("ValueError: cannot reshape array of size 5")
    assert not buffers
    with monkeypatch.context() as patch:
        patch.setattr("equibook.live.read_layers", lambda *_: 1 / 0)
        assert ask(figure, as_drawing(IMAGE))[0]["error"] == "ZeroDivisionError: division by zero"
    assert ask(figure, as_drawing(IMAGE), angle="left")[0]["error"].startswith("TypeError: `angle` must be")
    assert "result" in ask(figure, as_drawing(IMAGE))[0]


# --- what the browser is told once ---


def test_the_setup_describes_the_model(figure, model_of_ten):
    setup = figure.widget.setup
    assert (setup["classes"], setup["scales"], setup["frequencies"]) == (["3", "8"], ["0.8", "1.6", "3.2"], [*range(6)])
    assert (len(setup["points"]), len(setup["scores"]), set(setup["labels"])) == (60, 60, {0, 1})
    assert setup["unit"] == " (σ)"
    name, text = setup["examples"][1]
    assert (name, base64.b64decode(text)) == ("8", as_drawing(X[:60][Y[:60] == 8][0]))
    images, labels = datasets.load_digits()
    of_ten = LiveExplorer(model_of_ten, images[:200], labels[:200]).widget.setup
    assert (len(of_ten["classes"]), of_ten["scores"], of_ten["unit"], len(of_ten["examples"])) == (10, [], "", 10)
    assert of_ten["limits"]["lowest"] < 0 < of_ten["limits"]["highest"]


def test_classes_may_be_words():
    names = np.where(Y == 3, "three", "eight")
    model = GlassBoxClassifier(representation=Representation(invariant="k0")).fit(X[:60], names[:60])
    figure = LiveExplorer(model, X[:60], names[:60], image=X[:1])
    assert figure.widget.setup["classes"] == ["eight", "three"]
    assert repr(figure) == f"LiveExplorer(an image turned by 0°: class {names[0]})"


# --- the page ---


def state_of(page):
    (text,) = re.findall(r'<script type="application/json" id="[^"]+">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def test_the_page_is_a_worked_case_at_24_angles(figure):
    state = state_of(figure.set(angle=45).to_html())
    assert (state["live"], state["place"], len(state["results"])) == (False, 3, 24)
    assert state["setup"] == {**figure.widget.setup, "examples": [], "palette": list(figure.widget.setup["palette"])}
    drawn = figure.values["image"]
    assert base64.b64decode(state["drawing"]) == as_drawing(drawn)
    maps = zlib.decompress(base64.b64decode(state["maps"]))
    each = len(maps) // 24
    image = unpack(maps[3 * each : 4 * each], state["setup"])[0]
    assert image.tobytes() == as_drawing(np.clip(actions.rotate(drawn, 45), 0, 1)[0])
    assert max(result["change"] for result in state["results"]) < 0.01
    assert {result["predicted"] for result in state["results"]} == {"3"}


def test_the_page_is_small_and_needs_no_other_file(figure):
    page = figure.to_html()
    assert len(page.encode()) <= 400_000
    source = re.sub(r"data:image/png;base64,[\w+/=]+", "", page).replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|<link|@import|src=\"[^\"]", source)
    assert re.search(r'<img alt="LiveExplorer\(an image turned by 0°: class 3\)"', page)


def test_the_bundle_holds_all_forms(figure):
    bundle, metadata = figure._repr_mimebundle_()
    assert bundle[WIDGET]["model_id"] == figure.widget.model_id
    assert bundle["text/plain"] == repr(figure)
    assert bundle["text/html"].startswith("<div id=")
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert metadata == {}
    json.dumps(bundle)


def test_what_colab_needs_is_handed_on(figure, monkeypatch):
    manager = {WIDGET: {"colab": {"custom_widget_manager": {"url": "an address"}}}}
    monkeypatch.setattr(type(figure.widget), "_repr_mimebundle_", lambda self: ({WIDGET: {}}, manager))
    assert figure._repr_mimebundle_()[1] == manager


# --- bad input ---


@pytest.fixture(scope="module")
def of_colours():
    images, kinds = datasets.load_photographs(part="train")
    return GlassBoxClassifier(representation=Representation(invariant="k0")).fit(images[::20], kinds[::20])


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda m, c: LiveExplorer("model", X, Y), r"`model` must be a GlassBoxClassifier, got str\. Pass one"),
        (
            lambda m, c: LiveExplorer(GlassBoxClassifier(representation=Pixels()).fit(X[:60], Y[:60]), X, Y),
            r"`model` must have a Layer 1 to show, got a model of pixels\. Fit one with a Representation\.",
        ),
        (lambda m, c: LiveExplorer(c, X, Y), r"`model` must read images of one channel, got 3 channels\. Fit it on"),
        (lambda m, c: LiveExplorer(m, X[:9], Y[:8]), r"`y` must hold one label per image, got 8 labels for 9 images\."),
        (lambda m, c: LiveExplorer(m, X[:9], [5] * 9), r"`y` must hold classes of the model, got 5 too\. Pass images"),
        (lambda m, c: LiveExplorer(m, X[:9, :, 4:28, 4:28], Y[:9]), r"`X` must have 32 x 32 pixels, .*got 24 x 24"),
        (lambda m, c: LiveExplorer(m, X, Y, image=X[:2]), r"`image` must hold one image, got 2\. Pass one of them"),
        (lambda m, c: LiveExplorer(m, X, Y, image=X[0, 0]), r"`image` must have shape .*, got \(32, 32\)\. For one"),
        (lambda m, c: LiveExplorer(m, X, Y).set(image=np.zeros((1, 16, 16))), r"`image` must have 32 x 32 pixels"),
        (lambda m, c: LiveExplorer(m, X, Y).set(angle=np.nan), r"`angle` must hold finite numbers, got NaN"),
        (lambda m, c: LiveExplorer(m, X, Y).set(angle=[1, 2]), r"`angle` must have shape \(\) or \(1,\), got \(2,\)\."),
    ],
)
def test_errors_say_what_must_hold_what_came_and_what_to_do(model, of_colours, declare, message):
    with pytest.raises((TypeError, ValueError), match=message):
        declare(model, of_colours)


def test_a_failed_choice_changes_nothing(figure):
    for wrong in ({"angle": np.inf, "image": IMAGE}, {"angle": 90, "image": X[:2]}):
        with pytest.raises(ValueError, match="must hold"):
            figure.set(**wrong)
    assert figure.values["angle"] == 0
    assert np.array_equal(figure.values["image"], draw_stroke(THREE, SIZE))
