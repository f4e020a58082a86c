"""Layer 1 as a transformer: contract, laws, claims and bad input."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from tolerances import ROUNDING

from equibook import actions, datasets, frames, groups, measure
from equibook.representation import Pixels, Representation

INVARIANTS = ("average", "k0", "power", "cross")


@pytest.fixture(scope="module")
def digits():
    return datasets.load_digits()


@pytest.fixture(scope="module")
def some(digits):
    return digits[0][::150].astype(np.float64)


# --- contract


def test_shape_names_and_kind(some):
    model = Representation()
    features = model.fit_transform(some)
    names = model.get_feature_names_out()
    assert features.shape == (len(some), len(names))
    assert len(set(names)) == len(names)
    assert features.dtype == np.float64
    assert model.transform(some.astype(np.float32)).dtype == np.float32
    tensor = model.transform(torch.from_numpy(some))
    assert isinstance(tensor, torch.Tensor)
    assert np.array_equal(tensor.numpy(), features)


def test_three_axes_are_one_channel(some):
    assert np.array_equal(Representation().fit_transform(some[:, 0]), Representation().fit_transform(some))


def test_names_say_what_is_read(some):
    names = Representation(invariant="k0").fit(some).get_feature_names_out()
    assert "scale=1.6 ring=3 m=-2 l=1 re" in names
    assert "image ring=0 m=0 re" in names


def test_three_channels_are_named():
    X, _ = datasets.load_photographs()
    names = Representation(invariant="average").fit(X[:2]).get_feature_names_out()
    assert names[0] == "channel=luminance image ring=0 m=0 re"
    assert {name.split()[0] for name in names} == {
        "channel=luminance",
        "channel=red-green",
        "channel=yellow-blue",
    }


def test_get_and_set_params_and_clone():
    model = Representation(invariant="power", n_rings=4)
    twin = clone(model)
    assert twin is not model
    assert twin.get_params() == model.get_params()
    assert model.set_params(n_rings=5).n_rings == 5


def test_input_is_left_alone(some):
    before = some.copy()
    Representation().fit_transform(some)
    assert np.array_equal(some, before)


def test_order_and_company_do_not_matter(some):
    model = Representation(batch_size=3).fit(some)
    together = model.transform(some)
    assert np.allclose(model.transform(some[::-1])[::-1], together, rtol=0, atol=ROUNDING[torch.float64])
    assert np.allclose(model.transform(some[3:4])[0], together[3], rtol=0, atol=ROUNDING[torch.float64])
    assert np.allclose(Representation().fit_transform(some), together, rtol=0, atol=ROUNDING[torch.float64])


def test_fit_twice_forgets_the_first(some):
    model = Representation().fit(np.zeros((1, 2, 16, 16)))
    assert np.array_equal(model.fit(some).transform(some), Representation().fit_transform(some))


def test_copies_and_pickles_hold_numbers_only(some):
    model = Representation().fit(some)
    stored = pickle.dumps(model)
    assert len(stored) < 300_000
    assert b"torch" not in stored
    for twin in (pickle.loads(stored), copy.deepcopy(model)):
        assert np.array_equal(twin.transform(some), model.transform(some))


def test_fast_and_plain_networks_agree(some):
    model = Representation().fit(some)
    x = torch.from_numpy(some)
    plain, fast = model.network(torch.float64, plain=True)(x), model.network(torch.float64)(x)
    distance = torch.linalg.vector_norm(fast - plain, dim=1) / torch.linalg.vector_norm(plain, dim=1)
    assert 0 < distance.max() < 0.02


@pytest.mark.parametrize("invariant", INVARIANTS)
def test_choices_are_cumulative(some, invariant):
    least = set(Representation(invariant=invariant).fit(some).get_feature_names_out())
    more = [set(Representation(invariant=more).fit(some).get_feature_names_out()) for more in INVARIANTS]
    assert all((least <= names) == (INVARIANTS.index(invariant) <= i) for i, names in enumerate(more))


# --- laws


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("translation", ["fixed", "centre", "pool"])
@pytest.mark.parametrize("size", [32, 33])
def test_quarter_turns_leave_the_features(dtype, translation, size):
    X = datasets.load_digits(size=size)[0][::300].astype(dtype)
    model = Representation(translation=translation).fit(X)
    for element in groups.CyclicGroup(4):
        error = measure.invariance_error(model.transform, X, lambda x, g=element: actions.act(g, x))
        assert error.max() <= ROUNDING[torch.from_numpy(X).dtype]


def test_reflections_change_the_features_of_chiral_shapes():
    X, y = datasets.load_shapes(40, classes=("S", "Z"), random_state=0)
    model = Representation().fit(X)
    assert measure.invariance_error(model.transform, X, actions.reflect).min() > 0.02
    assert np.unique(y).size == 2


@pytest.mark.parametrize("invariant", INVARIANTS)
def test_twice_as_bright_is_twice_as_large(some, invariant):
    model = Representation(invariant=invariant).fit(some)
    assert np.allclose(model.transform(3 * some), 3 * model.transform(some), rtol=1e-12, atol=1e-12)


def test_moving_frame_makes_shifts_not_matter():
    X = np.zeros((1, 1, 32, 32))
    X[0, 0, 12:17, 11:20] = np.random.default_rng(0).random((5, 9))
    moved = actions.translate(X, (3, -2))
    for translation, holds in (("centre", True), ("fixed", False)):
        model = Representation(translation=translation).fit(X)
        error = np.linalg.norm(model.transform(moved) - model.transform(X)) / np.linalg.norm(model.transform(X))
        assert error < 1e-12 if holds else error > 0.05


def test_pooling_makes_shifts_not_matter_within_the_flat_part_of_the_window():
    X = np.zeros((1, 1, 64, 64))
    X[0, 0, 28:33, 27:36] = np.random.default_rng(0).random((5, 9))
    model = Representation(translation="pool", scales=(0.8, 1.6)).fit(X)
    moved = model.transform(actions.translate(X, (2, -4)))
    assert np.allclose(moved, model.transform(X), rtol=1e-3, atol=1e-5)
    far = model.transform(actions.translate(X, (24, 20)))  # under the falling part of the window
    assert not np.allclose(far, model.transform(X), rtol=1e-3, atol=1e-5)


def test_the_frame_is_the_one_of_frames(some):
    centred = Representation(translation="centre").fit_transform(some)
    assert np.allclose(centred, Representation().fit_transform(frames.centre(some)), atol=1e-12)


def test_coefficients_turn_by_their_frequency(some):
    model = Representation().fit(some)
    k = model.coefficient_table_.k
    turned = model.coefficients(actions.rotate(some, 90))
    expected = model.coefficients(some) * np.exp(-0.5j * np.pi * k)
    assert np.abs(turned - expected).max() < 1e-12 * np.abs(expected).max()
    assert np.abs(turned - model.coefficients(some)).max() > 0.1 * np.abs(expected).max()


# --- gradients


@pytest.mark.parametrize("translation", ["fixed", "centre", "pool"])
def test_black_has_features_zero_and_a_gradient(translation):
    model = Representation(translation=translation).fit(np.zeros((1, 1, 32, 32)))
    x = torch.zeros(1, 1, 32, 32, dtype=torch.float64, requires_grad=True)
    features = model.network(torch.float64)(x)
    (gradient,) = torch.autograd.grad(features.sum(), x)
    assert torch.count_nonzero(features) == 0
    assert torch.isfinite(gradient).all()


def test_gradient_is_the_derivative(some):
    model = Representation().fit(some)
    network = model.network(torch.float64)
    x = torch.from_numpy(some[:1])
    step = 1e-6 * torch.from_numpy(np.random.default_rng(0).standard_normal(x.shape))
    _, along = torch.autograd.functional.jvp(network, x, step)
    assert torch.allclose(network(x + step) - network(x - step), 2 * along, rtol=1e-5, atol=1e-9)


def test_transform_keeps_no_graph(some):
    x = torch.from_numpy(some).requires_grad_()
    assert not Representation().fit(some).transform(x).requires_grad


def test_network_built_without_gradients_serves_with_them(some):
    model = Representation().fit(some.astype(np.float32))
    with torch.inference_mode():
        network = model.network(torch.float64)
    x = torch.from_numpy(some).requires_grad_()
    assert torch.autograd.grad(network(x).sum(), x)[0].abs().max() > 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_gpu_gives_the_same(some):
    on_gpu = Representation(device="cuda").fit_transform(some)
    assert np.allclose(on_gpu, Representation().fit_transform(some), rtol=1e-10, atol=1e-12)


# --- claims


def test_invariance_is_small_and_different_images_are_far(digits):
    X = digits[0][:300]
    model = Representation().fit(X)
    angles = np.random.default_rng(0).uniform(0, 360, len(X))
    report = measure.report(model.transform, X, lambda x: actions.rotate(x, angles))
    assert report.error.max() < 0.03
    assert np.median(report.different) > 0.25


def test_pixels_are_not_invariant(digits):
    X = digits[0][:50]
    error = measure.invariance_error(Pixels().fit(X).transform, X, lambda x: actions.rotate(x, 60))
    assert np.median(error) > 0.5


# --- bad input


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"group": "SO(3)"}, r"`group` must be one of 'SO\(2\)', 'O\(2\)', got 'SO\(3\)'\. Choose"),
        ({"invariant": "trispectrum"}, r"`invariant` must be one of .*, got 'trispectrum'\. Choose"),
        ({"translation": "none"}, r"`translation` must be one of .*, got 'none'\. Choose"),
        ({"scales": ()}, r"`scales` must hold positive numbers, got \(\)\. Give"),
        ({"scales": (1, -2)}, r"`scales` must hold positive numbers, got \(1, -2\)\. Give"),
        ({"n_orientations": 7}, r"`n_orientations` must be even, got 7\. A quarter turn"),
        ({"max_orientation_frequency": 4}, r"less than half of 8 orientations, got 4\. Lower"),
        ({"n_rings": 0}, r"`n_rings` must be a positive integer, got 0\. Pass"),
        ({"max_frequency": 0}, r"`max_frequency` must be a positive integer, got 0\. Pass"),
        ({"batch_size": 0}, r"`batch_size` must be a positive integer, got 0\. Pass"),
    ],
)
def test_bad_parameters(some, params, message):
    with pytest.raises(ValueError, match=message):
        Representation(**params).fit(some)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_missing_gpu(some):
    with pytest.raises(ValueError, match=r"`device` must be there, got 'cuda' where torch sees no GPU\. Take"):
        Representation(device="cuda").fit(some)


def test_too_small():
    with pytest.raises(ValueError, match=r"at least 8 x 8 pixels, got 7 x 7\. Enlarge"):
        Representation().fit(np.zeros((1, 1, 7, 7)))
    assert Representation().fit_transform(np.ones((1, 1, 8, 8))).shape == (1, 1324)


@pytest.mark.parametrize("use", ["transform", "coefficients", "get_feature_names_out"])
def test_not_fitted(some, use):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(Representation(), use)(some)


def test_other_images_than_fitted(some):
    for model in (Representation().fit(some), Pixels().fit(some)):
        with pytest.raises(ValueError, match=r"32 x 32 pixels, as in `fit`, got 16 x 16"):
            model.transform(some[:, :, ::2, ::2])
        with pytest.raises(ValueError, match=r"1 channels, as in `fit`, got 3"):
            model.transform(np.repeat(some, 3, axis=1))
