"""Glass blocks in front of a learned head, beside learned networks: `python benchmarks/learned_heads.py`.

Networks with about as many weights (see `equibook.learned`) learn from 100, 300 or 1000 upright digits and are tested
on the 797 others of `train_networks.split_digits`, upright, and each turned by a random angle. A seed draws images to
learn from among the 1000, the part set aside for early stopping (a fifth), the start and the order. All networks are
shown as many images (`--shows`, over all epochs). Each has the learning rate with which the loss on the part set aside
was lowest, of four, once, on 300 training images; no test image is used for a choice. FashionMNIST and CIFAR-10 follow
where torchvision has them or can get them, with 1000 images for training and 1000 for the test.
"""

import argparse
import time
from functools import partial

import numpy as np
import torch
from report import print_table, write_json
from scipy.stats import t as student
from sklearn.model_selection import train_test_split

from equibook import actions, datasets
from equibook.learned import NetworkClassifier, build_glass, build_group, build_plain, count_weights
from equibook.train_networks import split_digits, turn_at_random

RATES = (0.0003, 0.001, 0.003, 0.01)
SIZES = (100, 300, 1000)


def turn(images, rng):
    """Turn each image by an angle of its own."""
    return actions.rotate(images, rng.uniform(0, 360, len(images)))


NETWORKS = {
    "glass": partial(NetworkClassifier, build_glass),
    "plain": partial(NetworkClassifier, build_plain),
    "group": partial(NetworkClassifier, build_group),
    "plain, shown turned": partial(NetworkClassifier, build_plain, augment=turn),
}


def load_downloaded(name):
    """Return 1000 training and 1000 test images of a data set of torchvision, or None where it cannot be had."""
    try:
        parts = [datasets.load_torchvision(name, train=train) for train in (True, False)]
    except (OSError, RuntimeError, ValueError) as error:
        print(f"\n{name}: left out, {str(error).splitlines()[0][:100]}", flush=True)
        return None
    drawn = [train_test_split(X, y, train_size=1000, stratify=y, random_state=0) for X, y in parts]
    (X_train, _, y_train, _), (X_test, _, y_test, _) = drawn
    return X_train, X_test, y_train, y_test


def draw(X, y, n, seed):
    """Return n of the training images, as many of each class."""
    if n == len(y):
        return X, y
    rows, _ = train_test_split(np.arange(len(y)), train_size=n, stratify=y, random_state=seed)
    return X[rows], y[rows]


def choose_rate(make, X, y, shows):
    """Return the learning rate with the lowest loss on the part set aside."""
    drawn = draw(X, y, 300, 0)
    models = {rate: make(learning_rate=rate, max_epochs=shows // 300).fit(*drawn) for rate in RATES}
    return min(RATES, key=lambda rate: models[rate].history_[:, 1].min())


def try_one(make, rate, data, n, seed, shows):
    """Return the errors upright and turned, the weights, the epoch kept and the seconds of training."""
    X, X_test, y, y_test = data
    start = time.perf_counter()
    model = make(learning_rate=rate, max_epochs=shows // n, random_state=seed).fit(*draw(X, y, n, seed))
    seconds = time.perf_counter() - start
    errors = [1 - model.score(images, y_test) for images in (X_test, turn_at_random(X_test))]
    return [*errors, count_weights(model.network_), model.best_epoch_ + 1, seconds]


def interval(values):
    """Return the mean in per cent and the half width of its 95 % interval over seeds."""
    half = student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{100 * np.mean(values):.1f} ± {100 * half:.1f}"


def compare(data, sizes, seeds, shows):
    """Return a dict from (network, size) to figures, printing each as it comes."""
    found = {}
    rates = {name: choose_rate(make, data[0], data[2], shows) for name, make in NETWORKS.items()}
    print("learning rates:", rates, flush=True)
    for n in sizes:
        for name, make in NETWORKS.items():
            rows = np.array([try_one(make, rates[name], data, n, seed, shows) for seed in range(seeds)])
            upright, turned, *_, seconds = rows.T
            found[f"{name}, {n}"] = dict(
                zip(("upright", "turned", "weights", "epochs", "seconds"), rows.T.tolist(), strict=True),
                learning_rate=rates[name],
            )
            print(n, name, interval(upright), interval(turned), f"{seconds.mean():.1f} s", flush=True)
    return found


def main():
    """Run all, print the tables and write learned_heads.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--shows", type=int, default=40000, help="images shown in training, over all epochs")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", default="learned_heads.json")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    given = {"digits": split_digits("lenet")} | {name: load_downloaded(name) for name in ("FashionMNIST", "CIFAR10")}
    figures = {}
    for name, data in given.items():
        if data is None:
            continue
        figures[name] = compare(data, args.sizes, args.seeds, args.shows)
        rows = [
            [
                *(key, f"{f['weights'][0]:.0f}", interval(f["upright"]), interval(f["turned"])),
                *(f"{f['learning_rate']:g}", f"{np.mean(f['epochs']):.0f}", f"{np.mean(f['seconds']):.1f}"),
            ]
            for key, f in figures[name].items()
        ]
        columns = ["network, images", "weights", "error upright, %", "error turned, %", "rate", "epoch kept", "seconds"]
        print_table(f"Errors on {name}: mean and 95 % interval over {args.seeds} seeds", columns, rows)
    write_json(args.output, figures)


if __name__ == "__main__":
    main()
