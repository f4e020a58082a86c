"""What can be read back from Layer 1: `python benchmarks/readout.py [--samples 300]`.

Pose: each digit is turned by a random angle; the angle is read from the phases of both images' coefficients.
Rebuilding: digits of 24 x 24 in 32 x 32 from their order-0 coefficients, in closed form. Searching: digits of 16 x 16
from their invariants, up to a turn. Explanations: the gap between parts and score, and between the map of a turned
image and the turned map, for every classifier.
"""

import argparse

import numpy as np
from report import print_table, write_json

from equibook import GlassBoxClassifier, Representation, actions, datasets
from equibook.classifiers import CLASSIFIERS
from equibook.invariant import INVARIANTS
from equibook.reconstruction import ImageHarmonics, peak_signal_to_noise, search_images

SEED = 0


def summary(values):
    """Return median and 95th percentile."""
    return {"median": float(np.median(values)), "95 %": float(np.percentile(values, 95))}


def apart(a, b):
    """Return the size of the difference of angles in degrees."""
    return np.abs((a - b + 180) % 360 - 180)


def poses(X):
    """Return errors of angles in degrees."""
    rng = np.random.default_rng(SEED)
    angles = rng.uniform(-180, 180, len(X))
    layer, turned = Representation().fit(X), actions.rotate(X, angles)
    before, after = layer.pose(X), layer.pose(turned)
    return {
        "pose of the turned against pose of the upright image": summary(apart(after.angle, before.angle + angles)),
        "relative angle of both": summary(apart(layer.relative_angle(X, turned).angle, angles)),
    }


def rebuilt(X):
    """Return the numbers kept and the PSNR in dB: {(rings, frequencies): figures}."""
    found = {}
    for n_rings, max_frequency in ((6, 5), (8, 8), (10, 8), (12, 10), (12, 12), (16, 14)):
        harmonics = ImageHarmonics(32, n_rings=n_rings, max_frequency=max_frequency)
        psnr = peak_signal_to_noise(X, harmonics.rebuild(harmonics.read(X)))
        found[n_rings, max_frequency] = harmonics.n_numbers, float(np.median(psnr)), float(np.percentile(psnr, 5))
    return found


def searched(n_samples, n_steps):
    """Return mismatch of invariants and error of the image, medians: {invariant: figures}."""
    X, _ = datasets.load_digits(size=16)
    X = X[np.random.default_rng(SEED).permutation(len(X))[:n_samples]]
    found = {}
    for invariant in INVARIANTS:
        layer = Representation(invariant=invariant).fit(X)
        search = search_images(layer, X, n_steps=n_steps, random_state=SEED)
        found[invariant] = float(np.median(search.mismatch)), float(np.median(search.error))
    return found


def explained():
    """Return the largest gaps of explanations of turned digits in float32, by classifier."""
    X, y = datasets.load_digits(classes=(3, 8))
    order = np.random.default_rng(SEED).permutation(len(X))
    train, test = order[:100], order[100:160]
    found = {}
    for name in CLASSIFIERS:
        model = GlassBoxClassifier(name).fit(X[train], y[train])
        why, turned = model.explain(X[test]), model.explain(actions.rotate(X[test], 90))
        expected = actions.rotate(why.pixels, 90)
        found[name] = (
            float(why.gap().max() / np.abs(why.score).max()),
            float(np.abs(turned.pixels - expected).max() / np.abs(expected).max()),
        )
    return found


def main():
    """Run all, print the tables and write readout.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--searched", type=int, default=8)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--output", default="readout.json")
    args = parser.parse_args()
    X, _ = datasets.load_digits()
    X = X[np.random.default_rng(SEED).permutation(len(X))[: args.samples]]
    angles, images = poses(X), rebuilt(X)
    rows = [[name, f"{found['median']:.3f}", f"{found['95 %']:.2f}"] for name, found in angles.items()]
    print_table(f"Angles, {len(X)} digits", ["error in degrees", "median", "95th percentile"], rows)
    rows = [[*key, n, f"{median:.1f}", f"{low:.1f}"] for key, (n, median, low) in images.items()]
    columns = ["rings", "largest k", "numbers, of 1024 pixels", "PSNR, median, dB", "5th percentile"]
    print_table(f"Images rebuilt, {len(X)} digits", columns, rows)
    search = searched(args.searched, args.steps)
    rows = [[name, f"{mismatch:.4f}", f"{error:.2f}"] for name, (mismatch, error) in search.items()]
    columns = ["invariant", "its mismatch, median", "error of the image up to a turn, median"]
    print_table(f"Images searched, {args.searched} digits of 16 x 16, {args.steps} steps", columns, rows)
    gaps = explained()
    rows = [[name, f"{gap:.0e}", f"{turn:.0e}"] for name, (gap, turn) in gaps.items()]
    columns = ["classifier", "parts against the score", "map of the image turned by 90° against the turned map"]
    print_table("Explanations, float32 images, largest gap over the largest number", columns, rows)
    named = {f"{rings} rings, k up to {k}": figures for (rings, k), figures in images.items()}
    write_json(args.output, {"angles": angles, "rebuilt": named, "searched": search, "explained": gaps})


if __name__ == "__main__":
    main()
