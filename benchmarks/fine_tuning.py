"""What does fine-tuning teach AlexNet of turns? `python benchmarks/fine_tuning.py`: by images, upright and turned.

The convolutional trunk with its own last layer, trained on 1000 upright digits (see `equibook.networks`), is trained
further on 20 to 400 of the digits that it has not seen, and tested on 397 others, upright and each turned by a random
angle. "frozen": what stands up to pool2 stays; "whole": everything is trained. The recipe is the one with which the
trunk was trained, 20 epochs of AdamW with one cycle of the learning rate, so that nothing is chosen here. Beside it,
from the same images, all upright: features of pool5 and of the glass box, PCA and the linear discriminant.
"""

import argparse
import time
from itertools import product

import numpy as np
from report import print_table, write_json
from sklearn.model_selection import train_test_split

from equibook import Representation, alexnet, networks
from equibook.probes import read_out, tune_by_size
from equibook.train_networks import split_digits, turn_at_random

SIZES, NAME = (20, 50, 100, 200, 400), "alexnet_trunk"
FROZEN = {"frozen up to pool2": "pool2", "whole": None}
SHOWN = {"upright": False, "turned": True}


def pool5(images):
    """Return the features of AlexNet's last pooling layer, (n_samples, 256)."""
    net = alexnet.load("digits")
    return alexnet.stages(net, alexnet.preprocess(images, "digits"), "pool5")["pool5"].reshape(len(images), -1)


def tune(learn, tests, y_learn, y_test, rounds):
    """Return accuracies {what was trained on what: {test: (n_sizes, n_rounds)}}, and the seconds of each."""
    trunk, X = networks.load(NAME), networks.preprocess(NAME, learn)
    prepared = {name: networks.preprocess(NAME, images) for name, images in tests.items()}
    found, seconds = {}, {}
    for (part, frozen), (shown, turned) in product(FROZEN.items(), SHOWN.items()):
        label, start = f"{part}, shown {shown}", time.perf_counter()
        options = {"sizes": SIZES, "n_splits": rounds, "frozen": frozen, "turned": turned, "epochs": 20}
        by_test = tune_by_size(trunk, X, y_learn, prepared, y_test, label=label, **options)
        found[label] = {test: one.accuracies[label] for test, one in by_test.items()}
        seconds[label] = (time.perf_counter() - start) / rounds
        print(f"{label}: {seconds[label]:.0f} s a round", flush=True)
    return found, seconds


def read(learn, tests, small, y_learn, y_test, rounds):
    """Return the same accuracies of a linear discriminant on features."""
    box = Representation().fit(small["train"])
    parts = {"train": learn, **tests}
    features = {
        "features of pool5, lda": {name: pool5(images) for name, images in parts.items()},
        "glass box, lda": {name: box.transform(images) for name, images in small.items()},
    }
    by_test = read_out(features, y_learn, y_test, sizes=SIZES, n_splits=rounds)
    return {kind: {test: one.accuracies[kind] for test, one in by_test.items()} for kind in features}


def cell(rounds):
    """Return mean and deviation over rounds in per cent."""
    return f"{100 * np.mean(rounds):.1f} ± {100 * np.std(rounds):.1f}"


def main():
    """Run all, print the tables and write fine_tuning.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", default="fine_tuning.json")
    args = parser.parse_args()
    _, large, _, y = split_digits(NAME)
    _, small, _, _ = split_digits("lenet")
    learn, test = train_test_split(np.arange(len(y)), train_size=400, stratify=y, random_state=0)
    tests = {"upright": large[test], "turned": turn_at_random(large[test])}
    of_box = {"train": small[learn], "upright": small[test], "turned": turn_at_random(small[test])}
    found = read(large[learn], tests, of_box, y[learn], y[test], args.rounds)
    tuned, seconds = tune(large[learn], tests, y[learn], y[test], args.rounds)
    found |= tuned
    for name in tests:
        rows = [[kind, *(cell(one) for one in accuracies[name])] for kind, accuracies in found.items()]
        print_table(f"Accuracy in per cent, tested {name}", ["training images", *map(str, SIZES)], rows)
    listed = {kind: {name: one.tolist() for name, one in parts.items()} for kind, parts in found.items()}
    write_json(args.output, {"sizes": SIZES, "accuracy": listed, "seconds a round": seconds})


if __name__ == "__main__":
    main()
