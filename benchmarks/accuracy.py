"""Accuracy of the glass box on digits, photographs and shapes: `python benchmarks/accuracy.py [--seeds 5]`.

Set-up: scikit-learn's digits enlarged to 24 x 24 in 32 x 32; for every seed a random split and one uniform random angle
an image; Layers 2 and 3 as `GlassBoxClassifier` has them by default. Defaults were chosen by cross-validation in the
1000 training images of the ten-digit split of seed 0, and no test image of that split was looked at. As in any repeated
random split, test images of other seeds and of the pairs are among those 1000: the figure of seed 0 is therefore given
by itself as well.
"""

import argparse
from itertools import combinations

import numpy as np
from report import print_table, write_json

from equibook import actions, datasets, measure
from equibook.classifiers import CLASSIFIERS, WHITENED, make_classifier
from equibook.reduction import Reduction
from equibook.representation import Pixels, Representation

MODELS = {
    "pixels": Pixels(),
    "default": Representation(),
    "power": Representation(invariant="power"),
    "cross, centre": Representation(invariant="cross", translation="centre"),
}
SETTINGS = {"upright → turned": (0, 1), "turned → turned": (1, 1), "upright → upright": (0, 0)}


def turned_copies(X, seed):
    """Return the images, each turned by its own random angle."""
    return actions.rotate(X, np.random.default_rng(1000 + seed).uniform(0, 360, len(X)))


def accuracies(names, train, y_train, test, y_test):
    """Return the accuracy of classifiers on features, {name: figure}, with the layers of `GlassBoxClassifier`.

    One PCA serves all: whitened components are components over their deviations.
    """
    reduction = Reduction().fit(train)
    Z, Z_test = reduction.transform(train), reduction.transform(test)
    deviations = np.sqrt(reduction.pca_.explained_variance_)
    found = {}
    for name in names:
        units = deviations if name in WHITENED else np.ones_like(deviations)
        kept = slice(min(np.unique(y_train, return_counts=True)[1]) // 2 if name == "qda" else None)
        classifier = make_classifier(name).fit((Z / units)[:, kept], y_train)
        found[name] = float(classifier.score((Z_test / units)[:, kept], y_test))
    return found


def pairs(features, y, seed):
    """Return the accuracy on each of the 45 pairs of digits, 100 training images, nearest mean: {pair: figure}."""
    results = {}
    for pair in combinations(range(10), 2):
        rows = np.random.default_rng(seed).permutation(np.flatnonzero(np.isin(y, pair)))
        train, test = rows[:100], rows[100:]
        found = accuracies(["nearest_mean"], features[0][train], y[train], features[1][test], y[test])
        results[pair] = found["nearest_mean"]
    return results


def ten_digits(features, y, seed, n):
    """Return accuracies on ten digits, n training images, tested on 797 others."""
    rows = np.random.default_rng(seed).permutation(len(y))
    train, test = rows[:n], rows[1000:]
    found = accuracies(CLASSIFIERS, features[0][train], y[train], features[1][test], y[test])
    return {f"ten digits, {n} images, {name}": figure for name, figure in found.items()}


def on_digits(seeds):
    """Return accuracies: {what: {setting: {model: one figure a seed}}}; and of pairs: {model: {pair: figures}}."""
    X, y = datasets.load_digits()
    upright = {label: model.fit_transform(X) for label, model in MODELS.items()}
    figures, by_pair = {}, {}
    for seed in range(seeds):
        turned = {label: model.transform(turned_copies(X, seed)) for label, model in MODELS.items()}
        for setting, (of_train, of_test) in SETTINGS.items():
            for label in MODELS:
                features = [(upright, turned)[i][label] for i in (of_train, of_test)]
                of_pairs = pairs(features, y, seed)
                found = {"45 pairs, 100 images, nearest_mean": float(np.mean(list(of_pairs.values())))}
                if setting == "upright → turned":
                    for pair, figure in of_pairs.items():
                        by_pair.setdefault(label, {}).setdefault(pair, []).append(figure)
                for n in (100, 300, 1000):
                    found |= ten_digits(features, y, seed, n)
                for task, figure in found.items():
                    figures.setdefault(task, {}).setdefault(setting, {}).setdefault(label, []).append(figure)
        print(f"seed {seed} done", flush=True)
    return figures, by_pair


def on_other_data(seeds):
    """Return accuracies of one default on the other data, upright training, turned test: {data: {model: figures}}."""
    X, y = datasets.load_photographs(part="train")
    X_test, y_test = datasets.load_photographs(part="test")
    figures = {}
    for seed in range(seeds):
        S, s = datasets.load_shapes(600, random_state=seed)
        splits = {
            "photographs, 260 patches (2 classes)": (X, y, turned_copies(X_test, seed), y_test),
            "shapes, 300 images (11 classes)": (S[:300], s[:300], turned_copies(S[300:], seed), s[300:]),
        }
        for data, (train, y_train, test, truth) in splits.items():
            for label, model in MODELS.items():
                features = model.fit_transform(train), model.transform(test)
                found = accuracies(("nearest_mean", "lda", "rbf_svm"), features[0], y_train, features[1], truth)
                for name, figure in found.items():
                    figures.setdefault(f"{data}, {name}", {}).setdefault(label, []).append(figure)
    return figures


def on_layers():
    """Return invariance errors and Fisher ratios on turned digits: {model: {what: figure}}."""
    X, y = datasets.load_digits()
    turned = turned_copies(X, 0)
    figures = {}
    for label, model in MODELS.items():
        features, of_turned = model.fit_transform(X), model.transform(turned)
        error = np.linalg.norm(of_turned - features, axis=1) / np.linalg.norm(features, axis=1)
        other = np.linalg.norm(np.roll(features, 1, axis=0) - features, axis=1) / np.linalg.norm(features, axis=1)
        reduction = Reduction(200).fit(features[:1000])
        layers = {
            "Layer 1, standardised": measure.class_separation(reduction.scaler_.transform(of_turned), y),
            "PCA": measure.class_separation(reduction.transform(of_turned), y),
        }
        figures[label] = {
            "invariance error, median": float(np.median(error)),
            "invariance error, worst": float(error.max()),
            "different images, median": float(np.median(other)),
        }
        for layer, found in layers.items():
            for name in ("intra", "inter", "ratio", "fisher"):
                figures[label][f"after {layer}: {name}"] = float(getattr(found, name))
    return figures


def percent(values):
    """Return mean and standard deviation over seeds, and the figure of seed 0, in per cent."""
    return f"{100 * np.mean(values):.2f} ± {100 * np.std(values):.2f} ({100 * values[0]:.2f})"


def main():
    """Run all, print the tables and write accuracy.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", default="accuracy.json")
    args = parser.parse_args()
    (digits, by_pair), other, layers = on_digits(args.seeds), on_other_data(args.seeds), on_layers()
    columns = ["accuracy in per cent: mean ± deviation (seed 0)", *MODELS]
    for setting in SETTINGS:
        rows = [[task, *map(percent, found[setting].values())] for task, found in digits.items()]
        print_table(f"Digits, {setting}", columns, rows)
    for label, found in by_pair.items():
        rows = [
            [a, *(f"{100 * np.mean(found[min(a, b), max(a, b)]):.1f}" if a != b else "" for b in range(10))]
            for a in range(10)
        ]
        print_table(f"Pairs of digits, upright → turned, mean over seeds: {label}", ["", *map(str, range(10))], rows)
    rows = [[data, *map(percent, found.values())] for data, found in other.items()]
    print_table("Other embedded data, upright → turned", columns, rows)
    names = next(iter(layers.values()))
    rows = [[name, *(f"{layers[label][name]:.4f}" for label in MODELS)] for name in names]
    print_table("Turned digits, ten classes", ["measure", *MODELS], rows)
    named = {label: {f"{a}, {b}": each for (a, b), each in found.items()} for label, found in by_pair.items()}
    write_json(args.output, {"digits": digits, "pairs": named, "other": other, "layers": layers})


if __name__ == "__main__":
    main()
