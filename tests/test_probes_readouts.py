"""Readouts and fine-tuning: the same images for all features, what is learned and what is left alone."""

import re

import numpy as np
import pytest
import torch
from sklearn.model_selection import train_test_split
from torch import nn

from equibook import actions, networks
from equibook.glassbox import fit_layers
from equibook.probes.finetuning import _turn, fine_tune, tune_by_size
from equibook.probes.readouts import choose_rows, read_out

RNG = np.random.default_rng(0)
Y = np.arange(120) % 3
KNOWS = np.eye(3)[Y] @ RNG.normal(size=(3, 10)) * 3 + RNG.normal(size=(120, 10))
FEATURES = {
    "knows": {"train": KNOWS[:60], "clean": KNOWS[60:], "noisy": KNOWS[60:] + 3 * RNG.normal(size=(60, 10))},
    "guesses": {"train": RNG.normal(size=(60, 4)), "clean": RNG.normal(size=(60, 4)), "noisy": np.ones((60, 4))},
}
THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)
GIVEN = FEATURES, Y[:60], Y[60:]


def bars(n, seed=0):
    """Return images of a bright bar, upright (class 0) or level (class 1), in noise."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    x = rng.normal(scale=0.3, size=(n, 1, 9, 9))
    x[y == 0, :, :, 4] += 1
    x[y == 1, :, 4] += 1
    return x.astype(np.float32), y


@pytest.fixture
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 49, 2))


def score(net, x, y):
    with torch.no_grad():
        return np.mean(net(torch.as_tensor(x)).argmax(1).numpy() == y)


def test_features_that_know_the_class_are_read_and_others_are_not():
    found = read_out(*GIVEN, sizes=[6, 30], n_splits=4)
    assert set(found) == {"clean", "noisy"} and found["clean"].by == "n_train"
    assert found["clean"].mean("knows")[1] > 0.9 > 0.45 > found["clean"].mean("guesses").max()
    assert found["noisy"].mean("knows")[1] < found["clean"].mean("knows")[1]
    assert found["clean"].accuracies["knows"].shape == (2, 4)


def test_one_accuracy_by_hand():
    some, _ = train_test_split(np.arange(60), train_size=30, stratify=Y[:60], random_state=5)
    layer_2, layer_3 = fit_layers("nearest_mean", KNOWS[some], Y[some], n_components=3, random_state=5)
    expected = layer_3.score(layer_2.transform(KNOWS[60:]), Y[60:])
    found = read_out(*GIVEN, sizes=[30], classifier="nearest_mean", n_components=3, n_splits=1, random_state=5)
    assert found["clean"].accuracies["knows"].tolist() == [[expected]]


def test_rows_are_of_all_classes_and_the_seed_chooses_them():
    for size in (3, 7, 30, 59, 60):
        rows = choose_rows(Y[:60], size, 1)
        assert len(set(rows)) == size and np.bincount(Y[rows]).min() >= size // 3 - 1
    assert np.array_equal(choose_rows(Y, 9), choose_rows(Y, 9)) and not np.array_equal(
        choose_rows(Y, 9), choose_rows(Y, 9, 1)
    )


def test_fine_tuning_learns_leaves_the_network_alone_and_repeats(network):
    x, y = bars(60)
    before = {name: values.clone() for name, values in network.state_dict().items()}
    state = torch.random.get_rng_state()
    a, b = (fine_tune(network, x, y, frozen="0", epochs=4, learning_rate=0.01) for _ in range(2))
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(before[name], values) for name, values in network.state_dict().items())
    assert torch.equal(a[0].weight, network[0].weight) and not torch.equal(a[3].weight, network[3].weight)
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert score(a, *bars(40, seed=1)) > 0.9 > 0.7 > score(network, *bars(40, seed=1)) and not a.training


def test_turned_images_are_shown_where_asked_for(network):
    """Of bars turned at random nobody can say which they were."""
    x, y = bars(60)
    found = fine_tune(network, x, y, frozen="0", epochs=4, learning_rate=0.01, turned=True)
    assert score(found, *bars(40, seed=1)) < 0.85


def test_the_trunk_of_alexnet_is_cut_by_the_names_of_its_stages():
    trunk, x = networks.load("alexnet_trunk"), torch.rand(4, 3, 63, 63, generator=torch.Generator().manual_seed(0))
    tuned = fine_tune(trunk, x, [0, 1, 2, 3], frozen="pool5", epochs=1)
    with torch.no_grad():
        assert torch.equal(tuned[:13](x), trunk.features(x)) and tuned(x).shape == (4, 10)


def test_the_whole_network_is_trained_where_nothing_stays(network):
    x, y = bars(60)
    before = network[0].weight.clone()
    found = fine_tune(network, x, y, frozen=None, epochs=4, learning_rate=0.01)
    assert torch.equal(network[0].weight, before) and not torch.equal(found[0].weight, before)
    assert score(found, *bars(40, seed=1)) > 0.9


def test_fine_tuning_leaves_the_modes_of_the_network_and_its_statistics_alone():
    x, y = bars(60)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(196, 2), nn.BatchNorm1d(2)
        ).train()
    net[1].eval()
    modes, statistics = [part.training for part in net.modules()], net[1].running_mean.clone()
    found = fine_tune(net, x, y, frozen="1", epochs=2)
    assert [part.training for part in net.modules()] == modes and not any(part.training for part in found.modules())
    assert found[0].weight is net[0].weight and torch.equal(net[1].running_mean, statistics)
    assert torch.equal(found[1].running_mean, statistics) and not found[4].running_mean.equal(net[4].running_mean)


def test_by_size_the_images_and_draws_are_those_of_reading_out(network):
    x, y = bars(60)
    tests, true = {"clean": bars(40, seed=1)[0], "dark": 0 * bars(40, seed=1)[0]}, bars(40, seed=1)[1]
    options = {"frozen": "0", "epochs": 4, "learning_rate": 0.01}
    found = tune_by_size(network, x, y, tests, true, sizes=[4, 60], n_splits=2, label="tuned", **options)
    assert found["clean"].by == "n_train" and found["clean"].accuracies["tuned"].shape == (2, 2)
    rows = choose_rows(y, 4, 1)
    expected = score(fine_tune(network, x[rows], y[rows], random_state=1, **options), tests["clean"], true)
    assert found["clean"].accuracies["tuned"][0, 1] == expected
    assert found["clean"].mean("tuned")[1] > 0.9 and (found["dark"].mean("tuned") == 0.5).all()
    with pytest.raises(ValueError, match="`sizes` must be from 2 to 60, the images there are, got 61"):
        tune_by_size(network, x, y, tests, true, sizes=[61], **options)


def test_images_are_turned_some_at_a_time_and_grey_ones_once():
    grey, angles = torch.from_numpy(bars(120)[0]), np.random.default_rng(0).uniform(0, 360, 120)
    colour = torch.cat([grey, 0.5 * grey, grey.flip(-1)], dim=1)
    for images in (grey, grey.expand(-1, 3, -1, -1), colour, grey[:50], grey[:1]):
        expected = actions.rotate(images, angles[: len(images)])
        assert torch.allclose(_turn(images, angles[: len(images)]), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: read_out({}, Y[:60], Y[60:], sizes=[6]), "`features` must hold at least one kind, got none"),
        (
            lambda net: read_out({"a": {"train": KNOWS}}, Y, Y, sizes=[6]),
            "`features` must hold 'train' and a test for 'a', got ['train']",
        ),
        (
            lambda net: read_out({**FEATURES, "b": {"train": KNOWS, "clean": KNOWS, "noisy": KNOWS}}, Y, Y, sizes=[6]),
            "`features` must hold as many images for all, got {'train': 120",
        ),
        (lambda net: read_out(*GIVEN, sizes=[2]), "`sizes` must be from 3 to 60, the images there are, got 2"),
        (lambda net: read_out(*GIVEN, sizes=[61]), "`sizes` must be from 3 to 60, the images there are, got 61"),
        (lambda net: read_out(*GIVEN, sizes=[6], classifier="oracle"), "`classifier` must be one of 'nearest_mean'"),
        (lambda net: fine_tune(net, *bars(4), frozen="3"), "`frozen` must leave something to train, got the last"),
        (lambda net: fine_tune(net, *bars(4), frozen="0", epochs=0), "`epochs` must be a positive integer, got 0"),
    ],
)
def test_bad_input(call, message, network):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call(network)
    assert THREE_PARTS.match(str(caught.value))
