"""What students tend to think, and what shows them otherwise: each row of the page for teachers is carried out here.

A test that takes `row` is that of the row of its name: `test_flipped_kernel` that of *flipped kernel*.
"""

import copy
import inspect
import re
from functools import partial

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from test_teachers import LINK, NUMBERS, PAGE

import equibook as eq
from equibook import probes
from equibook.classifiers import decision_scores, make_classifier
from equibook.equivariant import EquivariantLayer, Lifting, turn_coefficients
from equibook.filters import disc_window
from equibook.glassbox import fit_layers
from equibook.groups import CyclicGroup, DihedralGroup
from equibook.operations import SOBEL, make_convolution, roll, symmetrise
from equibook.predict import predict_images
from equibook.probes import transforms
from equibook.reconstruction import ImageHarmonics, keep_only
from equibook.reduction import Reduction
from equibook.repack import repack
from equibook.representation import Pixels
from equibook.rewriting import max_pool_by_relus
from equibook.shares import Share
from equibook.streaming import fit_reduction
from equibook.train_networks import split_digits, turn_at_random
from equibook.unfold import conv_matrix, unfold_network

ROW = re.compile(rf"^\| {LINK.pattern} \*(?P<name>[^|*]+)\*: (?P<thought>[^|]+) \| (?P<show>[^|]+) \|$", re.MULTILINE)
FIGURE = re.compile(r"\*\*([\d.]+)( %|)\*\*")
ROWS = {match["name"]: match for match in ROW.finditer(PAGE)}
D4, quarter = DihedralGroup(4), partial(eq.actions.rotate, angle=90)


class Row:
    """A row of the page; the figures in it, in bold, are those that its test obtains."""

    def __init__(self, show):
        self.figures, self.obtained = FIGURE.findall(show), ()
        assert not re.search(r"\d\s?%|\d\.\d", FIGURE.sub("", re.sub(r"`[^`]*`", "", show)))

    def finds(self, *values):
        """Each value is the figure, to one unit of its last digit."""
        self.obtained = values
        for (figure, unit), value in zip(self.figures, values, strict=True):
            step = 10.0 ** -len(figure.partition(".")[2])
            assert abs((100 if unit else 1) * value - float(figure)) <= step, (figure, value)


@pytest.fixture
def row(request):
    found = Row(ROWS[request.node.originalname.removeprefix("test_").replace("_", " ")]["show"])
    yield found
    assert len(found.obtained) == len(found.figures)


def test_every_row_has_a_test_and_every_test_a_row():
    tests = {name: test for name, test in globals().items() if name.startswith("test_")}
    of_rows = {name for name, test in tests.items() if "row" in inspect.signature(test).parameters}
    assert {name.removeprefix("test_").replace("_", " ") for name in of_rows} == {*ROWS}


def test_every_chapter_has_one_to_three_rows():
    numbers = [match[1] for match in ROW.finditer(PAGE)]
    assert set(numbers) == {*NUMBERS} and numbers == sorted(numbers) and len(numbers) == len(ROWS)
    assert all(1 <= numbers.count(number) <= 3 for number in NUMBERS)


def test_a_figure_that_is_off_is_found():
    row = Row("error **0.36**, for **93 %** of all")
    row.finds(0.364, 0.925)
    with pytest.raises(AssertionError):
        row.finds(0.38, 0.925)
    with pytest.raises(ValueError, match="zip"):
        row.finds(0.364)
    with pytest.raises(AssertionError):
        Row("error 0.36, and 93 %")


@pytest.fixture(scope="module")
def digits():
    return eq.datasets.load_digits(size=32)


@pytest.fixture(scope="module")
def boxed(digits):
    """3s and 8s as the chapters take them: pixels and features of 100 upright ones, and of 257 others, turned."""
    X, y = (part[np.isin(digits[1], (3, 8))] for part in digits)
    X_train, X_test, y_train, y_test = train_test_split(X.astype(float), y, train_size=100, stratify=y, random_state=0)
    X_turned = eq.actions.rotate(X_test, np.random.default_rng(0).uniform(-180, 180, len(X_test)))
    layer = eq.Representation().fit(X_train)
    box = {"X": X_train, "y": y_train, "X_test": X_test, "y_test": y_test, "turned": X_turned}
    return (
        box
        | {"pixels": (X_train.reshape(100, -1), X_turned.reshape(257, -1)), "layer": layer}
        | {"features": tuple(np.asarray(layer.transform(images)) for images in (X_train, X_turned))}
    )


@pytest.fixture(scope="module")
def twenty(digits):
    """Two digits of each kind, in double precision."""
    X, y = digits
    return X[np.concatenate([np.flatnonzero(y == digit)[:2] for digit in range(10)])].astype(float)


def upside_down(digits):
    """Return 6s, the same with others turned by 180°, and what these would be called."""
    sixes = digits[0][digits[1] == 6]
    both = np.concatenate([sixes, eq.actions.rotate(sixes, 180)])
    return sixes, both, np.repeat([6, 9], len(sixes))


def apart(a, b):
    a, b = (np.asarray(part).reshape(len(part), -1) for part in (a, b))
    return np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1)


# Chapter 00


def test_learned_turns(row, boxed):
    noise = np.random.default_rng(0).random((3, 1, 32, 32))
    after_noise = eq.Representation().fit(noise).transform(boxed["X"][:5])
    np.testing.assert_allclose(after_noise, boxed["layer"].transform(boxed["X"][:5]), rtol=0, atol=1e-12)
    halves = [
        Reduction(5).fit(boxed["features"][0][rows]).transform(after_noise) for rows in (slice(50), slice(50, 100))
    ]
    assert np.abs(halves[0] - halves[1]).max() > 1


def test_right_at_any_angle(row, digits):
    X, y = (part[np.isin(digits[1], (6, 9))] for part in digits)
    sixes = X[100:][y[100:] == 6]
    turned = eq.actions.rotate(sixes, 180)
    box, pixels = (eq.GlassBoxClassifier(representation=layer).fit(X[:100], y[:100]) for layer in (None, Pixels()))
    assert (box.predict(turned) == box.predict(sixes)).all() and np.mean(box.predict(sixes) == 6) > 0.95
    assert np.mean(pixels.predict(sixes) == 6) > 0.95
    row.finds(np.mean(pixels.predict(turned) == 9))


# Chapter 01

BLUR = np.outer([1, 2, 1], [1, 2, 1])[None, None] / 16
SHIFT = np.array([[[[0, 0, 0], [0, 0, 1.0], [0, 0, 0]]]])


def test_flipped_kernel(row):
    image = np.random.default_rng(0).random((8, 8))
    by_torch = torch.conv2d(torch.tensor(image)[None, None], torch.tensor(SHIFT), padding=1)[0, 0].numpy()
    by_scipy = convolve2d(image, SHIFT[0, 0], mode="same")
    assert np.array_equal(by_torch[:, :-1], image[:, 1:]) and np.array_equal(by_scipy[:, 1:], image[:, :-1])
    blurred = torch.conv2d(torch.tensor(image)[None, None], torch.tensor(BLUR), padding=1)[0, 0].numpy()
    np.testing.assert_allclose(convolve2d(image, BLUR[0, 0], mode="same"), blurred, atol=1e-14)


def test_no_matrix(row):
    matrix = conv_matrix(np.random.default_rng(0).normal(size=(1, 1, 3, 3)), 8, padding=1)
    row.finds(np.prod(matrix.shape), matrix.nnz, len(np.unique(matrix.data)))
    image = np.random.default_rng(1).random(64)
    assert len(np.unique(matrix @ image)) == 64


def test_undone_by_its_transpose(row):
    digit = load_digits().images[3].ravel() / 16
    around = [conv_matrix(kernel, 8, padding=1, padding_mode="circular") for kernel in (BLUR, SHIFT)]
    blurred, shifted = (matrix.T @ (matrix @ digit) for matrix in around)
    assert np.array_equal(shifted, digit) and not np.array_equal(around[1] @ digit, digit)
    row.finds(np.linalg.norm(blurred - digit) / np.linalg.norm(digit))


# Chapter 02


@pytest.fixture(scope="module")
def opened():
    """The trained network, a 3 that it has not seen, and the network unfolded there."""
    network, (_, images, _, labels) = eq.networks.load("lenet").double(), split_digits("lenet")
    three = images[labels == 3][:1].astype(float)
    return network, three, unfold_network(network, three)


def test_weights_are_reasons(row, opened):
    _, three, unfolded = opened
    weights, black = np.abs(unfolded.rows([3])[0]), three[0] == 0
    assert not unfolded.parts(3).pixels[black].any() and unfolded.parts(3).pixels[~black].any()
    row.finds(weights[black].sum() / weights.sum())


def test_holds_nearby(row, opened):
    network, three, unfolded = opened
    turned = eq.actions.rotate(three.repeat(3, axis=0), np.array([0, 5, 45]))
    with torch.no_grad():
        scores = network(torch.as_tensor(turned)).numpy()[:, 3]
    flipped, by_map = unfolded.flipped_shares(turned), np.asarray(unfolded(turned))[:, 3]
    assert flipped[0] == 0 and np.isclose(by_map[0], scores[0])
    row.finds(flipped[1], by_map[2], scores[2])


def test_one_explanation(row, opened):
    network, three, _ = opened
    layers = [max_pool_by_relus(6).double() if name == "pool1" else one for name, one in network.named_children()]
    rewritten = torch.nn.Sequential(*layers).eval()
    for image, differ in ((three, False), (1 - three, True)):
        ours, theirs = unfold_network(network, image), unfold_network(rewritten, image)
        torch.testing.assert_close(theirs.output, ours.output, rtol=0, atol=1e-11)
        gap = apart(np.asarray(theirs.parts(3).pixels)[None], np.asarray(ours.parts(3).pixels)[None])[0]
        assert gap > 0.25 if differ else gap < 1e-12


# Chapter 03


def test_eight_moves(row):
    shapes = [eq.datasets.draw_shape(name)[None, None] for name in ("L", "S", "square")]
    row.finds(*(eq.orbits.n_distinct(eq.orbits.orbit(shape, D4))[0] for shape in shapes))


def test_still_nearest(row, boxed):
    X, y = boxed["X_test"], boxed["y_test"]
    between = eq.orbits.distances(X[:, None], X)[:, 0]
    to_other = np.ma.array(between, mask=y[:, None] == y).mean(axis=1).data
    moved = {angle: np.linalg.norm(eq.actions.rotate(X, angle) - X, axis=(2, 3))[:, 0] for angle in (90, 15)}
    row.finds(*(np.sum(own > to_other) for own in moved.values()))
    assert len(X) == 257


def test_mixed_classes(row, boxed):
    orbits = eq.orbits.orbit(boxed["X"], CyclicGroup(24))
    away = eq.orbits.distances(orbits, boxed["turned"][:100])
    nearest = [part.argmin(axis=0) for part in (away[:, 0], away.min(axis=1))]
    row.finds(*(np.mean(boxed["y"][rows] == boxed["y_test"][:100]) for rows in nearest))


# Chapter 04


@pytest.fixture(scope="module")
def patches():
    grey = torch.from_numpy(eq.datasets.load_photographs(size=33)[0][::13]).double().mean(dim=1, keepdim=True)
    return grey - grey.mean(dim=(2, 3), keepdim=True)


def test_always_equivariant(row, patches):
    symmetric = symmetrise(np.random.default_rng(0).normal(size=(5, 5)), D4)
    ours, exact = (
        eq.measure.report(make_convolution(kernel), patches, quarter, quarter) for kernel in (SOBEL, symmetric)
    )
    row.finds(np.median(ours.error), np.median(ours.different))
    assert exact.error.max() < 1e-12 and np.median(exact.different) > 1


def test_small_error(row, patches):
    nothing, relu = (eq.measure.report(step, patches, quarter, quarter) for step in (torch.ones_like, torch.relu))
    assert nothing.error.max() == nothing.different.max() == 0
    assert relu.error.max() == 0 and np.median(relu.different) > 0.5


def test_pooling_forgives(row, patches):
    pool, small = torch.nn.MaxPool2d(2), patches[..., :32, :32]
    moves = {by: (partial(roll, shift=(by, 0)), partial(roll, shift=(by / 2, 0))) for by in (1, 2)}
    error = {by: eq.measure.equivariance_error(pool, small, *move) for by, move in moves.items()}
    assert error[2].max() == 0
    row.finds(np.median(error[1]))


# Chapter 05


def test_maps_only_turn(row, twenty):
    lift, images, g = Lifting((0.8, 1.6, 3.2)), torch.from_numpy(twenty) * disc_window(32), CyclicGroup(4).elements[1]
    act, pass_on = partial(eq.actions.act, g), partial(eq.actions.act_on_maps, g)
    only = eq.measure.report(lift, images, act, lambda maps: torch.rot90(maps, 1, (-2, -1)))
    row.finds(np.median(only.error), np.median(only.different))
    assert eq.measure.equivariance_error(lift, images, act, pass_on).max() < 1e-13


def test_eight_angles(row, twenty):
    layer, turn = EquivariantLayer(32), partial(eq.actions.rotate, angle=10)
    images, factor = (
        torch.from_numpy(twenty) * disc_window(32),
        partial(turn_coefficients, k=torch.from_numpy(layer.table.k), angle=10),
    )
    law, forgot = (eq.measure.report(layer, images, turn, act) for act in (factor, torch.clone))
    row.finds(np.median(law.error), np.median(law.different), np.median(forgot.error))


# Chapter 06


def rebuilt(images, kept):
    harmonics = ImageHarmonics(32, n_rings=12, max_frequency=10)
    coefficients = harmonics.read(images)[:, 0]
    assert coefficients.shape[1] == 102
    return harmonics.rebuild(keep_only(coefficients, harmonics.m, kept)[:, None])


def up_to_a_turn(images, kept):
    again = rebuilt(images, kept)
    np.testing.assert_allclose(rebuilt(quarter(images), kept), again, atol=1e-12)  # it knows of no turn
    return np.median(np.min([apart(eq.actions.rotate(again, angle), images) for angle in range(0, 360, 5)], axis=0))


def test_nothing_left(row, twenty):
    row.finds(up_to_a_turn(twenty, "bispectrum"), up_to_a_turn(twenty, "average"))


def test_lengths_are_shape(row, twenty):
    row.finds(up_to_a_turn(twenty, "power"))
    mirrored = {
        kept: apart(eq.actions.reflect(rebuilt(twenty, kept), 0), rebuilt(twenty, kept)) for kept in ("power", "cross")
    }
    assert mirrored["power"].max() < 1e-12 and mirrored["cross"].min() > 0.05


def test_more_is_better(row):
    shapes, names = eq.datasets.load_shapes(80, classes=("L", "J"), random_state=0)
    boxes = [eq.GlassBoxClassifier(representation=eq.Representation(group=group)) for group in ("O(2)", "SO(2)")]
    row.finds(
        *(box.fit(shapes[:40], names[:40]).score(eq.actions.rotate(shapes[40:], 77), names[40:]) for box in boxes)
    )


# Chapter 07


def share_right(boxed, kind, k):
    learned, asked = boxed[kind]
    reduction = Reduction(99, whiten=True).fit(learned)
    model = make_classifier("nearest_mean").fit(reduction.transform(learned)[:, :k], boxed["y"])
    return model.score(reduction.transform(asked)[:, :k], boxed["y_test"])


def test_ninety_per_cent(row, boxed):
    held = {
        kind: np.cumsum(Reduction(99).fit(boxed[kind][0]).pca_.explained_variance_ratio_)
        for kind in ("pixels", "features")
    }
    count = int(np.argmax(held["pixels"] >= 0.9)) + 1
    row.finds(count, share_right(boxed, "pixels", count), held["features"][1], share_right(boxed, "features", 2))


def test_keep_everything(row, boxed):
    Z = Reduction(99, whiten=True).fit_transform(boxed["features"][0])
    off = ~np.eye(100, dtype=bool)
    every, few = (np.linalg.norm(z[:, None] - z, axis=2)[off] for z in (Z, Z[:, :25]))
    row.finds(every.mean())
    assert np.ptp(every) < 1e-6 and np.ptp(few) > 2


# Chapter 08


def test_eight_opinions(row, boxed):
    learned, asked = boxed["features"]
    scores = {}
    for name in ("nearest_mean", "lda", "ridge", "linear_svm", "naive_bayes"):
        layer_2, layer_3 = fit_layers(name, learned, boxed["y"])
        scores[name] = decision_scores(layer_3, layer_2.transform(asked))
    alike = {name: np.corrcoef(score, scores["nearest_mean"])[0, 1] for name, score in scores.items()}
    least = min(alike[name] for name in ("lda", "ridge", "linear_svm"))
    assert least > 0.999
    row.finds(least, alike["naive_bayes"])


def test_best_of_eight(row):
    right = np.random.default_rng(0).binomial(50, 0.97, size=(10_000, 8)) / 50
    row.finds(right.mean(), right.max(axis=1).mean())


# Chapter 09


@pytest.fixture(scope="module")
def glass_box(boxed):
    return eq.GlassBoxClassifier().fit(boxed["X"], boxed["y"])


def test_reasons_are_true(row, boxed, glass_box):
    wrong = np.flatnonzero(glass_box.predict(boxed["turned"]) != boxed["y_test"])
    row.finds(len(wrong))
    for rows in (wrong, np.setdiff1d(np.arange(20), wrong)):
        why = glass_box.explain(boxed["turned"][rows])
        says_8 = why.features.sum(axis=1) + why.bias > 0
        assert np.all((says_8 == (boxed["y_test"][rows] == 8)) == (rows is not wrong))
        assert why.gap().max() < 1e-12 * np.abs(why.score).max()


def test_one_loud_feature(row, boxed, glass_box):
    why = glass_box.explain(boxed["turned"][:1])
    says = np.abs(why.features - why.reference)[0]
    row.finds(len(says), says.max() / says.sum())


def test_cleverer_classifier(row, digits):
    sixes, both, called = upside_down(digits)
    train, test = train_test_split(np.arange(len(both)), train_size=100, stratify=called, random_state=0)
    boxes = [eq.GlassBoxClassifier("rbf_svm", representation=layer) for layer in (None, Pixels())]
    row.finds(*(box.fit(both[train], called[train]).score(both[test], called[test]) for box in boxes))
    features = eq.Representation().fit(sixes).transform(both)
    np.testing.assert_allclose(features[: len(sixes)], features[len(sixes) :], atol=1e-4)


# Chapters 10 to 12


@pytest.fixture(scope="module")
def alexnets():
    return [eq.alexnet.load(weights, random_state=0, head=False) for weights in ("digits", "random")]


@pytest.fixture(scope="module")
def large():
    """Digits of 63 × 63 pixels: of those that the trunk was trained on, and of the others, with labels."""
    learned, others, _, labels = split_digits("alexnet_trunk")
    return learned, others, labels


def test_mere_noise(row, alexnets):
    trained, start = (net.features[0].weight.detach() for net in alexnets)
    row.finds(*(np.corrcoef(w[..., 1:].flatten(), w[..., :-1].flatten())[0, 1] for w in (trained - start, start)))


def test_honest_hook(row, alexnets, large):
    net, seen = alexnets[0], {}
    images = eq.alexnet.preprocess(large[1][:8], "digits")
    handle = net.features[0].register_forward_hook(lambda layer, given, values: seen.update(conv1=values))
    with torch.no_grad():
        net.features(images)
    handle.remove()
    assert seen["conv1"].min() == 0
    row.finds((eq.alexnet.stages(net, images, ["conv1"])["conv1"] < 0).double().mean())


def test_knows_the_turn(row, alexnets, large):
    some = [eq.alexnet.preprocess(images[:60], "digits") for images in large[:2]]
    stages = {n: lambda images, n=n: alexnets[1].features[0](images)[:, :n] for n in (64, 4)}
    found = probes.fitted_equivariance(stages, *some, "rot90")
    row.finds(found.fitted[0])
    assert found.fitted[1] > 1 and found.shuffled.min() > 0.9


def test_alike_is_good(row, alexnets, large):
    images, turn = eq.alexnet.preprocess(large[1][:40], "digits"), transforms.named("rot90")
    trained, start = (probes.cka(net, images, turn, "conv5", batch_size=20) for net in alexnets)
    row.finds(start.similarity[0], trained.similarity[0], probes.linear_cka(images, turn.on_images(images)))
    assert np.abs(start.shuffled).max() < 0.2


def test_one_winner(row, alexnets, large):
    _, images, y = large
    small = split_digits("lenet")[1]
    learn, test = train_test_split(np.arange(len(y)), train_size=400, stratify=y, random_state=0)
    learn, test = learn[probes.readouts.choose_rows(y[learn], 20)], test[:100]
    angles, layer = np.random.default_rng(0).uniform(0, 360, 100), eq.Representation().fit(small[learn])
    found = []
    for read, X in ((partial(pool5, alexnets[0]), images), (layer.transform, small)):
        layer_2, layer_3 = fit_layers("lda", read(X[learn]), y[learn])
        shown = X[test], eq.actions.rotate(X[test], angles)
        found.append([layer_3.score(layer_2.transform(read(one)), y[test]) for one in shown])
    (of_alexnet, alexnet_turned), (of_box, box_turned) = found
    row.finds(of_alexnet, of_box, alexnet_turned, box_turned)


def pool5(net, images):
    return eq.alexnet.stages(net, eq.alexnet.preprocess(images, "digits"), ["pool5"])["pool5"].flatten(1).numpy()


# Chapters 13 to 16


def test_apart_is_better(row):
    rng, side = np.random.default_rng(0), np.arange(300) % 2
    strong = side[:, None] + rng.normal(scale=0.5, size=(300, 1))
    both = np.hstack([strong, 0.5 * side[:, None] + rng.normal(scale=0.5, size=(300, 30))])
    features = [Z / Z.std(axis=0) for Z in (strong, both)]
    fisher = [eq.measure.class_separation(Z, side).fisher for Z in features]
    row.finds(*fisher, *(eq.design.neighbour_share(Z, side) for Z in features))


@pytest.fixture(scope="module")
def repacked():
    """The trained network, the same with its second kernel repacked, and 200 digits that it has not seen."""
    network, (_, images, _, labels) = eq.networks.load("lenet"), split_digits("lenet")
    other = copy.deepcopy(network)
    other.conv2 = repack(network.conv2, "D4", 2)
    return network, other, images[:200], labels[:200]


def share_read(network, images, labels):
    with torch.no_grad():
        return np.mean(network(eq.networks.preprocess("lenet", images)).argmax(1).numpy() == labels)


def test_still_reads(row, repacked):
    network, other, images, labels = repacked
    kernel, made = (net.conv2.weight.detach() for net in (network, other))
    row.finds(float((made - kernel).norm() / kernel.norm()), share_read(other, images, labels))
    assert share_read(network, images, labels) > 0.99


def test_copies_suffice(row, repacked):
    network, other, images, labels = repacked
    row.finds(*(share_read(net, turn_at_random(images), labels) for net in (network, other)))


def test_mean_of_variances(row):
    X, y = load_digits(return_X_y=True)
    X = X[np.argsort(y, kind="stable")][:, X.std(axis=0) > 0]
    batches, kept = np.array_split(X, 18), StandardScaler()
    for batch in batches:
        kept.partial_fit(batch)
    np.testing.assert_allclose(kept.var_, X.var(axis=0))
    row.finds(np.median(np.mean([batch.var(axis=0) for batch in batches], axis=0) / X.var(axis=0)))


def test_batches_differ(row, boxed):
    one_by_one = np.concatenate([boxed["layer"].transform(image[None]) for image in boxed["X"][:10]])
    np.testing.assert_allclose(one_by_one, boxed["features"][0][:10], rtol=0, atol=1e-12)
    features = np.concatenate(boxed["features"])
    exact = Reduction(20).fit(features)
    streamed = fit_reduction(lambda: iter(np.array_split(features, 7)), 20)
    Z = exact.scaler_.transform(features)
    held = [np.linalg.norm(Z @ one.pca_.components_.T) ** 2 for one in (streamed, exact)]
    assert not np.allclose(streamed.pca_.components_, exact.pca_.components_, atol=1e-6)
    row.finds(held[0] / held[1])


def test_ninety_five(row):
    row.finds(*Share(38, 40).interval, *Share(380, 400).interval)


def test_answer_is_knowledge(row):
    images, names = eq.datasets.load_photographs(size=32)
    box = eq.GlassBoxClassifier().fit(images[::5], names[::5])
    digit = np.repeat(eq.datasets.load_digits(size=32)[0][:1], 3, axis=1)
    answers = predict_images(box, np.concatenate([digit, images[1::40]]).astype(np.float32))
    assert answers["class"][0] == "temple" and np.mean(answers["novelty"][1:] > 1) < 0.2
    row.finds(answers["probability"][0], answers["novelty"][0])
