"""Measures of equivariance and of class separation: laws, references, and maps that must be found out."""

import dataclasses
import re
import tracemalloc
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn.exceptions import NotFittedError
from torch import nn

from equibook import GlassBoxClassifier, Representation, actions, datasets, measure
from equibook.representation import Pixels

X = np.random.default_rng(0).random((12, 2, 8, 8))
FEATURES = np.random.default_rng(1).normal(size=(30, 5))
Y = np.arange(30) % 3
THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)

turn = partial(actions.rotate, angle=90)
flip = actions.reflect


def assert_refuses(call, message, error=ValueError):
    with pytest.raises(error, match=re.escape(message)) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value)), str(caught.value)


def spectrum(images):
    """Return the Fourier coefficients, complex; a turn of the image turns them."""
    return np.fft.fft2(images)


def turn_spectrum(coefficients):
    """Turn about the frequency 0, which stands in the corner, and about the centre of the image, which is half-odd."""
    index = -np.arange(coefficients.shape[-1])
    turned = np.swapaxes(coefficients, -1, -2)[..., index, :]
    size = coefficients.shape[-1]
    return turned * np.exp(-2j * np.pi * np.arange(size) * (size - 1) / size)[:, None]


class TestEquivarianceError:
    @pytest.mark.parametrize("act", [turn, flip, partial(actions.translate, shift=(2, -1))])
    @pytest.mark.parametrize("f", [np.square, np.tanh, lambda x: x[:, :1] - x[:, 1:]])
    def test_pointwise_maps_commute_with_moved_pixels(self, f, act):
        assert np.array_equal(measure.equivariance_error(f, X, act, act), np.zeros(12))

    def test_a_map_that_knows_the_place_is_found_out(self):
        assert measure.equivariance_error(lambda x: x * np.arange(8), X, turn, turn).min() > 0.1

    def test_the_wrong_action_is_found_out(self):
        assert measure.equivariance_error(np.square, X, turn, flip).min() > 0.1
        assert measure.equivariance_error(np.square, X, turn, partial(actions.rotate, angle=-90)).min() > 0.1

    def test_complex_coefficients(self):
        assert measure.equivariance_error(spectrum, X, turn, turn_spectrum).max() < 1e-12
        assert measure.equivariance_error(spectrum, X, turn, lambda c: turn_spectrum(c).conj()).min() > 0.1

    def test_the_phase_of_a_complex_map_counts(self):
        error = measure.equivariance_error(lambda x: x + 0j, np.ones((1, 1)), lambda x: x, lambda c: 1j * c)
        assert error == pytest.approx(np.sqrt(2))

    def test_by_hand(self):
        error = measure.equivariance_error(lambda x: x, [[3.0, 4.0], [0.0, 2.0]], np.fliplr, lambda x: x)
        assert error == pytest.approx([np.sqrt(2) / 5, np.sqrt(2)])

    def test_against_the_formula(self):
        def f(images):
            return np.cumsum(images, axis=-1)

        fgx, gfx = f(turn(X)), turn(f(X))
        expected = [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(fgx, gfx, strict=True)]
        assert measure.equivariance_error(f, X, turn, turn) == pytest.approx(expected, rel=1e-12)

    def test_zero_norms(self):
        images = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        error = measure.invariance_error(lambda x: x[:, 0], images, np.fliplr)
        assert np.array_equal(error, [0, np.inf, 0])

    @given(st.floats(1e-250, 1e250))
    def test_scale_does_not_matter(self, scale):
        error = measure.equivariance_error(lambda x: scale * np.cumsum(x, axis=-1), X, turn, turn)
        plain = measure.equivariance_error(lambda x: np.cumsum(x, axis=-1), X, turn, turn)
        assert error == pytest.approx(plain, rel=1e-12)

    def test_one_element_per_image(self):
        act = partial(actions.rotate, angle=90 * np.arange(12))
        assert np.array_equal(measure.equivariance_error(np.square, X, act, act), np.zeros(12))

    def test_input_stays(self):
        images = X.copy()
        measure.report(np.square, images, turn, turn)
        assert np.array_equal(images, X)


class TestInvarianceError:
    def test_symmetric_functions_are_invariant(self):
        assert measure.invariance_error(lambda x: np.sort(x.reshape(12, -1)), X, turn).max() == 0
        assert measure.invariance_error(lambda x: x.max(axis=(2, 3)), X, flip).max() == 0

    def test_the_identity_is_not(self):
        assert measure.invariance_error(lambda x: x, X, lambda x: x).max() == 0
        assert measure.invariance_error(lambda x: x, X, turn).min() > 0.3

    def test_is_the_equivariance_error_of_the_trivial_action(self):
        expected = measure.equivariance_error(np.tanh, X, turn, lambda x: x)
        assert np.array_equal(measure.invariance_error(np.tanh, X, turn), expected)

    def test_one_number_per_image(self):
        assert measure.invariance_error(lambda x: x.sum(axis=(1, 2, 3)) > 60, X, turn).shape == (12,)


class TestTensorsAndNetworks:
    def test_tensors_give_the_numbers_of_arrays(self):
        error = measure.invariance_error(lambda x: x.sum(-1), torch.tensor(X), turn)
        assert isinstance(error, np.ndarray)
        assert error == pytest.approx(measure.invariance_error(lambda x: x.sum(-1), X, turn))

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.complex64])
    def test_any_kind_of_number_may_come_out(self, dtype):
        error = measure.invariance_error(lambda x: x.to(dtype).conj(), torch.tensor(X), turn)
        assert error == pytest.approx(measure.invariance_error(lambda x: x, X, turn), rel=0.02)

    @pytest.mark.parametrize("images", [X, torch.tensor(X)], ids=["array", "tensor"])
    def test_a_network_takes_both_and_keeps_no_graph(self, images):
        net = nn.Conv2d(2, 3, 3, padding=1, dtype=torch.float64)
        seen = []
        error = measure.equivariance_error(net, images, turn, lambda maps: seen.append(maps) or turn(maps))
        assert error.min() > 0.01
        assert not seen[0].requires_grad

    def test_a_symmetric_kernel_is_equivariant(self):
        net = nn.Conv2d(2, 3, 3, padding=1, dtype=torch.float64)
        nn.init.constant_(net.weight, 0.5)
        assert measure.equivariance_error(net, X, turn, turn).max() < 1e-12

    def test_derivatives_within_the_map_are_allowed(self):
        def gradient(images):
            images = images.clone().requires_grad_()
            return torch.autograd.grad((images**3).sum(), images)[0]

        assert measure.equivariance_error(gradient, torch.tensor(X), turn, turn).max() == 0

    def test_a_network_is_measured_at_rest_and_left_as_it_was(self):
        net = nn.Sequential(nn.BatchNorm2d(2, dtype=torch.float64), nn.Dropout(0.5), nn.ReLU().eval())
        before = {name: value.clone() for name, value in net.state_dict().items()}
        assert measure.equivariance_error(net, X, turn, turn).max() == 0
        assert [part.training for part in net] == [True, True, False]
        assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())

    def test_the_mode_comes_back_after_an_error(self):
        net = nn.Sequential(nn.Linear(3, 3))
        with pytest.raises(RuntimeError):
            measure.invariance_error(net, X, turn)
        assert net.training


class TestReport:
    def test_the_error_is_the_equivariance_error(self):
        report = measure.report(lambda x: np.cumsum(x, -1), X, turn, turn)
        assert report.error.shape == report.different.shape == report.shuffled.shape == (12,)
        assert np.array_equal(report.error, measure.equivariance_error(lambda x: np.cumsum(x, -1), X, turn, turn))

    @pytest.mark.parametrize("constant", [7.0, 0.0], ids=["constant", "zero"])
    def test_a_map_that_forgets_everything_is_unmasked(self, constant):
        report = measure.report(lambda x: np.full((len(x), 3), constant), X, turn)
        assert report.error.max() == 0
        assert report.different.max() == 0
        assert report.shuffled.max() == 0

    def test_a_map_that_is_invariant_and_remembers(self):
        report = measure.report(
            lambda x: np.sort(x.reshape(12, -1)), X * np.linspace(1, 4, 12)[:, None, None, None], turn
        )
        assert report.error.max() == 0
        assert np.median(report.different) > 0.1
        assert np.median(report.shuffled) > 0.1

    def test_a_map_that_is_not_invariant_is_no_nearer_to_itself_than_to_others(self):
        report = measure.report(lambda x: x, X, turn)
        assert report.error.min() > 0.3
        assert np.median(report.error) > 0.8 * np.median(report.different)

    @pytest.mark.parametrize("n", [2, 3, 10])
    def test_every_image_is_compared_with_another_one(self, n):
        images = np.arange(1, n + 1, dtype=float)[:, None]
        for seed in range(20):
            report = measure.report(lambda x: x, images, lambda x: x, random_state=seed)
            assert report.error.max() == 0
            assert report.different.min() > 0
            assert report.shuffled.min() > 0

    def test_others_are_a_permutation_without_fixed_points(self):
        for seed in range(50):
            other = measure._others(7, seed)
            assert sorted(other) == list(range(7))
            assert not np.any(other == np.arange(7))

    def test_shuffled_pairs_act_on_the_other_image(self):
        images = np.array([[1.0, 2.0], [5.0, 0.0]])
        report = measure.report(lambda x: x, images, np.fliplr, np.fliplr)
        assert report.shuffled == pytest.approx([np.sqrt(20) / 5, 2.0])
        assert report.different == pytest.approx([2.0, np.sqrt(20) / 5])
        trivial = measure.report(lambda x: x, images, np.fliplr)
        assert trivial.shuffled == pytest.approx([np.sqrt(10) / 5, np.sqrt(2)])

    def test_the_seed_decides(self):
        first, again, other = (measure.report(np.tanh, X, turn, random_state=seed).different for seed in (3, 3, 4))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_it_prints_as_a_table(self):
        numbers = np.arange(1.0, 101)
        table = str(measure.EquivarianceReport(numbers, 10 * numbers, np.append(numbers[:-1], np.inf)))
        rows = [line.split() for line in table.splitlines()]
        assert rows[0][-4:] == ["median", "95", "%", "largest"]
        assert rows[1] == ["error", "50.5", "95", "100"]
        assert rows[2] == ["different", "images", "505", "950", "1e+03"]
        assert rows[3] == ["shuffled", "pairs", "50.5", "95", "inf"]
        assert len({len(line) for line in table.splitlines()}) == 1

    def test_the_table_tells_what_95_percent_do_not_exceed(self):
        ten = np.arange(1.0, 11)
        assert str(measure.EquivarianceReport(ten, ten, ten)).splitlines()[1].split() == ["error", "5.5", "10", "10"]

    def test_it_shows_as_html(self):
        html = measure.report(lambda x: x, X, lambda x: x)._repr_html_()
        assert html.count("<tr>") == 4
        assert html.count('scope="row"') == 3
        assert html.count("<td>0</td>") == 3


def separation_by_double_loop(features, y):
    same, different = [], []
    for i in range(len(features)):
        for j in range(i):
            (same if y[i] == y[j] else different).append(np.sqrt(np.sum((features[i] - features[j]) ** 2)))
    mean, between, within = features.mean(axis=0), 0.0, 0.0
    for label in set(y):
        members = [row for row, other in zip(features, y, strict=True) if other == label]
        centre = np.mean(members, axis=0)
        between += len(members) * np.sum((centre - mean) ** 2)
        within += sum(np.sum((row - centre) ** 2) for row in members)
    return np.mean(same), np.mean(different), np.mean(different) / np.mean(same), between / within


def numbers_of(separation):
    return [separation.intra, separation.inter, separation.ratio, separation.fisher]


class TestClassSeparation:
    def test_by_hand(self):
        separation = measure.class_separation([0.0, 1.0, 4.0], ["a", "a", "b"])
        assert separation == measure.ClassSeparation(intra=1.0, inter=3.5, ratio=3.5, fisher=separation.fisher)
        assert separation.fisher == pytest.approx((2 * (0.5 - 5 / 3) ** 2 + (4 - 5 / 3) ** 2) / 0.5)

    @given(st.integers(0, 1000), st.integers(4, 40), st.integers(1, 6), st.integers(2, 4))
    def test_against_a_double_loop(self, seed, n, n_features, n_classes):
        rng = np.random.default_rng(seed)
        features, y = rng.normal(size=(n, n_features)), rng.integers(n_classes, size=n)
        y[:3] = 0, 0, 1
        expected = separation_by_double_loop(features, y)
        assert numbers_of(measure.class_separation(features, y)) == pytest.approx(expected, rel=1e-12)

    def test_blocks_change_nothing(self, monkeypatch):
        whole = numbers_of(measure.class_separation(FEATURES, Y))
        for size in (1, 70, 1000):
            monkeypatch.setattr(measure, "_DISTANCES_AT_ONCE", size)
            assert numbers_of(measure.class_separation(FEATURES, Y)) == pytest.approx(whole, rel=1e-13)

    @given(st.floats(1e-6, 1e6), st.floats(-100, 100))
    def test_scale_and_shift(self, scale, shift):
        moved = measure.class_separation(scale * FEATURES, Y), measure.class_separation(FEATURES + shift, Y)
        intra, inter, ratio, fisher = numbers_of(measure.class_separation(FEATURES, Y))
        assert numbers_of(moved[0]) == pytest.approx([scale * intra, scale * inter, ratio, fisher], rel=1e-12)
        assert numbers_of(moved[1]) == pytest.approx([intra, inter, ratio, fisher], rel=1e-10)

    def test_rotations_of_the_feature_space_and_orders_change_nothing(self):
        plain = numbers_of(measure.class_separation(FEATURES, Y))
        turned = FEATURES @ ortho_group.rvs(5, random_state=0)
        order = np.random.default_rng(2).permutation(30)
        assert numbers_of(measure.class_separation(turned, Y)) == pytest.approx(plain, rel=1e-12)
        assert numbers_of(measure.class_separation(FEATURES[order], Y[order])) == pytest.approx(plain, rel=1e-12)
        assert numbers_of(measure.class_separation(FEATURES, np.array(["b", "c", "a"])[Y])) == pytest.approx(plain)

    def test_a_linear_map_that_is_no_rotation_changes_them(self):
        stretched = measure.class_separation(FEATURES * [10, 1, 1, 1, 1], Y)
        assert stretched.ratio != pytest.approx(measure.class_separation(FEATURES, Y).ratio, rel=1e-3)

    def test_classes_pulled_apart_are_better_separated_and_labels_at_random_are_not(self):
        apart = measure.class_separation(FEATURES + 20 * Y[:, None], Y)
        assert apart.ratio > 5
        assert apart.fisher > 50
        mixed = measure.class_separation(FEATURES, np.random.default_rng(3).permutation(Y))
        assert mixed.ratio == pytest.approx(1, abs=0.1)
        assert mixed.fisher < 0.3

    def test_every_axis_after_the_first_is_one_vector(self):
        images, y = X, np.arange(12) % 2
        expected = measure.class_separation(images.reshape(12, -1), y)
        assert measure.class_separation(images, y) == expected
        assert measure.class_separation(torch.tensor(images), torch.tensor(y)) == expected

    def test_complex_features_are_pairs_of_real_ones(self):
        expected = measure.class_separation(np.hstack([FEATURES, 2 * FEATURES]), Y)
        assert numbers_of(measure.class_separation(FEATURES + 2j * FEATURES, Y)) == pytest.approx(numbers_of(expected))

    def test_points_on_one_spot(self):
        assert numbers_of(measure.class_separation(np.zeros((4, 2)), [0, 0, 1, 1])) == [0, 0, 0, 0]
        assert numbers_of(measure.class_separation([0, 0, 3, 3], [0, 0, 1, 1])) == [0, 3, np.inf, np.inf]

    def test_near_copies_keep_their_small_distance(self):
        features = 1e6 + np.array([0.0, 1e-6, 1.0, 1.0 + 1e-6])
        assert measure.class_separation(features, [0, 0, 1, 1]).intra == pytest.approx(1e-6, rel=1e-3)

    def test_memory_does_not_grow_with_the_number_of_pairs(self):
        features = np.random.default_rng(0).random((6000, 2))
        tracemalloc.start()
        measure.class_separation(features, np.arange(6000) % 2)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 60e6 < 8 * 6000**2


BAD_SEPARATIONS = [
    (FEATURES, np.zeros(30, int), "`y` must hold at least two classes, got [0]. Pass samples of a second"),
    (FEATURES, np.arange(30), "`y` must hold some class twice, got 30 classes of one sample each. Pass more"),
    (FEATURES, Y[:7], "`y` must hold one label per image, got 7 labels for 30 images. Pass"),
    (FEATURES * np.nan, Y, "`features` must hold finite numbers, got NaN or infinite ones. Remove"),
    (1.0, [0], "`features` must have shape (n_samples, ...), not empty, got (). Pass one row"),
]


@pytest.mark.parametrize(("features", "y", "message"), BAD_SEPARATIONS)
def test_bad_features_and_labels(features, y, message):
    assert_refuses(lambda: measure.class_separation(features, y), message)


BAD_MAPS = [
    (np.square, X[:0], turn, turn, "`X` must hold images along its first axis, got shape (0, 2, 8, 8). Pass"),
    (np.square, 1.0, turn, turn, "`X` must hold images along its first axis, got shape (). Pass"),
    (np.log, 0 * X - 1, turn, turn, "`f` must give finite numbers, got NaN or infinite ones. Look"),
    (np.sum, X, turn, turn, "`f` must give shape (12, ...), got (). Keep the samples"),
    (np.square, X, lambda x: x[:5], turn, "`f` must give shape (12, ...), got (5, 2, 8, 8). Keep the samples"),
    (
        np.square,
        X,
        turn,
        lambda x: x[:, :1],
        "must give as many numbers as f of the moved images, got 64 numbers for 12",
    ),
    (np.square, X, turn, lambda x: x[:5], "got 128 numbers for 5 images against 128 for 12. Let both"),
    (np.square, X, turn, lambda x: x * np.inf, "`act_out` must give finite numbers, got NaN or infinite ones. Look"),
]


@pytest.mark.filterwarnings("ignore:invalid value encountered in log:RuntimeWarning")
@pytest.mark.parametrize(("f", "images", "act_in", "act_out", "message"), BAD_MAPS)
def test_bad_maps(f, images, act_in, act_out, message):
    assert_refuses(lambda: measure.equivariance_error(f, images, act_in, act_out), message)


BAD_KINDS = [
    (None, turn, turn, "`f` must be callable, got NoneType. Pass a function"),
    (np.square, 90, turn, "`act_in` must be callable, got int. Pass a function"),
    (np.square, turn, "turn", "`act_out` must be callable, got str. Pass a function"),
    (lambda x: np.full(12, "three"), turn, turn, "`f` must give numbers, got <U5. Use a map such as"),
]


@pytest.mark.parametrize(("f", "act_in", "act_out", "message"), BAD_KINDS)
def test_bad_kinds(f, act_in, act_out, message):
    assert_refuses(lambda: measure.equivariance_error(f, X, act_in, act_out), message, TypeError)


def test_a_report_needs_two_images():
    message = "`X` must hold at least two images to compare, got 1. Pass more"
    assert_refuses(lambda: measure.report(np.square, X[:1], turn), message)


class TestSeparationByLayer:
    images, labels = datasets.load_digits(classes=(3, 8))

    def fit(self, layer_1):
        return GlassBoxClassifier(representation=layer_1).fit(self.images[:40], self.labels[:40])

    @pytest.mark.parametrize(("layer_1", "name"), [(Pixels(), "pixels"), (Representation(), "representation")])
    def test_it_is_the_separation_of_what_each_layer_gives(self, layer_1, name):
        model = self.fit(layer_1)
        images, labels = self.images[40:80], self.labels[40:80]
        found = measure.separation_by_layer(model, images, labels)
        standardised = model.reduction_.scaler_.transform(model.representation_.transform(images))
        assert list(found) == [name, "reduction"]
        assert dataclasses.astuple(found[name]) == pytest.approx(
            dataclasses.astuple(measure.class_separation(standardised, labels))
        )
        assert dataclasses.astuple(found["reduction"]) == pytest.approx(
            dataclasses.astuple(measure.class_separation(model.reduce(images), labels))
        )

    def test_tensors_are_taken_too(self):
        model = self.fit(Representation(invariant="k0"))
        images, labels = self.images[40:60], self.labels[40:60]
        from_tensors = measure.separation_by_layer(model, torch.from_numpy(images), torch.from_numpy(labels))
        assert from_tensors == measure.separation_by_layer(model, images, labels)

    def test_wrong_labels_separate_nothing(self):
        """The negative control: shuffled labels leave the classes as near to each other as to themselves."""
        model = self.fit(Representation())
        shuffled = np.random.default_rng(0).permutation(self.labels)
        right = measure.separation_by_layer(model, self.images, self.labels)["representation"]
        wrong = measure.separation_by_layer(model, self.images, shuffled)["representation"]
        assert wrong.ratio == pytest.approx(1, abs=0.01) and right.fisher > 5 * wrong.fisher

    def test_a_model_must_be_fitted(self):
        with pytest.raises(NotFittedError):
            measure.separation_by_layer(GlassBoxClassifier(), self.images, self.labels)
