"""Does a second lift earn its cost? `python benchmarks/second_lift.py`: tried by validation, and left out.

The lifted maps are lifted again to every wider scale (scattering of order 2); turns of both orientations together are
averaged, the angle between them is kept, and the maps are read in polar harmonics: real parts of k = 0, magnitudes of
the others. Only data for training are used: the 1000 training digits of the ten-digit split of seed 0, the training
half of the photographs. Models are fitted to upright images and validated on others, turned by random angles.
"""

import argparse
import time
from itertools import combinations

import numpy as np
import torch
from report import print_table, write_json
from torch import nn

from equibook import Representation, actions, datasets
from equibook.equivariant import EquivariantLayer, PolarHarmonics, modulus
from equibook.glassbox import fit_layers

SCALES, N_ORIENTATIONS = (0.8, 1.6, 3.2), 8


class SecondLift(nn.Module):
    """From images (n, n_channels, size, size) to invariant numbers of order 2."""

    def __init__(self, size):
        super().__init__()
        plain = EquivariantLayer(size)
        self.register_buffer("window", plain.window)
        self.lifting = plain.lifting
        self.harmonics = PolarHarmonics(size, 1, max_orientation_frequency=0)
        self.still = torch.tensor([m == 0 for _, m, _ in self.harmonics.readings])

    def forward(self, images):
        n, n_channels, size, _ = images.shape
        lifted = self.lifting(images * self.window).reshape(n * n_channels, len(SCALES), N_ORIENTATIONS, size, size)
        found = [self.read(lifted[:, j], k) for j, k in combinations(range(len(SCALES)), 2)]
        return torch.cat(found, dim=1).reshape(n, -1)

    def read(self, maps, k):
        """Lift maps of one scale (n, L, size, size) to scale k; return (n, L * n_readings)."""
        again = modulus(self.lifting._correlate(maps.flatten(0, 1)[:, None], k))
        again = again.unflatten(0, maps.shape[:2])  # (n, L, L, size, size)
        steps = torch.arange(N_ORIENTATIONS)
        between = [again[:, steps, (steps + i) % N_ORIENTATIONS].mean(dim=1) for i in steps]
        coefficients = self.harmonics(torch.stack(between, dim=1)[:, :, None])
        return torch.where(self.still, coefficients.real, coefficients.abs()).flatten(1)


def second_order(images):
    """Return numbers of order 2, and the seconds that they took."""
    lift = SecondLift(images.shape[-1]).float()
    start = time.perf_counter()
    with torch.inference_mode():
        found = torch.cat([lift(batch) for batch in torch.from_numpy(images).split(64)]).numpy()
    return found, time.perf_counter() - start


def first_order(images, **options):
    """Return the features of a Representation, and the seconds that they took."""
    layer = Representation(**options).fit(images)
    layer.transform(images[:1])
    start = time.perf_counter()
    return layer.transform(images), time.perf_counter() - start


def errors(upright, turned, y, name, n_train, rounds):
    """Return the mean error over random splits."""
    found = []
    for seed in range(rounds):
        rows = np.random.default_rng(seed).permutation(len(y))
        train, test = rows[:n_train], rows[n_train:]
        reduction, classifier = fit_layers(name, upright[train], y[train])
        found.append(1 - classifier.score(reduction.transform(turned[test]), y[test]))
    return float(np.mean(found))


def compare(X, y, options, tasks, rounds):
    """Return errors by features and task, and the seconds of both orders: {features: {what: figure}}."""
    turned = actions.rotate(X, np.random.default_rng(5).uniform(0, 360, len(X)))
    (first, seconds_1), (second, seconds_2) = first_order(X, **options), second_order(X)
    of_turned = first_order(turned, **options)[0], second_order(turned)[0]
    kinds = {
        "order 1": (first, of_turned[0]),
        "order 2": (second, of_turned[1]),
        "both": (np.hstack([first, second]), np.hstack(of_turned)),
    }
    return {
        kind: {"features": data[0].shape[1]}
        | {f"{name}, {n} images": errors(*data, y, name, n, rounds) for name, n in tasks}
        | {"seconds of order 1": seconds_1, "seconds of order 2": seconds_2}
        for kind, data in kinds.items()
    }


def cell(what, value):
    """Return one figure as it stands in the table."""
    if what == "features":
        return f"{value}"
    return f"{value:.1f}" if "seconds" in what else f"{100 * value:.2f}"


def main():
    """Run all, print the tables and write second_lift.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--output", default="second_lift.json")
    args = parser.parse_args()
    X, y = datasets.load_digits()
    rows = np.random.default_rng(0).permutation(len(y))[:1000]
    photographs, temple = datasets.load_photographs(part="train")
    runs = {
        "digits": (X[rows], y[rows], {}, [("lda", 300), ("rbf_svm", 300), ("lda", 750), ("rbf_svm", 750)]),
    }
    for label, options in {
        "default": {},
        "power": {"invariant": "power"},
        "k0, pooled": {"invariant": "k0", "translation": "pool"},
    }.items():
        tasks = [("nearest_mean", 130), ("rbf_svm", 130)]
        runs[f"photographs, {label}"] = (photographs, temple, options, tasks)
    figures = {}
    for name, (images, labels, options, tasks) in runs.items():
        figures[name] = compare(images, labels, options, tasks, args.rounds)
        columns = list(figures[name]["both"])
        rows = [[kind, *(cell(what, value) for what, value in found.items())] for kind, found in figures[name].items()]
        print_table(f"Validation error in per cent, {name}", ["features", *columns], rows)
    write_json(args.output, figures)


if __name__ == "__main__":
    main()
