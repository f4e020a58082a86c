"""Where the glass box should not be used, in figures: `python benchmarks/limits.py [--seeds 5]`.

Trained on upright images, against pixels with the same Layer 2 and classifier: digits that are shifted, digits among
pieces of others, images whose class is which way they stand, 6 and 9, and letters of printed text.
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from report import print_table, write_json
from scipy.stats import t
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from equibook import GlassBoxClassifier, Representation, actions, datasets
from equibook.representation import Pixels
from equibook.screening import USUAL, foreignness

SIDES = {
    "pixels": Pixels(),
    "glass box": Representation(),
    "glass box, centre": Representation(translation="centre"),
}
CLASSIFIER = "rbf_svm"
SHIFTS = (0, 2, 4, 6, 8)  # pixels
CLUTTER = (0, 1, 2, 4, 8)  # pieces of other digits
FACES = ("DejaVuSans", "DejaVuSansMono", "DejaVuSerif")  # each in four cuts; matplotlib brings them along
LETTERS = "abcdefghijklmnopqrstuvwxyz"
ALIKE = "bdpqnu"  # each of them is another one when it is turned or mirrored


def digits(seed, n_train=1000):
    """Return training and test images of ten digits, 24 x 24 in the middle of 48 x 48: there is room to move them."""
    X, y = datasets.load_digits(size=32)
    X = np.pad(X, ((0, 0), (0, 0), (8, 8), (8, 8)))
    return train_test_split(X, y, train_size=n_train, stratify=y, random_state=seed)


def shift(X, distance, rng):
    """Shift every image by whole pixels, each in a direction of its own."""
    direction = rng.uniform(0, 2 * np.pi, len(X))
    return actions.translate(X, np.round(distance * np.stack([np.cos(direction), np.sin(direction)], axis=1)))


def clutter(X, n_pieces, rng):
    """Add pieces of 8 x 8 pixels of other images at random places along the border, where no digit lies."""
    X = X.copy()
    size, side = X.shape[-1], 8
    for image in X:
        for _ in range(n_pieces):
            other = X[rng.integers(len(X)), :, 12:36, 12:36]
            a, b = rng.integers(0, 24 - side, 2)
            along, edge = rng.integers(0, size - side), rng.integers(4)
            row, column = [(0, along), (size - side, along), (along, 0), (along, size - side)][edge]
            place = image[:, row : row + side, column : column + side]
            np.maximum(place, other[:, a : a + side, b : b + side], out=place)
    return X


def scores(seed):
    """Return accuracies of each side: {task: {amount: {side: accuracy}}}."""
    X_train, X_test, y_train, y_test = digits(seed)
    rng = np.random.default_rng(seed)
    angles = rng.uniform(0, 360, len(X_test))
    tests = {("turned", ""): actions.rotate(X_test, angles)}
    tests |= {("shifted, pixels", d): shift(X_test, d, rng) for d in SHIFTS}
    tests |= {("clutter, pieces", n): clutter(X_test, n, rng) for n in CLUTTER}
    found = {task: {} for task in tests}
    for side, block in SIDES.items():
        model = GlassBoxClassifier(CLASSIFIER, representation=block, random_state=seed).fit(X_train, y_train)
        for task, images in tests.items():
            found[task][side] = float(model.score(images, y_test))
    return found


def flagged(seed):
    """Return the share of images that `equibook predict` would call foreign, by the number of pieces in them."""
    X_train, X_test, y_train, _ = digits(seed)
    model = GlassBoxClassifier("lda", random_state=seed).fit(X_train, y_train)
    rng = np.random.default_rng(seed)
    return {n: float(np.mean(foreignness(model, clutter(X_test, n, rng)) > USUAL)) for n in (0, 1, 2)}


def orientation(seed):
    """Return accuracies where the class is the orientation: upright digits against the same upside down."""
    X, y = datasets.load_digits()
    keep = np.isin(y, (2, 3, 4, 6, 7))  # those that half a turn does not bring near themselves
    train, test = train_test_split(X[keep], train_size=200, random_state=seed)

    def both(images):
        return np.concatenate([images, actions.rotate(images, 180)]), np.repeat([0, 1], len(images))

    found = {}
    for side in ("pixels", "glass box"):
        model = GlassBoxClassifier(CLASSIFIER, representation=SIDES[side], random_state=seed).fit(*both(train))
        found[side] = float(model.score(*both(test)))
    found["phases of the glass box"] = _by_phases(both(train), both(test))
    return found


def _by_phases(train, test):
    """Return the accuracy of a linear classifier of the coefficients themselves, which keep what a turn does."""
    layer = Representation().fit(train[0])

    def read(images):
        with torch.no_grad():
            coefficients = layer.coefficients(images)
        flat = np.asarray(coefficients).reshape(len(images), -1)
        return np.concatenate([flat.real, flat.imag], axis=1)

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    return float(model.fit(read(train[0]), train[1]).score(read(test[0]), test[1]))


def pair(seed, angle):
    """Return accuracies on 6 against 9, trained on 100 upright images; the test is turned by an angle."""
    X, y = datasets.load_digits(classes=(6, 9))
    X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=100, stratify=y, random_state=seed)
    test = actions.rotate(X_test, angle)
    return {
        side: float(GlassBoxClassifier(representation=SIDES[side]).fit(X_train, y_train).score(test, y_test))
        for side in ("pixels", "glass box")
    }


def draw_letter(letter, face, rng, cut_out):
    """Draw a letter of a random size, 32 x 32: where it stands on its line, or cut out and put into the middle."""
    font = ImageFont.truetype(face, int(rng.integers(38, 47)))
    left, top, right, bottom = font.getbbox(letter, anchor="ls")
    ascent, descent = font.getmetrics()
    middle = (top + bottom) / 2 if cut_out else (descent - ascent) / 2
    image = Image.new("L", (64, 64))
    ImageDraw.Draw(image).text((32 - (left + right) / 2, 32 - middle), letter, 255, font, anchor="ls")
    return np.asarray(image.resize((32, 32), Image.Resampling.BOX), dtype=np.float32)[None] / 255


def text(seed, *, cut_out, n_each=4):
    """Return accuracies on letters of faces that were not trained on: all letters, and those that look alike turned."""
    rng = np.random.default_rng(seed)
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    faces = rng.permutation([str(path) for name in FACES for path in sorted(fonts.glob(f"{name}[-.]*"))])
    half = len(faces) // 2

    def draw(some):
        drawn = [(draw_letter(c, face, rng, cut_out), c) for face in some for c in LETTERS for _ in range(n_each)]
        return np.stack([image for image, _ in drawn]), np.array([c for _, c in drawn])

    (X_train, y_train), (X_test, y_test) = draw(faces[:half]), draw(faces[half:])
    alike = np.isin(y_test, list(ALIKE))
    found = {}
    for side in ("pixels", "glass box"):
        model = GlassBoxClassifier("lda", representation=SIDES[side], random_state=seed).fit(X_train, y_train)
        right = model.predict(X_test) == y_test
        found[side] = {"all letters": float(right.mean()), " ".join(ALIKE): float(right[alike].mean())}
    return found


def mean_and_half(values):
    """Return the mean, and half of the 95 % interval over seeds."""
    values = np.array(values)
    return float(values.mean()), float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5)


def show(figure):
    return f"{100 * figure[0]:.1f} ± {100 * figure[1]:.1f}"


def rows_of(table):
    return [
        [" ".join(map(str, key)).strip() if isinstance(key, tuple) else key, *map(show, by_side.values())]
        for key, by_side in table.items()
    ]


def main():
    """Run all, print the table and write limits.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", default="limits.json")
    args = parser.parse_args()
    runs = [scores(seed) for seed in range(args.seeds)]
    table = {task: {side: mean_and_half([run[task][side] for run in runs]) for side in SIDES} for task in runs[0]}
    print_table(
        f"Ten digits in 48 x 48, 1000 upright images, {CLASSIFIER}: accuracy, %", ["tested", *SIDES], rows_of(table)
    )
    told = [flagged(seed) for seed in range(args.seeds)]
    foreign = {n: mean_and_half([run[n] for run in told]) for n in told[0]}
    rows = [[f"flagged, pieces {n}", show(figure)] for n, figure in foreign.items()]
    print_table("Called foreign by `equibook predict`, lda: %", ["images", "share"], rows)
    turns = [orientation(seed) for seed in range(args.seeds)]
    which_way = {side: mean_and_half([run[side] for run in turns]) for side in turns[0]}
    rows = [[side, show(figure)] for side, figure in which_way.items()]
    print_table("Upright or upside down? 2, 3, 4, 6, 7; 200 digits both ways: accuracy, %", ["side", "accuracy"], rows)
    sixes = {angle: [pair(seed, angle) for seed in range(args.seeds)] for angle in (0, 180)}
    pairs = {f"turned by {a}°": {k: mean_and_half([r[k] for r in runs]) for k in runs[0]} for a, runs in sixes.items()}
    print_table("6 against 9, 100 upright images, nearest mean: accuracy, %", ["test", *SIDES][:3], rows_of(pairs))
    letters = {}
    for name, cut_out in {"on the line": False, "cut out": True}.items():
        texts = [text(seed, cut_out=cut_out) for seed in range(args.seeds)]
        for which in texts[0]["pixels"]:
            by_side = {side: mean_and_half([run[side][which] for run in texts]) for side in texts[0]}
            letters[f"{name}, {which}"] = by_side
    print_table("Letters of unseen faces, upright, lda: accuracy, %", ["letters", *SIDES][:3], rows_of(letters))
    named = {" ".join(map(str, task)).strip(): by_side for task, by_side in table.items()}
    write_json(
        args.output,
        {"tests": named, "foreign": foreign, "orientation": which_way, "6 and 9": pairs, "letters": letters},
    )


if __name__ == "__main__":
    main()
