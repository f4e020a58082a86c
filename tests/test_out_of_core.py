"""A glass box fitted out of core: it answers as one fitted in memory, and is a whole model."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from test_checks import THREE_PARTS

from equibook import GlassBoxClassifier, Representation, actions, datasets, load, save
from equibook.out_of_core import fit_from_features, predict_batches
from equibook.streaming import save_features

X, Y = datasets.load_digits(size=20)
X, Y, NEW, TRUE = X[:900], Y[:900], X[900:1300], Y[900:1300]
LAYER = Representation(invariant="power").fit(X[:1])
TURNED = actions.rotate(NEW, np.random.default_rng(0).uniform(-180, 180, len(NEW)))


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    path = tmp_path_factory.mktemp("features") / "features.npy"
    save_features(LAYER, X, path)
    return np.load(path, mmap_mode="r")


@pytest.fixture(scope="module")
def models(features):
    asked = GlassBoxClassifier("lda", representation=Representation(invariant="power"), n_components=60)
    return fit_from_features(asked, LAYER, features, Y, 200), asked.fit(X, Y)


def test_it_answers_as_one_fitted_in_memory(models):
    streamed, whole = models
    told = np.concatenate(list(predict_batches(streamed, iter(TURNED), 64)))
    assert np.array_equal(told, streamed.predict(TURNED))
    assert np.mean(told == whole.predict(TURNED)) >= 0.98
    assert np.mean(told == TRUE) >= whole.score(TURNED, TRUE) - 0.01 > 0.9


def test_the_space_of_components_is_nearly_that_of_pca(models, features):
    """Of the variance that 60 exact components hold, nearly all is held; 60 directions by chance hold little."""
    streamed, whole = (model.reduction_ for model in models)
    Z = whole.scaler_.transform(np.asarray(features, dtype=float))

    def held(components):
        return np.linalg.norm(Z @ components.T) ** 2

    exact = held(whole.pca_.components_)
    chance = np.linalg.qr(np.random.default_rng(0).normal(size=(Z.shape[1], 60)))[0].T
    assert 0.99 <= held(streamed.pca_.components_) / exact <= 1 + 1e-9 and held(chance) < 0.5 * exact
    cosines = np.linalg.svd(streamed.pca_.components_[:20] @ whole.pca_.components_.T)[1]
    assert cosines.min() >= 0.99  # the first 20 lie in the space of the exact 60


def test_with_all_directions_kept_it_is_the_same_model():
    few = Representation(invariant="average").fit(X[:1])
    features = few.transform(X)
    n = features.shape[1]
    asked = GlassBoxClassifier("nearest_mean", representation=few, n_components=n)
    streamed, whole = fit_from_features(asked, few, features, Y, 100), asked.fit(X, Y)
    a, b = streamed.decision_function(NEW), whole.decision_function(NEW)
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * abs(b).max())


def test_it_is_a_whole_model(models, tmp_path):
    streamed, _ = models
    save(streamed, tmp_path / "model.skops")
    again = load(tmp_path / "model.skops")
    assert np.array_equal(again.decision_function(NEW[:9]), streamed.decision_function(NEW[:9]))
    why = streamed.explain(NEW[:3])
    total = why.features.sum(axis=1) + why.bias
    np.testing.assert_allclose(total, why.score, atol=1e-9 * abs(why.score).max())
    assert streamed.novelty(np.zeros_like(NEW[:1]))[0] > np.median(streamed.novelty(NEW))
    assert streamed.classes_.tolist() == list(range(10))


def test_what_is_asked_for_is_not_changed(features):
    asked = GlassBoxClassifier("ridge", n_components=20)
    fitted = fit_from_features(asked, LAYER, features, Y)
    assert not hasattr(asked, "classes_") and fitted is not asked and fitted.reduction_.n_components == 20
    assert fit_from_features(GlassBoxClassifier(), LAYER, features[:90], Y[:90]).reduction_.n_components == 30


def test_nearest_mean_gets_whitened_components(features):
    fitted = fit_from_features(GlassBoxClassifier(n_components=10), LAYER, features, Y)
    assert fitted.reduction_.whiten and fitted.predict(NEW[:2]).shape == (2,)


def test_memory_is_that_of_a_few_batches(tmp_path):
    """150 MB of features on the disk, fitted with less memory than they take."""
    script = """
import sys
import numpy as np, psutil
from equibook import GlassBoxClassifier, Representation
from equibook.out_of_core import fit_from_features
from equibook.throughput import peak_memory
layer = Representation(invariant="power").fit(np.zeros((1, 32, 32)))
n, rng = 75_000, np.random.default_rng(0)
shape = n, len(layer.get_feature_names_out())
features = np.lib.format.open_memmap(sys.argv[1], "w+", np.float32, shape)
for start in range(0, n, 1000):
    features[start : start + 1000] = rng.normal(size=(1000, shape[1]))
features.flush()
del features
features = np.load(sys.argv[1], mmap_mode="r")
fit_from_features(GlassBoxClassifier("lda", n_components=5), layer, features[:3000], np.arange(3000) % 2)  # libraries
anonymous = lambda: next(int(l.split()[1]) for l in open("/proc/self/smaps_rollup") if l.startswith("Anonymous")) / 1e3
start = anonymous()
fit_from_features(GlassBoxClassifier("lda", n_components=5), layer, features, np.arange(n) % 2)
print(features.nbytes / 1e6, anonymous() - start)
"""
    if sys.platform != "linux":
        pytest.skip("reads what Linux tells of a process")
    ran = subprocess.run([sys.executable, "-c", script, str(tmp_path / "f.npy")], capture_output=True, text=True)
    assert not ran.returncode, ran.stderr
    size, more = map(float, ran.stdout.split())
    assert size > 100 and more < 0.5 * size


@pytest.mark.parametrize(
    ("model", "n", "message"),
    [
        (GlassBoxClassifier("qda"), 900, "`n_components` must be given for 'qda' out of core, got None. Take"),
        (GlassBoxClassifier("forest"), 900, "`classifier` must be one of"),
        (GlassBoxClassifier(n_components=900), 900, "`n_components` must be below 900, the number of samples, got 900"),
        (GlassBoxClassifier(), 899, "`y` must"),
    ],
)
def test_bad_input(features, model, n, message):
    with pytest.raises(ValueError, match=message) as caught:
        fit_from_features(model, LAYER, features, Y[:n])
    assert THREE_PARTS.match(str(caught.value))


def test_only_a_fitted_model_predicts():
    with pytest.raises(ValueError, match="not fitted"):
        next(predict_batches(GlassBoxClassifier(), NEW))
    with pytest.raises(TypeError):
        next(predict_batches(LinearRegression, NEW))
