"""Learned networks: as many weights each, trained and stopped as stated, invariant where they should be."""

import re

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from torch import nn

from equibook import actions, datasets, learned
from equibook.learned import NetworkClassifier, Standardise, build_glass, build_group, build_plain, count_weights

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)
BUILDERS = (build_glass, build_plain, build_group)


@pytest.fixture(scope="module")
def digits():
    X, y = datasets.load_digits(classes=(1, 3, 8), size=32)
    return X[:60], y[:60], X[60:160], y[60:160]


@pytest.fixture(scope="module")
def glass(digits):
    return NetworkClassifier(build_glass, learning_rate=0.001, max_epochs=20).fit(*digits[:2])


def build_small(images, n_classes):
    """A network of one affine map that does not take long."""
    return nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(images[0].numel() // 16, n_classes))


def test_all_three_have_about_as_many_weights():
    images = torch.rand(5, 1, 32, 32)
    weights = [count_weights(build(images, 10)) for build in BUILDERS]
    assert weights == [23060, 22778, 22560] and max(weights) <= 1.1 * min(weights)


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_network_gives_scores_and_gradients(build, n_channels, dtype):
    images = torch.rand(4, n_channels, 16, 16, dtype=dtype, generator=torch.Generator().manual_seed(0))
    network = build(images, 5)
    if build is build_glass:
        nn.init.normal_(network.head.weight)
    network(images.requires_grad_()).square().sum().backward()
    assert images.grad.isfinite().all() and images.grad.abs().sum() > 0
    assert network(images).shape == (4, 5) and network(images).dtype == dtype
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize(("build", "is_invariant"), [(build_glass, True), (build_group, True), (build_plain, False)])
def test_scores_stay_under_quarter_turns_where_they_should(build, is_invariant, digits):
    images = torch.from_numpy(digits[0][:8]).double()
    network = build(images, 3).eval()
    if build is build_glass:
        nn.init.normal_(network.head.weight, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before, turned = network(images), network(actions.rotate(images, 90))
    assert before.std() > 1e-3
    if is_invariant:
        torch.testing.assert_close(turned, before, rtol=0, atol=1e-9)
    else:
        assert (turned - before).norm() > 0.05 * before.norm()


def test_layer_1_is_that_of_the_representation_and_learns_nothing(digits):
    images = torch.from_numpy(digits[0])
    network = build_glass(images, 3, invariant="power")
    assert count_weights(network.layer_1) == count_weights(network.standardise) == 0
    assert network.head.in_features == 501
    with torch.no_grad():
        features = network[:2](images)
    torch.testing.assert_close(features.mean(dim=0), torch.zeros(501), rtol=0, atol=1e-3)
    torch.testing.assert_close(features.std(dim=0, correction=0), torch.ones(501), rtol=0, atol=1e-3)


def test_a_feature_that_never_changes_is_centred_only():
    rows = torch.tensor([[1.0, 2.0], [1.0, 4.0]])
    assert torch.equal(Standardise(rows)(rows), torch.tensor([[0.0, -1.0], [0.0, 1.0]]))


def test_it_learns_and_turned_digits_are_read_by_the_glass_alone(digits, glass):
    X, y, X_test, y_test = digits
    plain = NetworkClassifier(build_plain, max_epochs=15).fit(X, y)
    turned = actions.rotate(X_test, np.random.default_rng(0).uniform(0, 360, len(X_test)))
    assert glass.score(X_test, y_test) >= 0.75 and glass.score(turned, y_test) >= 0.75
    assert plain.score(X_test, y_test) >= 0.6 and plain.score(turned, y_test) <= 0.6
    shuffled = NetworkClassifier(build_glass, max_epochs=20).fit(X, np.random.default_rng(0).permutation(y))
    assert shuffled.score(X_test, y_test) <= 0.6


def test_same_seed_same_weights_and_no_global_state(digits):
    X, y, X_test, _ = digits
    before = torch.get_rng_state()
    models = [NetworkClassifier(build_small, max_epochs=3, random_state=seed).fit(X, y) for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), before)
    first, again, other = (model.decision_function(X_test) for model in models)
    assert np.array_equal(first, again) and not np.allclose(first, other)


def test_the_best_epoch_is_kept_and_patience_ends_it(digits, monkeypatch):
    """At a rate far too high the loss on the part set aside rises soon; at 0 it never falls."""
    X, y, *_ = digits
    model = NetworkClassifier(build_small, learning_rate=3.0, max_epochs=60, patience=4).fit(X, y)
    losses = model.history_[:, 1]
    assert model.best_epoch_ == losses.argmin() and len(losses) == model.best_epoch_ + 1 + 4 < 60
    rows = learned.train_test_split(np.arange(60), test_size=0.2, stratify=y, random_state=0)[1]
    scores = torch.from_numpy(model.decision_function(X[rows]))
    wanted = torch.from_numpy(np.searchsorted(model.classes_, y[rows]))
    assert np.isclose(float(nn.functional.cross_entropy(scores, wanted)), losses.min(), rtol=1e-4)
    still = NetworkClassifier(build_small, learning_rate=0.0, max_epochs=60, patience=4).fit(X, y)
    assert still.best_epoch_ == 0 and len(still.history_) == 5


def test_blocks_without_weights_see_each_image_once(digits):
    seen = []

    class Counting(nn.Module):
        def forward(self, x):
            seen.append(len(x))
            return x

    NetworkClassifier(lambda x, n: nn.Sequential(Counting(), *build_small(x, n)), max_epochs=5).fit(*digits[:2])
    assert sum(seen) == 60


def test_augmented_images_are_what_it_learns_from(digits):
    X, y, X_test, y_test = digits
    seen = []

    def flip(images, rng):
        seen.append(len(images))
        return images.flip(-1)

    model = NetworkClassifier(build_small, max_epochs=40, learning_rate=0.03, augment=flip).fit(X, y)
    assert seen[:3] == [12, 25, 23]
    assert model.score(X_test[..., ::-1].copy(), y_test) > model.score(X_test, y_test) + 0.1


def test_it_is_a_scikit_learn_classifier(digits):
    X, y, X_test, _ = digits
    names = np.array(["one", "three", "eight"])[np.searchsorted([1, 3, 8], y)]
    search = GridSearchCV(NetworkClassifier(build_small, max_epochs=8), {"learning_rate": [0.0, 0.03]}, cv=2)
    search.fit(X, names)
    assert search.best_params_ == {"learning_rate": 0.03}
    assert set(search.predict(X_test)) <= set(names) and list(search.classes_) == ["eight", "one", "three"]
    copy = clone(search.best_estimator_)
    assert copy.get_params() == search.best_estimator_.get_params() and not hasattr(copy, "network_")
    with pytest.raises(NotFittedError):
        copy.predict(X)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda X, y: NetworkClassifier().fit(X, np.zeros(len(X), dtype=int)), "`y` must hold at least two classes"),
        (lambda X, y: NetworkClassifier().fit(X, y[:-1]), "`y` must hold one label per image"),
        (lambda X, y: NetworkClassifier(max_epochs=0).fit(X, y), "`max_epochs` must be a positive integer, got 0"),
        (lambda X, y: NetworkClassifier(patience=0).fit(X, y), "`patience` must be a positive integer, got 0"),
        (
            lambda X, y: NetworkClassifier(build_small, max_epochs=1).fit(X, y).predict(X[..., 2:, 2:]),
            "`X` must have 32 x 32 pixels, as in `fit`, got 30 x 30",
        ),
    ],
)
def test_bad_input(made, message, digits):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        made(*digits[:2])
    assert THREE_PARTS.match(str(caught.value))
