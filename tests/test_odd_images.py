"""Odd images: black, flat, tiny, huge, negative, of any size or of the wrong shape. Every answer is defined."""

import re
from functools import cache
from itertools import pairwise

import joblib
import numpy as np
import pytest
import torch
from test_checks import THREE_PARTS
from tolerances import ROUNDING

from equibook import GlassBoxClassifier, Representation, actions, colour, frames
from equibook.classifiers import CLASSIFIERS
from equibook.datasets import load_digits
from equibook.disturbances import DISTURBANCES
from equibook.equivariant import EquivariantLayer
from equibook.fast import FastEquivariantLayer
from equibook.invariant import GROUPS, INVARIANTS, Invariants
from equibook.pose import compare_poses, read_pose
from equibook.reconstruction import ImageHarmonics, search_images
from equibook.representation import TRANSLATIONS, Pixels

SIZE = 16
DTYPES = (torch.float64, torch.float32)
TINY = {torch.float64: 1e-310, torch.float32: 1e-40}  # denormal
HUGE = {torch.float64: 1e30, torch.float32: 1e15}


@cache
def odd_images(dtype=torch.float64, size=SIZE):
    """Return images of shape (1, 1, size, size) by name; those called tiny are too small for their squares."""
    black = torch.zeros(1, 1, size, size, dtype=torch.float64)
    corner, stroke, dot = black.clone(), black.clone(), black.clone()
    corner[..., 0, 0], stroke[..., size // 2], dot[..., size // 2, size // 2] = 1, 1, 1
    noise = torch.rand(black.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    images = {"black": black, "grey": black + 0.5, "white": black + 1, "corner": corner, "stroke": stroke, "dot": dot}
    images |= {"negative": -noise, "signed": noise - 0.5}
    for name, image in {"noise": noise, "dot": dot, "grey": black + 0.5, "corner": corner}.items():
        images |= {f"tiny {name}": TINY[dtype] * image, f"huge {name}": HUGE[dtype] * image}
    just_too_small = 10 * TINY[dtype] ** 0.5  # the squares of these are denormal
    images |= {"tiny squares": just_too_small * noise, "tiny squares of a dot": just_too_small * dot}
    return {name: image.to(dtype) for name, image in images.items()}


def failing(holds, dtype=torch.float64):
    """Return the names of the images for which something does not hold, of one truth value an image."""
    return [name for name, is_good in zip(odd_images(dtype), holds, strict=True) if not is_good]


def all_in_row(values):
    return torch.as_tensor(values).flatten(1).all(dim=1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("translation", TRANSLATIONS)
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("invariant", INVARIANTS)
class TestFeatures:
    def read(self, invariant, group, translation, dtype):
        x = torch.cat(list(odd_images(dtype).values())).requires_grad_()
        layer = Representation(invariant=invariant, group=group, translation=translation).fit(x.detach())
        return layer, x, layer.network(dtype)(x)

    def test_values_and_gradients_are_finite(self, invariant, group, translation, dtype):
        _, x, features = self.read(invariant, group, translation, dtype)
        (of_squares,) = torch.autograd.grad(features.square().sum(), x, retain_graph=True)
        (of_sum,) = torch.autograd.grad(features.sum(), x)  # of degree 0: no smaller for tiny images
        assert failing(all_in_row(features.isfinite()), dtype) == []
        assert failing(all_in_row(of_squares.isfinite()), dtype) == []
        assert failing(all_in_row(of_sum.isfinite()), dtype) == []
        assert failing(all_in_row(of_sum.abs() < 100), dtype) == []  # measured: below 1
        assert of_sum[0].abs().max() == 0  # black: by definition

    def test_features_are_as_large_as_the_image(self, invariant, group, translation, dtype):
        layer, x, features = self.read(invariant, group, translation, dtype)
        largest = x.detach().abs().amax(dim=(1, 2, 3))
        found = layer.transform(x.detach())
        assert failing(found.abs().amax(dim=1) <= 10 * largest, dtype) == []  # so black has features 0
        assert failing(features.detach().abs().amax(dim=1) <= 10 * largest, dtype) == []
        seen = found.abs().amax(dim=1)[list(odd_images(dtype)).index("corner")]
        assert (seen > 0) == (translation == "centre")  # elsewhere the corner is outside the disc, and reads as black

    def test_twice_as_bright_is_twice_as_large(self, invariant, group, translation, dtype):
        layer, x, _ = self.read(invariant, group, translation, dtype)
        once, twice = layer.transform(x.detach()), layer.transform(2 * x.detach())
        not_exact = [name for name in failing(all_in_row(twice == 2 * once), dtype) if not name.startswith("tiny")]
        assert not_exact == []  # to the last bit
        largest = x.detach().abs().amax(dim=(1, 2, 3))
        assert failing((twice - 2 * once).abs().amax(dim=1) <= 5 * largest, dtype) == []


@pytest.mark.parametrize("dtype", DTYPES)
def test_coefficients_that_are_denormal_have_finite_derivatives(dtype):
    table = EquivariantLayer(8).table
    C = torch.complex(*torch.full((2, 1, len(table)), TINY[dtype], dtype=dtype)).requires_grad_()
    for group in GROUPS:
        features = Invariants(table, "bispectrum", group=group).to(dtype)(C)
        (gradient,) = torch.autograd.grad(features.sum(), C)
        assert features.isfinite().all() and gradient.isfinite().all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_pixels_are_left_as_they_are(dtype):
    for name, image in odd_images(dtype).items():
        found = Pixels().fit_transform(image)
        assert torch.equal(found, image.flatten(1)) and found.isfinite().all(), name


class TestSizes:
    @pytest.mark.parametrize("translation", TRANSLATIONS)
    @pytest.mark.parametrize("size", [8, 9, 31, 33, 224])
    def test_features_are_finite_and_quarter_turns_change_nothing(self, size, translation):
        rng = np.random.default_rng(size)
        X = rng.uniform(size=(1, 1, size, size))
        layer = Representation(translation=translation, invariant="cross" if size == 224 else "bispectrum")
        features = layer.fit_transform(X)
        error = np.abs(layer.transform(actions.rotate(X, 90)) - features).max() / np.abs(features).max()
        assert np.isfinite(features).all() and error <= 1e-12
        different = layer.transform(rng.uniform(size=X.shape)) - features
        assert np.abs(different).max() >= 1e-4 * np.abs(features).max()

    @pytest.mark.parametrize("translation", TRANSLATIONS)
    def test_larger_images_keep_the_names_of_smaller_ones(self, translation):
        names = [_names(size, translation) for size in (8, 9, 31, 33, 40)]
        assert all(set(few) <= set(many) for few, many in pairwise(names))
        assert names[2] == names[3]
        assert (names[0] == names[-1]) == (translation == "pool")  # small rings hold fewer waves

    @pytest.mark.parametrize("size", [1, 7])
    def test_a_representation_refuses_what_is_too_small(self, size):
        with pytest.raises(ValueError, match=f"at least 8 x 8 pixels, got {size} x {size}") as caught:
            Representation().fit(np.zeros((1, 1, size, size)))
        assert THREE_PARTS.match(str(caught.value))

    @pytest.mark.parametrize("pooled", [False, True])
    @pytest.mark.parametrize("size", range(1, 8))
    def test_its_blocks_read_any_size(self, size, pooled):
        x = torch.ones(1, 1, size, size, dtype=torch.float64)
        plain = EquivariantLayer(size, pooled=pooled)
        assert plain(x).isfinite().all() and FastEquivariantLayer(plain)(x).isfinite().all()


def _names(size, translation):
    return list(Representation(translation=translation).fit(np.zeros((1, 1, size, size))).get_feature_names_out())


DIGITS, LABELS = load_digits(classes=(3, 8), size=SIZE)


@cache
def fitted(classifier="nearest_mean", representation="fixed", n_channels=1):
    layer_1 = Pixels() if representation == "pixels" else Representation(translation=representation)
    X = np.repeat(DIGITS[:60], n_channels, axis=1) * np.linspace(1, 0.5, n_channels)[:, None, None]
    return GlassBoxClassifier(classifier, representation=layer_1).fit(X, LABELS[:60])


EXPLAINED = [(name, "fixed") for name in CLASSIFIERS] + [("qda", "centre"), ("qda", "pool")]


class TestGlassBox:
    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize(("classifier", "representation"), [*EXPLAINED, ("qda", "pixels")])
    def test_every_answer_is_finite(self, classifier, representation, dtype):
        model, X = fitted(classifier, representation), torch.cat(list(odd_images(dtype).values()))
        assert np.isin(model.predict(X), (3, 8)).all()
        assert failing(np.isfinite(model.decision_function(X)), dtype) == []
        assert failing(np.isfinite(model.novelty(X)), dtype) == []
        assert (model.novelty(X)[[name.startswith("huge noise") for name in odd_images(dtype)]] > 1e6).all()
        if hasattr(model, "predict_proba"):
            assert failing(np.abs(model.predict_proba(X).sum(axis=1) - 1) < 1e-6, dtype) == []

    @pytest.mark.parametrize(("classifier", "representation"), EXPLAINED)
    def test_every_explanation_is_complete(self, classifier, representation):
        model, X = fitted(classifier, representation), torch.cat(list(odd_images().values()))
        why = model.explain(X)
        size = np.abs(why.features).sum(axis=1) + np.abs(why.bias)
        assert failing(why.gap() <= 1e-10 * size) == []
        assert np.abs(why.pixels[0]).max() == np.abs(why.features[0]).max() == 0  # of black
        assert np.isclose(why.score[0], why.bias[0], rtol=1e-12, atol=1e-12)


def test_a_new_image_beside_training_images_that_are_all_alike_has_a_finite_novelty():
    model = GlassBoxClassifier(representation=Pixels()).fit(np.repeat(DIGITS[:2], 4, axis=0), [3, 8] * 4)
    assert model.novelty_.usual_ == 0 and np.isfinite(model.novelty(1000 * DIGITS[5:6])).all()


def rows(*shape):
    return np.zeros(shape)


WRONG = {
    "RGB for grey": (1, rows(2, 3, SIZE, SIZE), "must have 1 channels, as in `fit`, got 3"),
    "grey for RGB": (3, rows(2, 1, SIZE, SIZE), "must have 3 channels, as in `fit`, got 1"),
    "no channel axis for RGB": (3, rows(2, SIZE, SIZE), "must have 3 channels, as in `fit`, got 1"),
    "2 channels for grey": (1, rows(2, 2, SIZE, SIZE), "must have 1 channels, as in `fit`, got 2"),
    "5 channels for RGB": (3, rows(2, 5, SIZE, SIZE), "must have 3 channels, as in `fit`, got 5"),
    "smaller": (1, rows(2, 1, 8, 8), "must have 16 x 16 pixels, as in `fit`, got 8 x 8"),
    "larger": (3, rows(2, 3, 17, 17), "must have 16 x 16 pixels, as in `fit`, got 17 x 17"),
}


@pytest.mark.parametrize("wrong", WRONG)
class TestOtherShapes:
    @pytest.mark.parametrize("method", ["predict", "decision_function", "reduce", "novelty", "explain"])
    @pytest.mark.parametrize("representation", ["fixed", "pixels"])
    def test_a_fitted_model_refuses_them_and_stays_as_it_was(self, wrong, representation, method):
        n_channels, X, message = WRONG[wrong]
        model = fitted("nearest_mean", representation, n_channels)
        before = joblib.hash(model)
        with pytest.raises(ValueError, match=re.escape(message)) as caught:
            getattr(model, method)(X)
        assert THREE_PARTS.match(str(caught.value)) and joblib.hash(model) == before

    @pytest.mark.parametrize("method", ["transform", "coefficients", "pose"])
    def test_so_does_layer_1(self, wrong, method):
        n_channels, X, message = WRONG[wrong]
        layer_1 = fitted(n_channels=n_channels).representation_
        with pytest.raises(ValueError, match=re.escape(message)):
            getattr(layer_1, method)(X)

    def test_so_does_its_network(self, wrong):
        n_channels, X, _ = WRONG[wrong]
        network = fitted(n_channels=n_channels).representation_.network(torch.float64)
        images = torch.from_numpy(X if X.ndim == 4 else X[:, None])
        with pytest.raises(ValueError, match=r"^`images` must have (shape|3 channels) .*, got .+\. [A-Z]"):
            network(images)


@pytest.mark.parametrize("n_channels", [2, 5])
def test_images_of_other_channels_can_be_fitted(n_channels):
    layer = Representation(invariant="k0").fit(rows(1, n_channels, 8, 8))
    assert {name.split()[0] for name in layer.get_feature_names_out()} == {f"channel={i}" for i in range(n_channels)}
    with pytest.raises(ValueError, match=f"must have 3 channels .*, got {n_channels}") as caught:
        colour.to_opponent(rows(1, n_channels, 8, 8))
    assert THREE_PARTS.match(str(caught.value))


class TestPose:
    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("name", ["black", "grey", "white", "corner", "tiny grey", "huge grey", "huge corner"])
    def test_what_has_no_orientation_has_no_angle(self, name, dtype):
        layer, image = fitted().representation_, odd_images(dtype)[name]
        for pose in (layer.pose(image), layer.relative_angle(image, image)):
            assert np.isnan(pose.angle).all() and pose.confidence.tolist() == [0] and pose.symmetry.tolist() == [0]

    @pytest.mark.parametrize("factor", [1e-300, 1e-140, 1e30, 1e140])
    def test_brightness_does_not_matter(self, factor):
        layer, x = fitted().representation_, odd_images()["dot"]
        C, k = layer.coefficients(x), layer.coefficient_table_.k
        pose, scaled = _read_pose(C, k), _read_pose(factor * C, k)
        assert np.allclose(scaled, pose, rtol=1e-9) and np.isfinite(pose).all()


def _read_pose(C, k):
    own, other = read_pose(C, k), compare_poses(C, C * torch.polar(torch.ones(len(k)), -0.3 * torch.from_numpy(k)), k)
    return [own.angle[0], own.confidence[0], other.angle[0], other.confidence[0]]


class TestFrame:
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_every_centre_of_mass_is_defined(self, dtype):
        X = torch.cat(list(odd_images(dtype).values())).requires_grad_()
        found = frames.centre_of_mass(X)
        assert failing(all_in_row(found.abs() <= SIZE / 2), dtype) == []
        expected = {"black": (0, 0), "dot": (0.5, -0.5), "tiny dot": (0.5, -0.5), "huge corner": (-7.5, 7.5)}
        for name, place in expected.items():
            assert found[list(odd_images(dtype)).index(name)].tolist() == list(place)
        (gradient,) = torch.autograd.grad(found[0].sum(), X)
        assert gradient.abs().max() == 0

    def test_sums_beyond_float32_are_no_obstacle(self):
        image = torch.full((1, 1, SIZE, SIZE), 1e37)
        assert frames.centre_of_mass(image).abs().max() <= ROUNDING[torch.float32]


class TestRebuilding:
    def test_black_is_rebuilt_as_black(self):
        harmonics = ImageHarmonics(SIZE, n_rings=6, max_frequency=5)
        assert not harmonics.rebuild(harmonics.read(rows(1, 1, SIZE, SIZE))).any()

    def test_black_is_found_from_its_invariants(self):
        found = search_images(Representation().fit(rows(1, 1, 8, 8)), rows(1, 1, 8, 8), n_steps=40)
        assert found.mismatch < 1e-2 and np.isfinite(found.error).all()
        assert np.abs(found.images[0, 0, 2:6, 2:6]).max() < 0.02  # the corners are not seen


@pytest.mark.parametrize("name", sorted(set(DISTURBANCES) - {"noise"}))
def test_disturbed_black_is_black(name):
    disturbed = DISTURBANCES[name](torch.zeros(2, 1, SIZE, SIZE), 0.5, np.random.default_rng(0))
    assert not disturbed.any()


def test_what_overflows_is_refused():
    images = torch.ones(1, 1, SIZE, SIZE)
    layer = Representation().fit(images)
    with pytest.raises(ValueError, match=r"squares in torch.float32, got values up to 1e\+25\. Divide") as caught:
        layer.transform(1e25 * torch.ones_like(images))
    assert THREE_PARTS.match(str(caught.value))
    layer.transform(1e25 * torch.ones_like(images).double())  # float64 has room
