"""Are results equal from run to run, and with one thread and two? `python tests/harden_runs.py` prints a table.

Each run is a process of its own. `compute` is what a process computes; the rest starts processes and compares.
Docs: `docs/robustness.md`.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
RUN = "import sys; from equibook.cli import main; sys.exit(main())"
Numbers = dict[str, np.ndarray]


def glass_box(seed: int = 0, name: str = "nearest_mean") -> Numbers:
    """Fit a glass box and read turned digits: scores, predictions, an explanation."""
    import equibook as eq

    X, y = eq.datasets.load_digits(classes=(3, 8))
    model = eq.GlassBoxClassifier(name, random_state=seed).fit(X[:100], y[:100])
    turned = eq.actions.rotate(X[100:160], 77)
    why = model.explain(turned[:4])
    found = {"scores": model.decision_function(turned), "predictions": model.predict(turned)}
    return found | {"parts of features": why.features, "parts of pixels": why.pixels}


def perceptron(seed: int = 0) -> Numbers:
    """Do the same with the multilayer perceptron, the one classifier that draws lots."""
    return glass_box(seed, "mlp")


def small_perceptron(seed: int = 0) -> Numbers:
    """Fit a perceptron on pixels: quick, and it draws lots."""
    import equibook as eq

    X, y = eq.datasets.load_digits(classes=(3, 8), size=24)
    model = eq.GlassBoxClassifier("mlp", representation=eq.representation.Pixels(), random_state=seed)
    return {"scores": model.fit(X[:100], y[:100]).decision_function(X[100:])}


def probing(seed: int = 0) -> Numbers:
    """Probe a small network with weights that come with the package."""
    import equibook as eq

    X, _ = eq.datasets.load_digits()
    net = eq.networks.load("lenet")
    found = eq.probes.fitted_equivariance(net, X[:60], X[60:90], "rot90", ["0"], random_state=seed)
    cka = eq.probes.cka(net, X[:40], lambda x: eq.actions.rotate(x, 90), random_state=seed)
    lie = eq.probes.lie_derivative(net, X[:20], random_state=seed)
    return {"fitted": found.fitted, "shuffled": found.shuffled, "CKA": cka.similarity, "Lie derivative": lie.error}


def designs(seed: int = 0) -> Numbers:
    """Compare two designs of Layer 1."""
    import equibook as eq

    X, y = eq.datasets.load_digits()
    blocks = {"pixels": eq.representation.Pixels(), "glass box": eq.Representation()}
    found = eq.design.compare(blocks, X[:300], y[:300], n_splits=3, random_state=seed)
    return {"accuracies": found.accuracies, **found.separation}


def from_disk(seed: int = 0) -> Numbers:
    """Fit from features that lie on the disk."""
    import equibook as eq

    X, y = eq.datasets.load_digits()
    layer_1 = eq.Representation().fit(X[:1])
    with tempfile.TemporaryDirectory() as folder:
        eq.streaming.save_features(layer_1, X[:300], Path(folder) / "features.npy")
        features = np.load(Path(folder) / "features.npy", mmap_mode="r")
        model = eq.GlassBoxClassifier("lda", n_components=30, random_state=seed)
        model = eq.out_of_core.fit_from_features(model, layer_1, features, y[:300], batch_size=100)
        return {"scores": model.decision_function(X[300:400])}


def disturbed(seed: int = 0) -> Numbers:
    """Disturb images by noise, and read them by two classifiers."""
    import equibook as eq

    X, y = eq.datasets.load_digits(classes=(3, 8))
    model = eq.GlassBoxClassifier().fit(X[:100], y[:100])
    names = ("nearest_mean", "lda")
    found = eq.sensitivity.sensitivity(
        model, X, y, by="noise", amounts=(0.2, 0.4), classifiers=names, n_splits=2, random_state=seed
    )
    return dict(found.accuracies)


def training(seed: int = 0) -> Numbers:
    """Train a small CNN for one epoch."""
    from equibook import train_networks

    images, _, labels, _ = train_networks.split_digits("lenet")
    recipe = train_networks.Recipe(epochs=1, batch_size=50, learning_rate=1e-3, shift=1)
    net = train_networks.train("lenet", images[:500], labels[:500], recipe=recipe, random_state=seed)
    return {name: value.detach().numpy() for name, value in net.state_dict().items() if value.ndim}


def command_fit(seed: int = 0) -> Numbers:
    """Run `equibook fit` on a folder and read other digits with the model that it writes."""
    import equibook as eq

    X, y = eq.datasets.load_digits(classes=(3, 8))
    with tempfile.TemporaryDirectory() as name:
        folder, model = Path(name) / "images", Path(name) / "model.skops"
        eq.folders.write_folder(folder, X[:60], y[:60])
        command = [sys.executable, "-c", RUN, "fit", str(folder), "--model", str(model)]
        command += ["--report", str(Path(name) / "report.html"), "--random-state", str(seed)]
        subprocess.run(command, check=True, capture_output=True, cwd=name)
        fitted = eq.load(model)
        return {"scores": fitted.decision_function(fitted_input(fitted, X[60:100]))}


def fitted_input(model: object, X: np.ndarray) -> np.ndarray:
    """Return images of the size and channels of a fitted model."""
    import torch

    layer_1 = model.representation_
    x = torch.nn.functional.interpolate(torch.from_numpy(X), size=layer_1.size_, mode="bilinear", antialias=True)
    return x.repeat(1, layer_1.n_channels_ // x.shape[1], 1, 1).numpy()


JOBS: dict[str, Callable[[int], Numbers]] = {
    job.__name__: job
    for job in (glass_box, perceptron, small_perceptron, probing, designs, from_disk, disturbed, training, command_fit)
}


def in_new_process(job: str, *, threads: int = 1, seed: int = 0) -> Numbers:
    """Return what a job computes in a process of its own."""
    environment = os.environ | dict.fromkeys(THREADS, str(threads))
    command = [sys.executable, __file__, "--compute", job, "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2000:])
    with np.load(io.BytesIO(done.stdout)) as found:
        return dict(found)


def largest_difference(one: Numbers, other: Numbers) -> float:
    """Return the largest difference between two runs, over the largest number of that kind."""
    assert one.keys() == other.keys()
    gaps = [float(np.abs(one[k] - other[k]).max() / (np.abs(one[k]).max() or 1)) for k in one]
    return max(gaps)


def compare(job: str) -> dict[str, float]:
    """Return the largest differences: again, with two threads, with another seed."""
    first = in_new_process(job)
    others = {"again": {}, "2 threads": {"threads": 2}, "2 threads again": {"threads": 2}, "another seed": {"seed": 1}}
    return {title: largest_difference(first, in_new_process(job, **how)) for title, how in others.items()}


def main() -> int:
    """Print the table, or compute one job where a process is asked to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=", ".join(JOBS))
    parser.add_argument("--compute", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.compute:
        output = io.BytesIO()
        np.savez(output, **JOBS[args.compute](args.seed))
        sys.stdout.buffer.write(output.getvalue())
        return 0
    for job in args.jobs or JOBS:
        print(job, json.dumps(compare(job)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
