"""What `test_hardening` tries: kinds of data, fit and unfit ones, and a line for everything public that takes some."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import nn

import equibook as eq
from equibook import operations, orbits, plots, probes
from equibook.datasets import load_digits
from equibook.groups import CyclicGroup, DihedralGroup

COUNT = [0]  # how many cases were tried in this process
N, SIZE = 6, 8
Y = np.array([3, 8] * (N // 2))
FLOATS = ("float64", "float32", "float16")


@dataclass(frozen=True)
class Array:
    """An array of one shape: as plain, as odd and as wrong as it comes."""

    shape: tuple[int, ...]
    whole: str = "01"  # the integers that are fit: "01" or "all"
    square: bool = True  # whether the last two axes have to be equal
    axes: tuple[int, ...] = ()  # other numbers of axes that are fit too
    dtypes: tuple[str, ...] = FLOATS
    positive: bool = False
    takes: tuple[str, ...] = ()  # of what is wrong elsewhere

    def plain(self) -> np.ndarray:
        return np.random.default_rng(0).random(self.shape)

    def values(self) -> st.SearchStrategy:
        fit = st.builds(
            lambda *a: ("fit", self.dressed(*a)), st.integers(0, 99), self.kinds(), st.sampled_from(sorted(DRESSES))
        )
        odd = st.builds(
            lambda *a: ("either", self.extreme(*a)),
            st.sampled_from(sorted(EXTREMES)),
            st.sampled_from(self.dtypes),
            st.sampled_from(sorted(DRESSES)),
        )
        return st.one_of(
            fit, odd, st.sampled_from(sorted(self.wrong())).map(lambda name: ("unfit", self.wrong()[name]))
        )

    def kinds(self) -> st.SearchStrategy:
        whole = ("uint8", "int64", "bool", *(("int32",) if self.whole == "all" else ()))
        return st.sampled_from(self.dtypes if self.positive else (*self.dtypes, *whole))

    def dressed(self, seed: int, dtype: str, dress: str) -> Any:
        """Return random numbers, some of them -0.0 and denormal, of a dtype and in a layout."""
        rng = np.random.default_rng(seed)
        numbers = rng.random(self.shape)
        if np.dtype(dtype).kind in "iub":
            top = 2 if self.whole == "01" or dtype == "bool" else 100
            return DRESSES[dress](rng.integers(0, top, self.shape).astype(dtype))
        if not self.positive:
            numbers[rng.random(self.shape) < 0.1] = -0.0
            numbers[rng.random(self.shape) < 0.1] = 1e-310
        return DRESSES[dress](numbers.astype(dtype))

    def extreme(self, name: str, dtype: str, dress: str) -> Any:
        with np.errstate(over="ignore", under="ignore"):
            numbers = EXTREMES[name](np.random.default_rng(1), self.shape)
            largest = np.finfo(dtype).max
            return DRESSES[dress](np.clip(numbers, -largest, largest).astype(dtype))

    def wrong(self) -> dict[str, Any]:
        good = self.plain()
        bad = {f"one {value}": _with(good, value) for value in (np.nan, np.inf, -np.inf)}
        bad |= {"complex": good * 1j, "texts": good.astype(str), "objects": good.astype(object), "none": None}
        bad |= {"a text": "images", "ragged": [[1.0], [1.0, 2.0]], "empty": good[:0], "a dict": {"a": good}}
        bad |= {"bfloat16": torch.from_numpy(good).bfloat16(), "sparse": torch.from_numpy(good).to_sparse()}
        bad |= {"torch NaN": torch.from_numpy(_with(good, np.nan)), "torch complex": torch.from_numpy(good * 1j)}
        bad |= {"more axes": good[..., None, None, None], "set": {1.0}}
        bad |= {"one axis": good.ravel()} if 1 not in self.axes and good.ndim > 1 else {}
        bad |= {"0 to 255": (255 * good).astype("uint8")} if self.whole == "01" else {}
        bad |= {"not square": good[..., :-1]} if self.square else {}
        return {name: value for name, value in bad.items() if name not in self.takes}


def _with(good: np.ndarray, value: float) -> np.ndarray:
    bad = good.copy()
    bad.flat[0] = value
    return bad


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _strided(array: np.ndarray) -> np.ndarray:
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def _needs_grad(array: np.ndarray) -> torch.Tensor:
    tensor = torch.from_numpy(array)
    return tensor.requires_grad_() if tensor.is_floating_point() else tensor


DRESSES: dict[str, Callable[[np.ndarray], Any]] = {
    "as it is": lambda a: a,
    "read-only": _read_only,
    "Fortran": np.asfortranarray,
    "strided": _strided,
    "reversed": lambda a: a[::-1, ..., ::-1] if a.ndim > 1 else a[::-1],
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "a list": np.ndarray.tolist,
    "a tensor": torch.from_numpy,
    "a tensor that wants derivatives": _needs_grad,
    "a strided tensor": lambda a: torch.from_numpy(np.asfortranarray(a)),
}
EXTREMES: dict[str, Callable[..., np.ndarray]] = {
    "zeros": lambda rng, shape: np.zeros(shape),
    "negative zeros": lambda rng, shape: -np.zeros(shape),
    "all alike": lambda rng, shape: np.full(shape, 0.3),
    "denormal": lambda rng, shape: 1e-310 * rng.random(shape),
    "denormal squares": lambda rng, shape: 1e-160 * rng.random(shape),
    "denormal in float32": lambda rng, shape: 1e-40 * rng.random(shape),
    "negative": lambda rng, shape: -rng.random(shape),
    "signed": lambda rng, shape: rng.normal(size=shape),
    "1e15": lambda rng, shape: 1e15 * rng.random(shape),
    "1e30": lambda rng, shape: 1e30 * rng.random(shape),
    "-1e300": lambda rng, shape: -1e300 * rng.random(shape),
    "1e300": lambda rng, shape: 1e300 * rng.normal(size=shape),
    "one is huge": lambda rng, shape: np.where(np.arange(np.prod(shape)).reshape(shape) == 3, 1e305, rng.random(shape)),
    "largest and smallest": lambda rng, shape: rng.choice([1.79e308, -1.79e308, 5e-324, 0.0], size=shape),
}


def choose(fitness: str, values: list) -> st.SearchStrategy:
    """Return one of the values, by its place: arrays cannot be compared."""
    return st.sampled_from(range(len(values))).map(lambda i: (fitness, values[i]))


@dataclass(frozen=True)
class Labels:
    """Two classes, three images each; "foreign" kinds are given to a function that wants numbers."""

    n: int = N
    any_number: bool = False  # whether one less will do too
    known: bool = False  # whether they have to be those of a model, 3 and 8

    def plain(self) -> np.ndarray:
        return np.array([3, 8] * (self.n // 2))

    def values(self) -> st.SearchStrategy:
        y = self.plain()
        fit = [y, y.tolist(), y.astype("int8"), y.astype(">i4"), y.astype(float), y == 3, (y == 3).tolist(), y[::-1]]
        fit += [
            np.where(y == 3, "a", "b"),
            ["a", "b"] * (self.n // 2),
            torch.from_numpy(y),
            _read_only(y - 9),
            tuple(y),
        ]
        fit += [np.where(y == 3, "a", "b").astype(object), y.astype("uint64"), _strided(y)]
        if self.known:
            fit = [
                y,
                y.tolist(),
                y.astype("int8"),
                y.astype(">i4"),
                y[::-1],
                torch.from_numpy(y),
                tuple(y),
                _strided(y),
            ]
        short = y[:-1]
        bad = [None, 3, "ab", short, y[:, None], y + 0.5, np.where(y == 3, np.nan, 1), [None] * self.n, y * 1j, []]
        bad += [{"a": 1}, np.where(y == 3, np.inf, 1), [[1], [1, 2]] * (self.n // 2), [b"a", b"b"] * (self.n // 2)]
        bad += [[1, "a"] * (self.n // 2), torch.full((self.n,), torch.nan), [{}] * self.n]
        bad = [label for label in bad if not (self.any_number and label is short)]
        return st.one_of(choose("fit", fit), choose("unfit", bad), st.just(("either", np.full(self.n, 3))))


@dataclass(frozen=True)
class Numbers:
    """Angles, axes and shifts: one for all, or one for each of `n` images; with a width, several that go together."""

    n: int = N
    width: int = 0
    each: bool = True

    def plain(self) -> Any:
        return np.linspace(-1, 2, self.width) if self.width else 30.0

    def values(self) -> st.SearchStrategy:
        one = np.linspace(-3, 5, self.width) if self.width else np.float64(20)
        many = np.linspace(-3, 5, self.n * max(self.width, 1)).reshape((self.n, self.width)[: 2 if self.width else 1])
        fit = [
            one,
            one.tolist(),
            np.float32(one),
            -0.0 * one,
            one.astype(int),
            np.float16(one),
            1e-310 * one,
            1e6 * one,
        ]
        fit += [_read_only(np.array(one)), torch.tensor(one), torch.tensor(one, requires_grad=True)]
        if self.each:
            fit += [many, many.tolist(), _strided(many), many.astype(">f4"), many[::-1], torch.from_numpy(many)]
        bad = [
            None,
            "30",
            np.nan * one,
            np.inf * one,
            one * 1j,
            [],
            many[:-1],
            many[None],
            {"a": 1},
            np.array(one, "O"),
        ]
        odd = [1e30 * one, 1e300 * one, np.array(one, bool)]
        return st.one_of(choose("fit", fit), choose("unfit", bad), choose("either", odd))


@dataclass(frozen=True)
class Nothing:
    """An object that is no array: a network, a model, a map. Only what is unfit is tried."""

    good: Callable[[], Any]

    def plain(self) -> Any:
        return self.good()

    def values(self) -> st.SearchStrategy:
        return st.sampled_from([None, "net", 3, 2.5, [1], {"a": 1}, True]).map(lambda value: ("unfit", value))


@dataclass(frozen=True)
class Entry:
    """How one function is called, and with what."""

    call: Callable[..., Any]
    kinds: dict[str, Any]
    examples: int = 20
    left_out: dict[str, str] = field(default_factory=dict)
    may_be_nan: bool = False
    gives_tensors: bool = False
    own_words: bool = True  # else the errors are those of scikit-learn, whose rules for estimators ask for its own


IMAGES = Array((N, 1, SIZE, SIZE), axes=(3,))
RGB = Array((N, 3, SIZE, SIZE))
IMAGE = Array((1, 1, SIZE, SIZE), axes=(3,))
PIXELS = Array((N, 5), whole="all", square=False, takes=("more axes",))
ROWS = ("complex", "torch complex", "more axes", "one axis")  # each sample is read as one vector
FEATURES = Array((N, 5), whole="all", square=False, takes=ROWS)
DOUBLE = Array((N, 1, SIZE, SIZE), axes=(3,), dtypes=FLOATS[:1], positive=True)
NOVELTY = Array((N, 5), whole="all", square=False, takes=ROWS[2:])
MANY = Array((N, 5), whole="all", square=False, takes=ROWS[2:3])
THEIRS = Array((N, 5), whole="all", square=False, takes=("texts", "objects"))  # as scikit-learn has it
MOVED = Array((N, 5), whole="all", square=False, takes=(*ROWS[2:3], "none"))
COMPONENTS = Array((N, 2), whole="all", square=False, takes=("more axes",))
KERNEL = Array((1, 1, 3, 3), whole="all", square=False)
KERNELS = Array((4, 1, 5, 5), whole="all", dtypes=FLOATS[:2], takes=("complex", "torch complex"))
STACK = Array((1, 1, 3, 3), whole="all", takes=("more axes",))
MAPS = Array((N, 2, 4, SIZE, SIZE))
LABELS = Labels()
"""Kinds that several functions take."""


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(classes=(3, 8), size=24)
    X = X[:, :, ::3, ::3].astype(np.float64)
    return np.ascontiguousarray(X[:40]), y[:40]


def light(**settings: Any) -> eq.Representation:
    return eq.Representation(scales=(0.8,), n_rings=2, max_frequency=2, invariant="power", **settings)


@cache
def layer() -> eq.Representation:
    return light().fit(digits()[0])


@cache
def model(name: str = "nearest_mean") -> eq.GlassBoxClassifier:
    return eq.GlassBoxClassifier(name, representation=light(), n_components=3).fit(*digits())


@cache
def net() -> nn.Sequential:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32, 2)]
    return nn.Sequential(*layers).double().eval().requires_grad_(False)


@cache
def features() -> np.ndarray:
    return model().representation_.transform(digits()[0])


def mean_over_pixels(x: Any) -> Any:
    return x[..., 0]


def flip(x: Any) -> Any:
    return eq.actions.reflect(x)


QUARTER = CyclicGroup(4).elements[1]
A, L, R = eq.actions, eq.alexnet, eq.representation

TABLE = {
    "actions.rotate": Entry(A.rotate, {"images": IMAGES, "angle": Numbers()}),
    "actions.reflect": Entry(A.reflect, {"images": IMAGES, "axis": Numbers()}),
    "actions.translate": Entry(A.translate, {"images": IMAGES, "shift": Numbers(width=2)}),
    "actions.act": Entry(lambda images: A.act(QUARTER, images), {"images": IMAGES}),
    "actions.act_on_maps": Entry(lambda maps: A.act_on_maps(QUARTER, maps), {"maps": MAPS}),
    "alexnet.preprocess": Entry(
        lambda X: L.preprocess(X, "random"), {"X": Array((2, 3, 64, 64))}, 8, gives_tensors=True
    ),
    "colour.to_opponent": Entry(eq.colour.to_opponent, {"images": RGB}),
    "convolution.conv_matrix": Entry(lambda kernel: eq.convolution.conv_matrix(kernel, 5).data, {"kernel": KERNEL}),
    "convolution.conv_fft": Entry(eq.convolution.conv_fft, {"images": IMAGES, "kernel": KERNEL}),
    "convolution.conv_im2col": Entry(eq.convolution.conv_im2col, {"images": IMAGES, "kernel": KERNEL}),
    "convolution.as_kernel": Entry(eq.convolution.as_kernel, {"kernel": KERNEL}, gives_tensors=True),
    "convolution.conv_structure": Entry(
        lambda matrix: eq.convolution.conv_structure(matrix, 3, 3),
        {"matrix": Array((9, 9), whole="all", square=False, dtypes=FLOATS[:2])},
    ),
    "demo.accuracy_by_angle": Entry(
        lambda X, y: eq.demo.accuracy_by_angle(model(), X, y, (0, 90)), {"X": IMAGES, "y": Labels(known=True)}
    ),
    "demo.compare": Entry(
        lambda **data: eq.demo.compare(**data, classifiers=("nearest_mean",)).separation,
        {"X_train": IMAGES, "y_train": Labels(known=True), "X_test": IMAGES, "y_test": Labels(known=True)},
        1,
        may_be_nan=True,
    ),
    "design.compare": Entry(
        lambda X, y: eq.design.compare({"a": light()}, X, y, n_splits=2).accuracies,
        {"X": Array((12, 1, SIZE, SIZE), axes=(3,)), "y": Labels(12)},
        5,
    ),
    "design.neighbour_share": Entry(
        lambda features, y, moved: eq.design.neighbour_share(features, y, moved=moved),
        {"features": MANY, "y": LABELS, "moved": MOVED},
    ),
    "frames.centre_of_mass": Entry(eq.frames.centre_of_mass, {"images": IMAGES}),
    "frames.centre": Entry(eq.frames.centre, {"images": IMAGES}),
    "glassbox.GlassBoxClassifier.fit": Entry(
        lambda X, y: eq.GlassBoxClassifier(representation=light(), n_components=2).fit(X, y).decision_function(X),
        {"X": IMAGES, "y": LABELS},
    ),
    "layers_at.read_layers": Entry(
        lambda image: [eq.layers_at.read_layers(model(), image).scores], {"image": IMAGE}, 10
    ),
    "layers_at.read_features": Entry(lambda image: eq.layers_at.read_features(model(), image), {"image": IMAGE}, 10),
    "layers_at.read_known": Entry(
        lambda X, y: eq.layers_at.read_known(model(), X, y), {"X": IMAGES, "y": Labels(known=True)}, 10
    ),
    "learned.NetworkClassifier.fit": Entry(
        lambda X, y: eq.learned.NetworkClassifier(max_epochs=1).fit(X, y).decision_function(X),
        {"X": Array((12, 1, SIZE, SIZE), axes=(3,)), "y": Labels(12)},
        8,
    ),
    "measure.equivariance_error": Entry(lambda X: eq.measure.equivariance_error(flip, X, flip, flip), {"X": IMAGES}),
    "measure.invariance_error": Entry(lambda X: eq.measure.invariance_error(mean_over_pixels, X, flip), {"X": IMAGES}),
    "measure.report": Entry(lambda X: eq.measure.report(mean_over_pixels, X, flip), {"X": IMAGES}),
    "measure.class_separation": Entry(
        eq.measure.class_separation, {"features": FEATURES, "y": LABELS}, may_be_nan=True
    ),
    "measure.separation_by_layer": Entry(
        lambda X, y: eq.measure.separation_by_layer(model(), X, y), {"X": IMAGES, "y": LABELS}
    ),
    "networks.preprocess": Entry(
        lambda images: eq.networks.preprocess("lenet", images), {"images": Array((2, 1, 32, 32))}, gives_tensors=True
    ),
    "novelty.Novelty.fit": Entry(
        lambda features: eq.novelty.Novelty().fit(features).usual_, {"features": NOVELTY}, left_out={"y": "ignored"}
    ),
    "novelty.Novelty.score": Entry(
        lambda features: eq.novelty.Novelty().fit(FEATURES.plain()).score(features), {"features": MANY}
    ),
    "nuisances.compare_under": Entry(
        lambda X, y: eq.nuisances.compare_under({"a": light()}, X, y, {"flip": flip}, n_splits=2).accuracies,
        {"X": Array((12, 1, SIZE, SIZE), axes=(3,)), "y": Labels(12)},
        5,
    ),
    "operations.make_convolution": Entry(
        lambda kernel: operations.make_convolution(kernel).weight, {"kernel": KERNEL}, gives_tensors=True
    ),
    "operations.symmetrise": Entry(lambda kernel: operations.symmetrise(kernel, DihedralGroup(4)), {"kernel": STACK}),
    "operations.roll": Entry(
        lambda images: operations.roll(images, (1, 2)), {"images": IMAGES}, left_out={"shift": "whole numbers"}
    ),
    "operations.error_map": Entry(lambda images: operations.error_map(flip, images, flip, flip), {"images": IMAGES}),
    "orbit_pca.OrbitPCA.fit": Entry(
        lambda X: float(eq.orbit_pca.OrbitPCA(2).fit(X).explained_variance_.sum()),
        {"X": IMAGES},
        left_out={"y": "ignored"},
    ),
    "orbit_pca.OrbitPCA.transform": Entry(
        lambda X: eq.orbit_pca.OrbitPCA(2).fit(IMAGES.plain()).transform(X), {"X": IMAGES}
    ),
    "orbit_pca.OrbitPCA.inverse_transform": Entry(
        lambda Z: eq.orbit_pca.OrbitPCA(2).fit(IMAGES.plain()).inverse_transform(Z), {"Z": COMPONENTS}
    ),
    "orbits.move": Entry(lambda images: orbits.move(QUARTER, images), {"images": IMAGES}),
    "orbits.action_law_errors": Entry(
        lambda images: orbits.action_law_errors(images, CyclicGroup(2)), {"images": IMAGES}
    ),
    "orbits.orbit": Entry(lambda images: orbits.orbit(images, CyclicGroup(2)), {"images": IMAGES}),
    "orbits.n_distinct": Entry(lambda orbits: eq.orbits.n_distinct(orbits), {"orbits": Array((2, 4, 1, SIZE, SIZE))}),
    "orbits.stabilizer": Entry(lambda image: len(orbits.stabilizer(image, CyclicGroup(2))), {"image": IMAGE}),
    "orbits.distances": Entry(
        lambda orbits, images: eq.orbits.distances(orbits, images),
        {"orbits": Array((N, 2, 1, SIZE, SIZE)), "images": IMAGES},
    ),
    "predict.predict_images": Entry(lambda X: eq.predict.predict_images(model(), X), {"X": IMAGES}),
    "probes.alignment.cka": Entry(lambda net, X: probes.cka(net, X, flip), {"net": Nothing(net), "X": IMAGES}, 10),
    "probes.alignment.linear_cka": Entry(probes.linear_cka, {"features": FEATURES, "others": FEATURES}),
    "probes.copies.turned_copies": Entry(
        lambda kernels: probes.turned_copies(kernels, n_controls=1).best, {"kernels": KERNELS}, 8, may_be_nan=True
    ),
    "probes.invariance.invariance_count": Entry(
        lambda net, X: probes.invariance_count(net, X, "rot90"), {"net": Nothing(net), "X": IMAGES}, 10, may_be_nan=True
    ),
    "probes.lie.lie_derivative": Entry(
        lambda net, X: probes.lie_derivative(net, X), {"net": Nothing(net), "X": DOUBLE}, 3
    ),
    "probes.shifts.shift_consistency": Entry(
        lambda model, X: probes.shift_consistency(model, X, shifts=1), {"model": Nothing(net), "X": IMAGES}, 10
    ),
    "reconstruction.ImageHarmonics.read": Entry(
        lambda images: eq.reconstruction.ImageHarmonics(SIZE, n_rings=2, max_frequency=2).read(images),
        {"images": IMAGES},
    ),
    "reconstruction.peak_signal_to_noise": Entry(
        eq.reconstruction.peak_signal_to_noise, {"images": PIXELS, "reference": PIXELS}, may_be_nan=True
    ),
    "reconstruction.search_images": Entry(
        lambda X: eq.reconstruction.search_images(layer(), X, n_steps=3),
        {"X": IMAGES},
        5,
        {"representation": "a fitted one"},
    ),
    "reduction.Reduction.fit": Entry(
        lambda X: eq.reduction.Reduction(2).fit(X).transform(X),
        {"X": THEIRS},
        left_out={"y": "ignored"},
        own_words=False,
    ),
    "reduction.Reduction.transform": Entry(
        lambda X: eq.reduction.Reduction(2).fit(FEATURES.plain()).transform(X), {"X": THEIRS}, own_words=False
    ),
    "representation.Representation.fit": Entry(
        lambda X: len(light().fit(X).get_feature_names_out()), {"X": IMAGES}, left_out={"y": "ignored"}
    ),
    "representation.Pixels.fit": Entry(
        lambda X: len(R.Pixels().fit(X).get_feature_names_out()), {"X": IMAGES}, left_out={"y": "ignored"}
    ),
    "representation.Pixels.transform": Entry(lambda X: R.Pixels().fit(digits()[0]).transform(X), {"X": IMAGES}),
    "representation.Representation.pose": Entry(lambda X: layer().pose(X), {"X": IMAGES}, may_be_nan=True),
    "representation.Representation.relative_angle": Entry(
        lambda X, others: layer().relative_angle(X, others), {"X": IMAGES, "others": IMAGES}, may_be_nan=True
    ),
    "screening.is_blank": Entry(eq.screening.is_blank, {"X": IMAGES}),
    "screening.foreignness": Entry(lambda X: eq.screening.foreignness(model(), X), {"X": IMAGES}),
    "sensitivity.sensitivity": Entry(
        lambda X, y: (
            eq.sensitivity.sensitivity(
                model(), X, y, by="angle", amounts=(30,), classifiers=("nearest_mean",), n_train=6, n_splits=1
            ).accuracies
        ),
        {"X": Array((12, 1, SIZE, SIZE), axes=(3,)), "y": Labels(12)},
        5,
    ),
    "unfold.unfold_network": Entry(
        lambda network, image: eq.unfold.unfold_network(network, image).output,
        {"network": Nothing(net), "image": IMAGE},
        gives_tensors=True,
    ),
}
TABLE |= {
    f"representation.Representation.{name}": Entry(lambda X, name=name: getattr(layer(), name)(X), {"X": IMAGES})
    for name in ("transform", "coefficients")
}
TABLE |= {
    f"glassbox.GlassBoxClassifier.{name}": Entry(lambda X, name=name: getattr(model(), name)(X), {"X": IMAGES})
    for name in ("reduce", "decision_function", "predict", "novelty")
}
TABLE["glassbox.GlassBoxClassifier.explain"] = Entry(
    lambda X: [(why := model().explain(X)).features, why.pixels, why.score], {"X": IMAGES}
)
"""From a public name to how it is called."""


@cache
def trained() -> eq.learned.NetworkClassifier:
    return eq.learned.NetworkClassifier(max_epochs=1).fit(*digits())


@cache
def unfolded() -> eq.unfold.UnfoldedNetwork:
    return eq.unfold.unfold_network(net(), IMAGE.plain())


TABLE |= {
    "learned.NetworkClassifier.decision_function": Entry(lambda X: trained().decision_function(X), {"X": IMAGES}),
    "learned.NetworkClassifier.predict": Entry(lambda X: trained().predict(X), {"X": IMAGES}),
    "probes.lie.move": Entry(
        lambda images: probes.lie.move(images, "rotation"), {"images": IMAGES}, gives_tensors=True
    ),
    "probes.readouts.choose_rows": Entry(lambda y: probes.readouts.choose_rows(y, 4), {"y": Labels(any_number=True)}),
    "unfold.UnfoldedNetwork.count_flipped_gates": Entry(
        lambda image: unfolded().count_flipped_gates(image), {"image": IMAGE}
    ),
    "unfold.UnfoldedNetwork.flipped_shares": Entry(
        lambda images: unfolded().flipped_shares(images), {"images": IMAGES}
    ),
    "unfold.UnfoldedNetwork": Entry(
        lambda image: eq.unfold.UnfoldedNetwork(net(), image).output, {"image": IMAGE}, gives_tensors=True
    ),
}

PLOTS = {
    "plots.figures.show_images": Entry(lambda images: _drawn(plots.show_images(images)), {"images": IMAGES}, 6),
    "plots.alexnet.plot_kernels": Entry(
        lambda kernels: _drawn(plots.plot_kernels(kernels, weights="random")),
        {"kernels": Array((4, 1, 5, 5))},
        6,
    ),
    "plots.designs.plot_confusion": Entry(
        lambda y, predicted: _drawn(plots.plot_confusion(y, predicted)),
        {"y": Labels(known=True), "predicted": Labels(known=True)},
        4,
    ),
}
"""Figures: what is drawn in them is not looked at, only that they can be drawn without a warning."""


def _drawn(figure: Any) -> None:
    figure.canvas.draw()
    figure.clear()


FIGURE = "a figure: what it refuses stands in the table of bad input of its own test"
DASK = "takes Dask arrays, whose blocks are images for Representation.transform; see test_distributed"
LONG = "minutes of work: it hands its data to functions that are tried here; see its own test"
COMPLEX = "takes complex coefficients, as Representation.coefficients gives them; see its own test"
EXCLUDED = {
    "alexnet.stages": LONG,
    "distributed.transform": DASK,
    "distributed.read_blocks": DASK,
    "live.LiveExplorer": FIGURE,
    "live.LiveExplorer.set": FIGURE,
    "out_of_core.fit_from_features": "takes features that save_features has written; see test_out_of_core",
    "probes.finetuning.fine_tune": LONG,
    "probes.finetuning.tune_by_size": LONG,
    "probes.readouts.read_out": LONG,
    "probes.fitted.fit_inverse": LONG,
    "probes.fitted.fitted_equivariance": LONG,
    "probes.stages.resolve": "takes networks and names; see test_probes_stages",
    "probes.stages.split": "takes networks and names; see test_probes_stages",
    "probes.stages.run": "takes what a stage has made; see test_probes_stages",
    "probes.stitch.stitching": LONG,
    "reconstruction.ImageHarmonics.rebuild": COMPLEX,
    "reconstruction.keep_only": COMPLEX,
    "repack.repack": "takes what came into a layer of a network; see test_repack",
    "repack.fidelity": LONG,
    "responses.Responses.one_class": "takes the labels of images that were read before; see test_responses",
    "responses.peak_responses": LONG,
    "study.study_images": LONG,
    "train_networks.train": LONG,
    "train_networks.accuracy": LONG,
}
FIGURES = (
    "drawing.read_background",
    "plots.alexnet.plot_copy",
    "plots.alexnet.plot_strongest",
    "plots.alexnet.plot_unit_maps",
    "plots.convolutions.as_dense",
    "plots.convolutions.as_one_channel",
    "plots.convolutions.plot_conv_matrix",
    "plots.convolutions.plot_conv_window",
    "plots.decisions.plot_decisions",
    "plots.equivariance.plot_error_maps",
    "plots.equivariance.plot_errors",
    "plots.equivariance.plot_square",
    "plots.invariants.plot_angles",
    "plots.invariants.plot_kept",
    "plots.invariants.plot_phases",
    "plots.invariants.plot_rebuilt",
    "plots.lifting.plot_lift",
    "plots.lifting.plot_rings",
    "plots.lifting.plot_wavelet",
    "plots.models.plot_demo",
    "plots.models.plot_layers",
    "plots.models.plot_plane",
    "plots.probes.plot_filter_partners",
    "plots.probes.plot_fitted_maps",
    "plots.readouts.plot_planes",
    "plots.readouts.plot_two_models",
    "plots.reductions.plot_scree_and_plane",
    "plots.studies.plot_at_angle",
    "plots.studies.plot_case",
    "plots.symmetries.plot_action",
    "plots.symmetries.plot_orbits",
    "plots.waves.plot_conv_fft",
    "plots.waves.plot_eigenvalues",
)
EXCLUDED |= dict.fromkeys(FIGURES, FIGURE)
EXCLUDED["persistence.save"] = "takes models alone; see test_persistence"
CHECKED = {"demo.accuracy_by_angle"}  # tried although its annotations promise arrays
