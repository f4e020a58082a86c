"""Saving and loading: the same predictions, whole files only, and nothing that a file holds is ever run."""

import functools
import importlib
import io
import json
import operator
import os
import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.linear_model import RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import equibook
from equibook import persistence
from equibook.classifiers import CLASSIFIERS
from equibook.glassbox import GlassBoxClassifier
from equibook.reduction import Reduction
from equibook.representation import Pixels, Representation

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 6)).astype("float32")
Y = np.array(["no", "yes"])[(X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)]


class Layer(TransformerMixin, BaseEstimator):
    """A stand-in for the estimators of equibook: it holds what they hold, and a cache that is no part of it."""

    def __init__(self, scales=(1, 2.0), extra=None):
        self.scales = scales
        self.extra = extra

    def fit(self, X, y=None):
        self.mean_ = X.mean(axis=0)
        self.names_ = [f"feature={index}" for index in range(X.shape[1])]
        self.orders_ = {0: self.mean_, "all": np.asfortranarray(np.outer(self.mean_, self.mean_))}
        self._cache = lambda: None  # like a torch module: not to be saved
        return self

    def transform(self, X):
        return (X - self.mean_) @ self.orders_["all"] + X

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name != "_cache"}


class Foreign(ClassifierMixin, BaseEstimator):
    """A class that equibook does not know, and that would do something while it is loaded."""

    def __init__(self, path=None):
        self.path = path

    def __setstate__(self, state):
        Path(state["path"]).touch()


@pytest.fixture(autouse=True)
def layer_is_trusted(monkeypatch):
    name = f"{Layer.__module__}.Layer"
    monkeypatch.setattr(persistence, "MODELS", persistence.MODELS | {name})
    monkeypatch.setattr(persistence, "TRUSTED", persistence.TRUSTED | {name})


def assert_refuses(call, message, error=ValueError):
    with pytest.raises(error, match=re.escape(message)) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value)), str(caught.value)
    return caught.value


def saved(path, model=None):
    persistence.save(Layer().fit(X) if model is None else model, path)
    return path


def rewrite(path, **members):
    """Replace members of an archive; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        old = {name: archive.read(name) for name in archive.namelist()}
    new = {name.replace("_json", ".json"): content for name, content in members.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (old | new).items():
            if content is not None:
                archive.writestr(name, content)


class TestRoundTrip:
    def test_parameters_and_fitted_numbers_come_back(self, tmp_path):
        layer = Layer(scales=(0.5, 3), extra="a b").fit(X)
        loaded = persistence.load(saved(tmp_path / "model.skops", layer))
        assert type(loaded) is Layer
        assert loaded.get_params() == layer.get_params()
        assert loaded.names_ == layer.names_
        assert list(loaded.orders_) == [0, "all"]
        assert loaded.mean_.dtype == np.float32
        assert loaded.orders_["all"].flags.f_contiguous
        assert np.array_equal(loaded.transform(X), layer.transform(X))

    def test_what_getstate_drops_is_not_saved(self, tmp_path):
        layer = Layer().fit(X)
        loaded = persistence.load(saved(tmp_path / "model.skops", layer))
        assert vars(layer).keys() - vars(loaded).keys() == {"_cache"}

    def test_an_unfitted_model_comes_back_unfitted(self, tmp_path):
        loaded = persistence.load(saved(tmp_path / "model.skops", Layer(extra=1)))
        assert vars(loaded) == {"scales": (1, 2.0), "extra": 1}

    @pytest.mark.parametrize(
        "classifier",
        [
            NearestCentroid(),
            LinearDiscriminantAnalysis(),
            QuadraticDiscriminantAnalysis(),
            GaussianNB(),
            RidgeClassifier(),
            LinearSVC(),
            SVC(),
            MLPClassifier((5,), max_iter=5000, tol=1e-2, random_state=0),
            KNeighborsClassifier(algorithm="brute"),
        ],
        ids=lambda classifier: type(classifier).__name__,
    )
    def test_pipelines_predict_the_same(self, tmp_path, classifier):
        model = make_pipeline(Layer(), StandardScaler(), classifier).fit(X, Y)
        loaded = persistence.load(saved(tmp_path / "model.skops", model))
        assert np.array_equal(loaded.predict(X), model.predict(X))
        for method in ("decision_function", "predict_proba"):
            assert hasattr(loaded, method) == hasattr(model, method)
            if hasattr(model, method):
                assert np.array_equal(getattr(loaded, method)(X), getattr(model, method)(X))

    def test_nested_pipelines_and_passthrough(self, tmp_path):
        model = make_pipeline("passthrough", make_pipeline(Layer()), StandardScaler()).fit(X)
        loaded = persistence.load(saved(tmp_path / "model.skops", model))
        assert np.array_equal(loaded.transform(X), model.transform(X))

    def test_paths_may_be_strings_with_any_letters(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        saved("größe π")
        assert isinstance(persistence.load("größe π"), Layer)

    def test_the_file_tells_its_format_and_version(self, tmp_path):
        with zipfile.ZipFile(saved(tmp_path / "model.skops")) as archive:
            written = json.loads(archive.read("equibook.json"))
        assert written == {"format": persistence.FORMAT, "equibook": equibook.__version__}

    def test_another_process_loads_the_file(self, tmp_path):
        path = saved(tmp_path / "model.skops")
        code = (
            f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
            "from equibook import persistence\n"
            f"persistence.MODELS |= {{'{Layer.__module__}.Layer'}}\n"
            "persistence.TRUSTED |= persistence.MODELS\n"
            f"print(type(persistence.load({str(path)!r})).__name__)"
        )
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert result.stdout == "Layer\n"


@pytest.fixture(scope="module")
def digits():
    images, labels = equibook.datasets.load_digits(classes=(3, 8), size=32)
    return images[:80], np.array(["eight", "three"])[(labels[:80] == 3).astype(int)]


NOT_SAVED = {"equibook.learned.NetworkClassifier"}  # it holds a torch module, and the function that makes it


class TestRealModels:
    @pytest.mark.parametrize("name", CLASSIFIERS)
    def test_every_score_stays_to_the_last_bit(self, tmp_path, digits, name):
        images, labels = digits
        model = GlassBoxClassifier(name).fit(images[:50], labels[:50])
        loaded = persistence.load(saved(tmp_path / "model.skops", model))
        for method in ("predict", "decision_function", "novelty", "predict_proba"):
            assert hasattr(loaded, method) == hasattr(model, method)
            if hasattr(model, method):
                assert np.array_equal(getattr(loaded, method)(images), getattr(model, method)(images))

    @pytest.mark.parametrize(
        "parameters", [{}, {"invariant": "power", "translation": "centre"}, {"translation": "pool"}]
    )
    def test_layer_1_alone(self, tmp_path, digits, parameters):
        images, _ = digits
        layer = Representation(**parameters).fit(images)
        features, names = layer.transform(images[:5]), layer.get_feature_names_out()
        loaded = persistence.load(saved(tmp_path / "model.skops", layer))
        assert np.array_equal(loaded.transform(images[:5]), features)
        assert np.array_equal(
            loaded.transform(images[:5].astype("float64")), layer.transform(images[:5].astype("float64"))
        )
        assert list(loaded.get_feature_names_out()) == list(names)
        assert loaded.get_params() == layer.get_params()

    def test_explanations_come_back(self, tmp_path, digits):
        images, labels = digits
        model = GlassBoxClassifier().fit(images[:50], labels[:50])
        loaded = persistence.load(saved(tmp_path / "model.skops", model))
        before, after = model.explain(images[:2]), loaded.explain(images[:2])
        assert after.pixels == pytest.approx(before.pixels, rel=1e-11, abs=1e-14)
        assert after.features == pytest.approx(before.features, rel=1e-11, abs=1e-14)

    def test_the_layers_in_a_pipeline_of_their_own(self, tmp_path, digits):
        images, labels = digits
        model = make_pipeline(Representation(invariant="k0"), Reduction(10), SVC()).fit(images, labels)
        loaded = persistence.load(saved(tmp_path / "model.skops", model))
        assert np.array_equal(loaded.predict(images), model.predict(images))

    def test_pixels_in_the_place_of_layer_1(self, tmp_path, digits):
        images, labels = digits
        model = GlassBoxClassifier("ridge", representation=Pixels()).fit(images[:50], labels[:50])
        loaded = persistence.load(saved(tmp_path / "model.skops", model))
        assert np.array_equal(loaded.predict(images), model.predict(images))

    def test_torch_modules_stay_out_of_the_file(self, tmp_path, digits):
        images, _ = digits
        layer = Representation(invariant="k0").fit(images)
        path = saved(tmp_path / "model.skops", layer)
        with zipfile.ZipFile(path) as archive:
            assert b"torch" not in archive.read("schema.json")
        assert path.stat().st_size < 200_000

    @pytest.mark.parametrize("name", sorted(persistence.TRUSTED))
    def test_every_listed_type_exists_and_does_nothing_on_its_own_when_loaded(self, name):
        module, _, type_name = name.rpartition(".")
        listed = getattr(importlib.import_module(module), type_name)
        assert f"{listed.__module__}.{listed.__qualname__}" == name
        own = [base for base in listed.__mro__ if base.__module__.startswith("equibook.")]
        assert not any({"__setstate__", "__new__", "__reduce__", "__reduce_ex__"} & vars(base).keys() for base in own)

    def test_every_estimator_of_the_package_is_listed(self):
        modules = [path.stem for path in Path(equibook.__file__).parent.glob("*.py") if path.stem != "__init__"]
        found = set()
        for module in [importlib.import_module(f"equibook.{name}") for name in modules]:
            own = {name: value for name, value in vars(module).items() if not name.startswith("_")}
            found |= {
                f"{value.__module__}.{name}"
                for name, value in own.items()
                if isinstance(value, type) and issubclass(value, BaseEstimator) and value.__module__ == module.__name__
            }
        assert "equibook.representation.Representation" in found
        assert found - NOT_SAVED == {name for name in persistence.MODELS if name.startswith("equibook.")}

    def test_what_holds_functions_is_refused(self, tmp_path):
        with pytest.raises(TypeError, match="state_dict"):
            equibook.save(equibook.learned.NetworkClassifier(), tmp_path / "model.skops")


PLACE = "the place of the payload"


def json_node(text):
    return {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": json.dumps(text)}


def tuple_node(*nodes):
    return {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": list(nodes)}


def call_node(module, name, *arguments):
    """Return what skops reads as: call this with these arguments."""
    arguments = tuple_node(*map(json_node, arguments))
    return {"__class__": name, "__module__": module, "__loader__": "ConstructorFromReduceNode", "content": arguments}


def function_node(module, name):
    return {"__class__": name, "__module__": module, "__loader__": "FunctionNode"}


def put_payload(path, payload):
    """Write the file of a model that has something else in one of its parameters."""
    saved(path, Layer(extra=PLACE))
    with zipfile.ZipFile(path) as archive:
        schema = json.loads(archive.read("schema.json"))

    def replaced(node):
        if isinstance(node, list):
            return [replaced(part) for part in node]
        if not isinstance(node, dict):
            return node
        if node.get("content") == json.dumps(PLACE):
            return payload
        return {key: replaced(part) for key, part in node.items()}

    changed = replaced(schema)
    assert changed != schema
    rewrite(path, schema_json=json.dumps(changed))
    return path


def payloads(canary):
    """Return payloads that touch the canary while they are loaded, and the type that must be named."""
    touch, quoted = f'"{sys.executable}" -c "open({str(canary)!r}, \'w\')"', str(canary)
    state = {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": {}}
    keys = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": []}
    string = {"__class__": "str", "__module__": "builtins", "__loader__": "TypeNode"}
    state |= {"content": {"path": json_node(quoted)}, "key_types": keys | {"content": [string]}}
    method = {"__class__": "Foreign", "__module__": Foreign.__module__, "__loader__": "ObjectNode", "content": state}
    caller = {"__class__": "methodcaller", "__module__": "operator", "__loader__": "OperatorFuncNode"}
    return {
        "os.system": call_node("os", "system", touch),
        "builtins.open": call_node("builtins", "open", quoted, "w"),
        "builtins.exec": call_node("builtins", "exec", f"open({quoted!r}, 'w').close()"),
        f"{Foreign.__module__}.Foreign": method,
        "operator.methodcaller": caller | {"attrs": tuple_node(call_node("pathlib", "Path", quoted))},
    }


RUNNING = ["os.system", "builtins.exec", f"{__name__}.Foreign"]


class TestForeignFiles:
    @pytest.mark.parametrize("name", payloads("canary"))
    def test_a_file_that_would_run_something_is_refused_and_nothing_runs(self, tmp_path, name):
        canary = tmp_path / "canary"
        path = put_payload(tmp_path / "model.skops", payloads(canary)[name])
        assert_refuses(lambda: persistence.load(path), f"`path` must hold known types only, got {name}")
        assert not canary.exists()

    @pytest.mark.parametrize("name", RUNNING)
    def test_the_payloads_are_alive(self, tmp_path, name):
        """Whoever trusts all that the file names runs it: the test above can fail."""
        canary = tmp_path / "canary"
        data = put_payload(tmp_path / "model.skops", payloads(canary)[name]).read_bytes()
        skops.io.loads(data, trusted=[*skops.io.get_untrusted_types(data=data), f"{Layer.__module__}.Layer"])
        assert canary.exists()

    def test_no_module_is_imported_for_a_refused_type(self, tmp_path, monkeypatch):
        (tmp_path / "equibook_canary.py").write_text("raise SystemExit('imported')\n")
        monkeypatch.syspath_prepend(tmp_path)
        path = put_payload(tmp_path / "model.skops", call_node("equibook_canary", "anything"))
        assert_refuses(lambda: persistence.load(path), "got equibook_canary.anything in")
        assert "equibook_canary" not in sys.modules

    @pytest.mark.parametrize("function", [function_node("os", "system"), function_node("builtins", "eval")])
    def test_functions_are_refused(self, tmp_path, function):
        name = f"{function['__module__']}.{function['__class__']}"
        path = put_payload(tmp_path / "model.skops", function)
        assert_refuses(lambda: persistence.load(path), f"must hold known types only, got {name} in")

    def test_methods_of_trusted_types_are_refused(self, tmp_path):
        owner = {"__class__": "Layer", "__module__": Layer.__module__, "__loader__": "ObjectNode"}
        method = owner | {"__loader__": "MethodNode", "content": {"func": "fit", "obj": owner}}
        path = put_payload(tmp_path / "model.skops", method)
        assert_refuses(
            lambda: persistence.load(path), f"must hold known types only, got {Layer.__module__}.Layer.fit in"
        )

    @pytest.mark.parametrize(
        "foreign",
        [
            DecisionTreeClassifier().fit(X, Y),
            KNeighborsClassifier(algorithm="kd_tree").fit(X, Y),
            functools.partial(np.add, 1),
            operator.itemgetter(0),
            Foreign("nowhere"),
        ],
        ids=lambda foreign: type(foreign).__name__,
    )
    def test_foreign_objects_are_refused_on_both_ways(self, tmp_path, foreign):
        model, path = Layer(extra=foreign), tmp_path / "model.skops"
        assert_refuses(lambda: persistence.save(model, path), "must hold numbers, arrays and est", TypeError)
        assert not path.exists()
        path.write_bytes(persistence._with_format(skops.io.dumps(model)))
        assert_refuses(lambda: persistence.load(path), "`path` must hold known types only, got ")

    def test_all_foreign_types_are_named(self, tmp_path):
        path = put_payload(tmp_path / "model.skops", tuple_node(function_node("os", "system"), call_node("b", "c")))
        assert_refuses(lambda: persistence.load(path), "got b.c, os.system in ")


class TestWrongFiles:
    def test_a_newer_format(self, tmp_path):
        path = saved(tmp_path / "model.skops")
        number = persistence.FORMAT + 1
        rewrite(path, equibook_json=json.dumps({"format": number, "equibook": "9.9"}), schema_json="")
        message = f"`path` must hold format {persistence.FORMAT} or an older one, got format {number} of equibook 9.9"
        assert_refuses(lambda: persistence.load(path), message)

    def test_an_older_format_is_read(self, tmp_path):
        path = saved(tmp_path / "model.skops")
        rewrite(path, equibook_json=json.dumps({"format": 0, "equibook": "0.0.1"}))
        assert isinstance(persistence.load(path), Layer)

    def test_a_newer_protocol_of_skops(self, tmp_path):
        path = saved(tmp_path / "model.skops")
        with zipfile.ZipFile(path) as archive:
            schema = json.loads(archive.read("schema.json"))
        rewrite(path, schema_json=json.dumps(schema | {"protocol": 999}))
        assert_refuses(lambda: persistence.load(path), "You might need to update skops")

    @pytest.mark.parametrize("model", [StandardScaler(), {"a": 1}, make_pipeline(StandardScaler())])
    def test_trusted_types_that_are_no_model(self, tmp_path, model):
        path = tmp_path / "model.skops"
        path.write_bytes(persistence._with_format(skops.io.dumps(model)))
        message = f"`path` must hold an equibook estimator or a Pipeline with one, got {type(model).__name__} in"
        assert_refuses(lambda: persistence.load(path), message)

    def test_archives_of_others(self, tmp_path):
        path = saved(tmp_path / "model.skops")
        rewrite(path, equibook_json=None)
        assert_refuses(lambda: persistence.load(path), "written by `equibook.save`, got another kind of archive at")

    @pytest.mark.parametrize(
        ("content", "got"),
        [
            (b"", "an empty file"),
            (b"Plain text.\n", "another kind of file"),
            (pickle.dumps(Layer()), "a pickle, which could run code and is not read, at"),
        ],
        ids=["empty", "text", "pickle"],
    )
    def test_files_of_another_kind(self, tmp_path, content, got):
        path = tmp_path / "model.skops"
        path.write_bytes(content)
        assert_refuses(lambda: persistence.load(path), f"must be a file written by `equibook.save`, got {got}")

    def test_a_pickle_is_not_run(self, tmp_path):
        class Payload:
            def __reduce__(self):
                return open, (str(tmp_path / "canary"), "w")

        path = tmp_path / "model.skops"
        path.write_bytes(pickle.dumps(Payload()))
        assert_refuses(lambda: persistence.load(path), "got a pickle")
        assert not (tmp_path / "canary").exists()

    @pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
    def test_truncated_files(self, tmp_path, kept):
        path = saved(tmp_path / "model.skops")
        data = path.read_bytes()
        path.write_bytes(data[: int(kept * len(data))])
        assert_refuses(lambda: persistence.load(path), "written by `equibook.save`, got a part of one only at")

    def test_every_flipped_byte_is_found_or_harmless(self, tmp_path):
        path, layer = tmp_path / "model.skops", Layer().fit(X)
        data = saved(path, layer).read_bytes()
        n_refused = 0
        for position in range(0, len(data), len(data) // 60):
            path.write_bytes(data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :])
            try:
                assert np.array_equal(persistence.load(path).transform(X), layer.transform(X))
            except ValueError as error:
                assert THREE_PARTS.match(str(error)), str(error)
                n_refused += 1
        assert n_refused > 30

    @pytest.mark.parametrize(
        "members",
        [
            {"schema_json": None},
            {"schema_json": "[1]"},
            {"schema_json": "{"},
            {"schema_json": "[" * 100_000},
            {"schema_json": '{"protocol": 2}'},
            {"equibook_json": "{}"},
            {"equibook_json": "[1]"},
            {"equibook_json": '{"format": "new", "equibook": 1}'},
        ],
        ids=repr,
    )
    def test_damaged_members(self, tmp_path, members):
        path = saved(tmp_path / "model.skops")
        rewrite(path, **members)
        assert_refuses(lambda: persistence.load(path), "`path` must be whole, got a damaged file at")

    def test_no_file(self, tmp_path):
        assert_refuses(lambda: persistence.load(tmp_path / "none"), "`path` must be an existing file, got nothing at")
        assert_refuses(lambda: persistence.load(tmp_path), "`path` must be an existing file, got a folder at")

    def test_no_permission(self, tmp_path, monkeypatch):
        path = saved(tmp_path / "model.skops")
        monkeypatch.setattr(Path, "read_bytes", refuse)
        assert_refuses(lambda: persistence.load(path), "`path` must be readable, got 'Permission denied' for", OSError)


def refuse(*args, **kwargs):
    raise PermissionError(13, "Permission denied")


class TestSaving:
    @pytest.mark.parametrize(
        "model",
        [SVC(), make_pipeline(StandardScaler(), SVC()), {"model": Layer()}, None, Layer],
        ids=lambda model: type(model).__name__,
    )
    def test_only_models_are_saved(self, tmp_path, model):
        message = (
            f"`model` must be an equibook estimator or a scikit-learn Pipeline with one, got {type(model).__name__}."
        )
        assert_refuses(lambda: persistence.save(model, tmp_path / "model.skops"), message, TypeError)
        assert list(tmp_path.iterdir()) == []

    def test_a_subclass_could_not_be_loaded_and_is_not_saved(self, tmp_path):
        class Mine(Layer):
            pass

        assert_refuses(lambda: persistence.save(Mine(), tmp_path / "model.skops"), "got Mine. Save", TypeError)
        model = type("Mine", (Pipeline,), {"__module__": __name__})([("layer", Layer())])
        assert_refuses(lambda: persistence.save(model, tmp_path / "m"), f"only, got {__name__}.Mine. Take", TypeError)

    @pytest.mark.parametrize("extra", [lambda: None, np.sum, FunctionTransformer(os.system), io.BytesIO(), {(1, 2): 3}])
    def test_contents_that_cannot_be_loaded_are_not_saved(self, tmp_path, extra):
        message = "`model` must hold numbers, arrays and estimators only, got "
        assert_refuses(lambda: persistence.save(Layer(extra=extra), tmp_path / "model.skops"), message, TypeError)
        assert list(tmp_path.iterdir()) == []

    def test_no_folder(self, tmp_path):
        message = f"`path` must lie in an existing folder, got {str(tmp_path / 'none')!r}. Create"
        assert_refuses(lambda: persistence.save(Layer(), tmp_path / "none" / "model.skops"), message)
        assert_refuses(lambda: persistence.save(Layer(), tmp_path), "`path` must name a file, got the folder")

    @pytest.mark.parametrize("path", [io.BytesIO(), None, 3])
    def test_no_path(self, path):
        message = f"`path` must be a string or a path, got {type(path).__name__}. Pass"
        assert_refuses(lambda: persistence.save(Layer(), path), message, TypeError)
        assert_refuses(lambda: persistence.load(path), message, TypeError)

    def test_a_folder_that_may_only_be_read(self, tmp_path, monkeypatch):
        monkeypatch.setattr(Path, "open", refuse)
        message = "`path` must be writable, got 'Permission denied' for"
        assert_refuses(lambda: persistence.save(Layer(), tmp_path / "model.skops"), message, OSError)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError])
    @pytest.mark.parametrize("step", ["fsync", "replace"])
    def test_an_interrupted_save_leaves_the_old_file_whole(self, tmp_path, monkeypatch, step, interruption):
        def interrupt(*args):
            raise interruption

        path = saved(tmp_path / "model.skops", Layer(extra="old"))
        before = path.read_bytes()
        monkeypatch.setattr(os, step, interrupt)
        with pytest.raises(interruption):
            persistence.save(Layer(extra="new"), path)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]

    def test_an_old_file_is_replaced_and_nothing_else_is_left(self, tmp_path):
        path = saved(tmp_path / "model.skops", Layer(extra="old"))
        saved(path, Layer(extra="new"))
        assert persistence.load(path).extra == "new"
        assert list(tmp_path.iterdir()) == [path]

    def test_a_link_stays_a_link(self, tmp_path):
        target, link = saved(tmp_path / "model.skops", Layer(extra="old")), tmp_path / "link"
        try:
            link.symlink_to(target)
        except OSError:
            pytest.skip("this system lets nobody make links")
        saved(link, Layer(extra="new"))
        assert link.is_symlink()
        assert persistence.load(target).extra == "new"

    @pytest.mark.skipif(os.name != "posix", reason="permissions in octal are POSIX")
    def test_others_may_read_the_file_as_any_new_file(self, tmp_path):
        (tmp_path / "plain").touch()
        assert saved(tmp_path / "model.skops").stat().st_mode == (tmp_path / "plain").stat().st_mode

    def test_the_model_stays(self, tmp_path):
        layer = Layer().fit(X)
        before = dict(vars(layer))
        saved(tmp_path / "model.skops", layer)
        assert vars(layer) == before
