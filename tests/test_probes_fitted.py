"""Fitted equivariance: exact stacks, random and broken ones; scikit-learn's ridge; memory; what cannot be fitted."""

import re
import tracemalloc
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch import nn

from equibook import networks
from equibook.actions import rotate
from equibook.groups import CyclicGroup, DihedralGroup
from equibook.operations import Subsample, make_convolution, make_stack, symmetrise
from equibook.probes import fitted_equivariance, invariance_count, transforms
from equibook.probes.fitted import COLUMNS, fit_inverse
from equibook.probes.normal import NormalEquations, fit_ridge

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)
RNG = np.random.default_rng(0)
IMAGES = torch.from_numpy(RNG.random((120, 1, 17, 17)))
TRAIN, TEST = IMAGES[:80], IMAGES[80:]
D4_STACK = make_stack(2, Subsample(2), group=DihedralGroup(4))
KERNEL = torch.from_numpy(RNG.normal(size=(1, 1, 3, 3)))


def turned_copies_layer(kernel=KERNEL, elements=4):
    """Return a convolution whose filters are one kernel and its turned copies, with a ReLU: exactly equivariant."""
    bank = torch.cat([torch.rot90(kernel, k, (-2, -1)) for k in range(elements)])
    return nn.Sequential(make_convolution(bank), nn.ReLU())


@pytest.mark.parametrize("name", transforms.NAMES)
def test_an_equivariant_stack_is_fitted_to_rounding(name):
    found = fitted_equivariance(D4_STACK, TRAIN, TEST, name)
    assert found.fitted.max() < 1e-12 and found.spatial.max() < 1e-12
    assert found.identity.min() > 1 and found.shuffled.min() > 0.9
    assert found.shuffled[0] < 1.4  # about 2, were it only tested on wrong pairs and not fitted to them


def test_channels_that_change_places_are_found():
    found = fitted_equivariance({"lift": turned_copies_layer()}, TRAIN, TEST, "rot90")
    assert found.fitted[0] < 1e-12 and found.spatial[0] > 0.5
    weights = found.maps["lift"].weights[:, :, 0, 0]
    assert torch.allclose(weights, torch.eye(4, dtype=torch.float64).roll(1, 0), atol=1e-6)  # a turn brings the next
    flipped = fitted_equivariance({"lift": turned_copies_layer()}, TRAIN, TEST, "hflip")
    assert flipped.fitted[0] > 0.1  # turned copies are no flipped ones


def test_a_random_stack_and_a_broken_one_are_not_fitted():
    rng_stack = make_stack(2, Subsample(2), random_state=3)
    random = fitted_equivariance(rng_stack, TRAIN, TEST, "rot90")
    assert (random.fitted > 0.05).all() and (random.fitted < random.spatial).all()
    even = torch.nn.functional.pad(IMAGES, (0, 1, 0, 1))[:, :, 1:-1, 1:-1]  # 16 pixels: the stride is off centre
    broken = fitted_equivariance(D4_STACK, even[:80], even[80:], "rot90")
    assert (broken.fitted > 0.05).all()


def test_a_larger_neighbourhood_mends_a_stride_that_is_off_centre():
    smooth = torch.nn.functional.avg_pool2d(IMAGES, 5, 1, 2)[:, :, :16, :16]
    net = {"off": nn.Sequential(turned_copies_layer(KERNEL, 4), Subsample(2))}
    errors = [fitted_equivariance(net, smooth[:80], smooth[80:], "hflip", neighbourhood=n).fitted[0] for n in (1, 3)]
    assert errors[1] < 0.8 * errors[0]


@pytest.mark.parametrize("neighbourhood", [1, 3])
def test_against_scikit_learn(neighbourhood):
    f, alpha, k = make_stack(1, Subsample(2), n_maps=3, random_state=1), 1e-2, neighbourhood
    found = fitted_equivariance(f, TRAIN, TEST, "rot90", neighbourhood=k, penalties=[alpha])
    with torch.no_grad():
        start, goal, test, wanted = (
            f[:1](x) for x in (TRAIN, torch.rot90(TRAIN, 1, (2, 3)), TEST, TEST.rot90(1, (2, 3)))
        )
    size = goal.shape[-1]

    def rows(maps):
        padded = torch.nn.functional.pad(maps.rot90(1, (2, 3)), 4 * (k // 2,))
        parts = [padded[:, :, i : i + size, j : j + size] for i in range(k) for j in range(k)]
        return torch.stack(parts, 2).permute(0, 3, 4, 1, 2).reshape(-1, 3 * k * k).numpy()

    targets = goal.movedim(1, -1).reshape(-1, 3).numpy()
    scale = ((rows(start) - rows(start).mean(0)) ** 2).sum(0).mean()
    ridge = Ridge(alpha=alpha * scale).fit(rows(start), targets)
    assert np.allclose(found.maps["0"].weights.reshape(3, -1).numpy(), ridge.coef_, atol=1e-10)
    assert np.allclose(found.maps["0"].bias.numpy(), ridge.intercept_, atol=1e-10)
    left = wanted.movedim(1, -1).reshape(-1, 3).numpy() - ridge.predict(rows(test))
    spread = ((wanted - goal.mean(dim=0)) ** 2).sum()
    assert found.fitted[0] == pytest.approx((left**2).sum() / float(spread), rel=1e-9)


def test_sums_in_parts_are_the_sums_of_all():
    x, y = torch.from_numpy(RNG.normal(size=(90, 5)) + 1e3), torch.from_numpy(RNG.normal(size=(90, 3)))
    whole, first, second = NormalEquations(), NormalEquations(), NormalEquations()
    whole.add(x, y)
    for start in range(0, 40, 10):
        first.add(x[start : start + 10], y[start : start + 10])
    second.add(x[40:], y[40:])
    joined = first + second
    ridge = Ridge(alpha=0.5 * float(((x - x.mean(0)) ** 2).sum(0).mean())).fit(x.numpy(), y.numpy())
    for sums in (whole, joined):
        assert np.allclose(sums.solve(0.5).numpy().T, ridge.coef_, atol=1e-12)
    errors = ((y[40:] - torch.from_numpy(ridge.predict(x[40:].numpy()))) ** 2).sum(0)
    assert torch.allclose(second.squared_error(whole.solve(0.5), *whole.means()), errors, rtol=1e-9)
    assert whole.n_rows == joined.n_rows == 90


def test_the_penalty_is_the_one_that_the_rows_held_back_like_best():
    x = torch.from_numpy(RNG.normal(size=(60, 40)))
    weights = torch.from_numpy(RNG.normal(size=(40, 2)))
    noisy = x @ weights + 8 * torch.from_numpy(RNG.normal(size=(60, 2)))
    for y, expected in ((x @ weights, 1e-8), (noisy, 1.0)):
        fit, held = NormalEquations(), NormalEquations()
        fit.add(x[:45], y[:45])
        held.add(x[45:], y[45:])
        assert fit_ridge(fit, held, [1e-8, 1.0])[0] == expected


def test_constant_features_are_fitted_by_the_bias_alone():
    found = fitted_equivariance(lambda x: x * 0 + 3, TRAIN, TEST, "hflip")
    assert [getattr(found, column)[0] for column in COLUMNS] == [0, 0, 0, 0]
    assert not found.maps["output"].weights.any() and found.maps["output"].bias[0] == 3


def test_batches_do_not_matter_but_for_the_shuffling():
    stack = make_stack(1, Subsample(2), random_state=1)
    few, many = (fitted_equivariance(stack, TRAIN, TEST, "rot90", batch_size=n) for n in (7, 64))
    assert few.fitted[0] == pytest.approx(many.fitted[0], rel=1e-9)
    assert few.shuffled[0] == pytest.approx(many.shuffled[0], rel=0.1)


def test_memory_does_not_grow_with_the_number_of_images():
    """Measured where memory is asked for: the largest number of values that the rows of one batch have."""
    largest = {}
    plain = NormalEquations.add
    for n in (100, 1000):
        seen = []
        images = torch.from_numpy(np.random.default_rng(0).random((n, 1, 9, 9), dtype=np.float32))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                NormalEquations, "add", lambda self, x, y, seen=seen: (seen.append(x.numel()), plain(self, x, y))
            )
            tracemalloc.start()
            fitted_equivariance(lambda x: torch.cat([x] * 8, 1) + x.flip(1) ** 2, images, images[:50], "rot90")
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        largest[n] = max(seen), peak
    assert largest[1000][0] <= largest[100][0] * 64 / 38 and largest[1000][1] < largest[100][1] + 2**20


def test_fitted_on_one_dtype_and_one_seed():
    stack = make_stack(1, Subsample(2), random_state=1)
    once, twice = (fitted_equivariance(stack, TRAIN, TEST, "rot90", random_state=5) for _ in range(2))
    assert once.shuffled[0] == twice.shuffled[0] and once.fitted[0] == twice.fitted[0]
    in_single = fitted_equivariance(stack.float(), TRAIN.float().numpy(), TEST.float().numpy(), "rot90")
    assert in_single.fitted[0] == pytest.approx(once.fitted[0], rel=1e-3)
    stack.double()


@pytest.mark.parametrize(
    "transform",
    [transforms.rotation(30), transforms.scaling(0.8), transforms.translation(2, -3)],
    ids=lambda t: t.name,
)
def test_places_from_beyond_the_border_do_not_count(transform):
    found = fitted_equivariance(nn.Identity(), TRAIN, TEST, transform)
    assert found.spatial[0] < 1e-20 and found.identity[0] > 0.5  # one and the same action on image and map
    assert found.shuffled[0] > 0.9


def test_a_shift_asks_for_the_stride():
    moved = fitted_equivariance(D4_STACK, TRAIN, TEST, transforms.translation(4, 0))
    assert moved.spatial[0] < 0.3 < moved.identity[0]  # two places of the first map; the border is not free of error
    wrong = fitted_equivariance(D4_STACK, TRAIN, TEST, transforms.translation(4, 0, stride=1))
    assert wrong.spatial[0] > 2
    with pytest.raises(TypeError, match="`stride` must be given for a map"):
        fitted_equivariance(lambda x: x, TRAIN, TEST, transforms.translation(4, 0))


def test_vectors_are_maps_of_one_place():
    found = fitted_equivariance({"mean": lambda x: x.mean(dim=(2, 3))}, TRAIN, TEST, "rot90")
    assert found.identity[0] < 1e-20 and found.fitted[0] < 1e-12


def test_the_inverse_undoes():
    layer = turned_copies_layer()
    back = fit_inverse({"lift": layer}, TRAIN, "rot90")["lift"]
    with torch.no_grad():
        upright, turned = layer(TEST), layer(TEST.rot90(1, (2, 3)))
    assert torch.allclose(back(turned), upright, atol=1e-6)
    assert not torch.allclose(back.transform.on_maps(turned), upright, atol=0.1)
    assert back(turned.float()).dtype == torch.float32


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"X_train": TRAIN[:7]}, ValueError, "`X_train` must hold at least 8 images for the"),
        ({"net": lambda x: x.flatten(1), "X_train": TRAIN}, ValueError, "at least 290 images for the 290 numbers"),
        ({"X_test": TEST[:1]}, ValueError, "`X_test` must hold at least 2 images, got 1"),
        ({"X_test": TEST[:, :, 1:, 1:]}, ValueError, "`X_test` must have the channels and size of `X_train`"),
        ({"X_train": TRAIN[:, :, 1:]}, ValueError, "`X_train` must be square"),
        ({"X_train": TRAIN * np.nan}, ValueError, "`X_train` must hold finite numbers"),
        ({"transform": "turn"}, ValueError, "`transform` must be one of 'hflip', 'vflip'"),
        ({"transform": rotate}, TypeError, "`transform` must be a name or a Transformation"),
        ({"stages": "conv9"}, ValueError, "`stages` must be of .*, got 'conv9'"),
        ({"neighbourhood": 2}, ValueError, "`neighbourhood` must be odd, got 2"),
        ({"neighbourhood": 0}, ValueError, "`neighbourhood` must be a positive integer"),
        ({"penalties": []}, ValueError, "`penalties` must be finite numbers from 0 on"),
        ({"penalties": [-1]}, ValueError, "`penalties` must be finite numbers from 0 on"),
        ({"net": lambda x: torch.cat([x, 0 * x], 1), "penalties": [0]}, ValueError, "`penalties` must hold one above"),
        ({"net": lambda x: x[:, :, 1:]}, ValueError, r"`net` must give square maps .* at the stage 'output'"),
        ({"net": lambda x: x / 0}, ValueError, "`net` must give finite maps at the stage 'output'"),
        ({"net": lambda x: x[:1]}, ValueError, r"`net` must give \d+ results for as many images"),
        ({"net": 3}, TypeError, "`net` must be a network or a map of images, got int"),
        ({"transform": transforms.Transformation("crop", lambda x: x[..., 1:, 1:], lambda x: x)}, ValueError,
         "`transform` must keep the size of images"),
        ({"transform": transforms.Transformation("crop", lambda x: x, lambda x: x[..., 1:, 1:])}, ValueError,
         "`transform` must keep the size of maps"),
        ({"net": nn.Identity(), "transform": transforms.translation(30, 0)}, ValueError,
         "`transform` must leave places"),
    ],
)  # fmt: skip
def test_bad_input(change, error, message):
    given = {"net": D4_STACK, "X_train": TRAIN, "X_test": TEST, "transform": "hflip"} | change
    with pytest.raises(error, match=message) as raised:
        fitted_equivariance(
            given.pop("net"), given.pop("X_train"), given.pop("X_test"), given.pop("transform"), **given
        )
    assert THREE_PARTS.match(str(raised.value))


def test_it_shows_itself():
    found = fitted_equivariance(D4_STACK, TRAIN, TEST, "hflip", ["1"])
    lines = str(found).splitlines()
    assert "g = hflip; 40 test images" in lines[0] and lines[1].split() == ["stage", *COLUMNS] and len(lines) == 3
    assert "<caption>" in found._repr_html_() and found.n_train == 80


def test_invariant_channels_are_counted():
    bank = torch.cat([torch.ones(1, 1, 3, 3), KERNEL, KERNEL.flip(-1), 0 * KERNEL]).double()
    layer = make_convolution(bank)
    found = invariance_count({"maps": layer, "means": nn.Sequential(layer, nn.AdaptiveAvgPool2d(1))}, TEST, "hflip")
    assert found.count("maps") == (0, 1, 3, 4)  # round: carried; a pair changes places; one is dead
    assert found.carried["maps"][0] < 1e-20 and np.isnan(found.still["maps"][3])
    assert found.count("means")[0] == 1 and found.count("means")[2] == 3
    assert "hflip leaves alone" in str(found) and "<caption>" in found._repr_html_()
    lenient = invariance_count({"maps": layer}, TEST, "hflip", threshold=1e9)
    assert lenient.count("maps")[1] == 3


def test_the_count_is_the_same_in_batches_and_by_the_formula():
    f, turn = make_stack(1, Subsample(2), random_state=2), partial(rotate, angle=90)
    few, many = (invariance_count(f, TEST, "rot90", batch_size=n) for n in (7, 64))
    with torch.no_grad():
        x, y = f(TEST), f(turn(TEST))
    spread = ((y - y.mean(dim=0)) ** 2).sum(dim=(0, 2, 3))
    for found in (few, many):
        assert np.allclose(found.still["0"], ((y - x) ** 2).sum(dim=(0, 2, 3)) / spread, rtol=1e-9)
        assert np.allclose(found.carried["0"], ((y - turn(x)) ** 2).sum(dim=(0, 2, 3)) / spread, rtol=1e-9)


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [(TEST[:1], {}, "`X` must hold at least 2"), (TEST, {"threshold": 0}, "`threshold` must be above 0, got 0")],
)
def test_what_cannot_be_counted(images, options, message):
    with pytest.raises(ValueError, match=message) as raised:
        invariance_count(D4_STACK, images, "hflip", **options)
    assert THREE_PARTS.match(str(raised.value))


def test_the_trunk_of_alexnet(digits):
    """What is stated of the weights that come with the package; half of the threshold stands where it was measured."""
    train, test, _ = digits
    net = networks.load("alexnet_trunk")
    for name in ("hflip", "rot90"):
        found = fitted_equivariance(net, train, test, name)
        assert found.fitted[0] <= 0.001 and (np.diff(found.fitted) > 0).all() and found.fitted[-1] < 0.6
        assert (found.shuffled >= 0.9).all() and (found.fitted < np.minimum(found.identity, found.spatial)).all()


@pytest.fixture(scope="module")
def digits():
    from equibook.train_networks import split_digits

    X_train, X_test, _, y_test = split_digits("alexnet_trunk")
    train, test = (networks.preprocess("alexnet_trunk", X) for X in (X_train[:150], X_test[:100]))
    return train, test, y_test[:100]


def test_an_unused_group_of_quarter_turns_is_not_all_of_d4():
    bank = symmetrise(np.random.default_rng(0).normal(size=(3, 1, 5, 5)), CyclicGroup(4))  # of 3 x 3 they are all D4's
    c4 = {"c4": nn.Sequential(make_convolution(bank), nn.ReLU())}
    assert fitted_equivariance(c4, TRAIN, TEST, "rot90").fitted[0] < 1e-12
    assert fitted_equivariance(c4, TRAIN, TEST, "hflip").fitted[0] > 0.1
