"""How well does class separation rank architectures? `python benchmarks/design.py [--seeds 5]`.

Blocks of many kinds (scales, rings, frequencies, invariants, translation, group, pixels) are compared by
`equibook.design.compare`: class separation, which trains nothing, against cross-validated accuracy. Digits: for every
seed other images, 250 of the 1000 of a training split; photographs: the 260 training patches, by other parts and turns.
Test images are used nowhere. "All seeds" are figures of blocks averaged over the seeds; its interval comes from blocks
drawn with replacement. "Accuracy of another seed" is what accuracy itself reaches as a measure: no other can be
expected to do better.
"""

import argparse
import time
from itertools import combinations

import numpy as np
from report import print_table, write_json
from scipy.stats import spearmanr

from equibook import datasets
from equibook.design import MEASURES, Comparison, compare
from equibook.representation import Pixels, Representation
from equibook.train_networks import turn_at_random

SCALES = ((0.8,), (3.2,), (0.8, 1.6), (0.8, 1.6, 3.2))
OTHERS = {
    "2 rings": {"n_rings": 2},
    "4 rings": {"n_rings": 4},
    "k ≤ 1": {"max_frequency": 1},
    "k ≤ 3": {"max_frequency": 3},
    "l = 0": {"max_orientation_frequency": 0},
    "centre": {"translation": "centre"},
    "pool": {"translation": "pool"},
    "O(2)": {"group": "O(2)"},
}


def all_blocks():
    """Return the blocks, and their kinds, {name: kind}."""
    blocks, kinds = {"pixels": Pixels()}, {"pixels": "pixels"}
    for invariant in ("average", "k0", "power", "cross"):
        for scales in SCALES:
            name = f"{invariant}, scales {', '.join(map(str, scales))}"
            blocks[name], kinds[name] = Representation(invariant=invariant, scales=scales), invariant
        for other, settings in OTHERS.items() if invariant in ("power", "cross") else ():
            name = f"{invariant}, {other}"
            blocks[name], kinds[name] = Representation(invariant=invariant, **settings), invariant
    for other in ("2 rings", "4 rings", "centre", "pool"):  # frequencies leave k0 as it is
        blocks[f"k0, {other}"], kinds[f"k0, {other}"] = Representation(invariant="k0", **OTHERS[other]), "k0"
    return blocks, kinds


def together(found):
    """Return one comparison of all seeds: separation and seconds averaged, accuracies side by side."""
    first = found[0]
    separation = {by: np.mean([one.separation[by] for one in found], axis=0) for by in MEASURES}
    accuracies = np.concatenate([one.accuracies for one in found], axis=1)
    seconds = np.mean([one.seconds for one in found], axis=0)
    return Comparison(first.names, first.n_features, separation, accuracies, seconds, first.classifier)


def study(blocks, images_of_seed, seeds, moved):
    """Return the comparison of every seed."""
    found = []
    for seed in range(seeds):
        X, y = images_of_seed(seed)
        act = (lambda images, seed=seed: turn_at_random(images, random_state=1000 + seed)) if moved else None
        found.append(compare(blocks, X, y, act=act, n_splits=3, random_state=seed))
    return found


def digits_of_seed(seed):
    """Return 250 digits of those 1000 that `accuracy.py` trains on in this seed."""
    X, y = datasets.load_digits()
    rows = np.random.default_rng(seed).permutation(len(y))[:250]
    return X[rows], y[rows]


def photographs_of_seed(seed):
    """Return the training patches."""
    return datasets.load_photographs(part="train")


def figures_of(found, kinds):
    """Return for every measure rank correlations and shortfall; for accuracy, those with another seed."""
    whole, within = together(found), {kind: [n for n in kinds if kinds[n] == kind] for kind in ("power", "cross")}
    figures = {}
    for by in MEASURES:
        correlation, low, high = whole.rank_correlation(by)
        figures[by] = {
            "all seeds": [correlation, low, high],
            "by seed": [one.rank_correlation(by)[0] for one in found],
            "without pixels": whole.select([name for name in whole.names if name != "pixels"]).rank_correlation(by),
            **{f"within {kind}": whole.select(names).rank_correlation(by) for kind, names in within.items()},
            "shortfall by seed": [one.shortfall(by) for one in found],
            "first choice": whole.names[int(whole.separation[by].argmax())],
        }
    pairs = combinations([one.accuracy for one in found], 2)
    figures["accuracy of another seed"] = [float(spearmanr(a, b).statistic) for a, b in pairs]
    return figures


def interval(figures):
    """Return a rank correlation with its interval as text."""
    correlation, low, high = figures
    return f"{correlation:.2f} ({low:.2f} to {high:.2f})"


def main():
    """Run all, print the tables and write design.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seeds-of-photographs", type=int, default=2)
    parser.add_argument("--output", default="design.json")
    args = parser.parse_args()
    blocks, kinds = all_blocks()
    figures = {}
    settings = (
        ("digits, upright", digits_of_seed, args.seeds, False),
        ("digits, turned", digits_of_seed, args.seeds, True),
        ("photographs, turned", photographs_of_seed, args.seeds_of_photographs, True),
    )
    for name, images_of_seed, seeds, moved in settings:
        start = time.perf_counter()
        found = study(blocks, images_of_seed, seeds, moved)
        figures[name] = figures_of(found, kinds)
        print(f"{name} took {time.perf_counter() - start:.0f} s", flush=True)
        whole = together(found)
        rows = [
            [
                label,
                interval(one["all seeds"]),
                f"{min(one['by seed']):.2f} to {max(one['by seed']):.2f}",
                interval(one["within power"]),
                interval(one["within cross"]),
                f"{one['first choice']}, {100 * np.mean(one['shortfall by seed']):.1f}",
            ]
            for by, label in MEASURES.items()
            for one in [figures[name][by]]
        ]
        columns = ["rank correlation with the accuracy of lda", "all seeds", "seed by seed", "within power"]
        columns += ["within cross", "first choice; mean of the points that first choices lie below the best"]
        print_table(f"{name}, {len(blocks)} blocks, {seeds} seeds", columns, rows)
        again = figures[name]["accuracy of another seed"]
        print(f"\nAccuracy of another seed: rank correlation {np.mean(again):.2f}" if again else "")
        best = whole.sort("accuracy")
        rows = [
            [block, best.n_features[i], *(f"{values[i]:.3f}" for values in best.separation.values()),
             f"{100 * best.accuracy[i]:.1f}", f"{best.seconds[i]:.2f}"]
            for i, block in enumerate(best.names)
        ]  # fmt: skip
        columns = ["block", "features", *MEASURES, "accuracy of lda in %", "s / 1000 images"]
        print_table(f"{name}, blocks by accuracy", columns, rows)
        figures[name]["blocks"] = {row[0]: [str(cell) for cell in row[1:]] for row in rows}
    write_json(args.output, figures)


if __name__ == "__main__":
    main()
