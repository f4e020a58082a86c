"""OrbitPCA against PCA of the explicitly augmented data: `python benchmarks/orbit_pca.py [--samples 300]`.

Same images, same components, same eigenvalues; time is the median of interleaved runs, memory the peak of what Python
and numpy allocate (tracemalloc).
"""

import argparse
import time
import tracemalloc

import numpy as np
from report import print_table, write_json
from sklearn.decomposition import PCA

from equibook import actions, datasets
from equibook.orbit_pca import GROUPS, OrbitPCA

N_COMPONENTS = 50


def closed_form(name, X):
    """Return the eigenvalues, largest first, by blocks."""
    return OrbitPCA(N_COMPONENTS, symmetry=name).fit(X).explained_variance_


def explicit(name, X):
    """Return the eigenvalues of scikit-learn's PCA of the images with all their copies, divided as OrbitPCA does."""
    augmented = np.concatenate([actions.act(g, X).reshape(len(X), -1) for g in GROUPS[name]])
    found = PCA(N_COMPONENTS, svd_solver="covariance_eigh").fit(augmented).explained_variance_
    return found * (len(augmented) - 1) / len(augmented)


def measure(run, *given):
    """Return seconds, peak MB, and what was found."""
    start = time.perf_counter()
    found = run(*given)
    seconds = time.perf_counter() - start
    tracemalloc.start()
    run(*given)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return seconds, peak, found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    rows, figures = [], {}
    for size in (16, 32, 48):
        X = datasets.load_digits(size=size)[0][: args.samples].astype(np.float64)
        for name in GROUPS:
            rounds = [(measure(closed_form, name, X), measure(explicit, name, X)) for _ in range(args.rounds)]
            ours, theirs = (
                np.median([[seconds, peak] for seconds, peak, _ in runs], axis=0) for runs in zip(*rounds, strict=True)
            )
            n_kept = len(rounds[0][0][2])
            gap = np.abs(rounds[0][0][2] / rounds[0][1][2][:n_kept] - 1).max()
            ratio = theirs / ours
            figures[f"{name}, {size} pixels"] = {
                "seconds": [ours[0], theirs[0]], "MB": [ours[1], theirs[1]], "largest relative gap": gap,
            }  # fmt: skip
            rows.append([f"{name}, {size} × {size}", f"{ours[0]:.3f}", f"{theirs[0]:.3f}", f"{ratio[0]:.1f}×",
                         f"{ours[1]:.1f}", f"{theirs[1]:.1f}", f"{ratio[1]:.1f}×", f"{gap:.0e}"])  # fmt: skip
    columns = ["images", "blocks, s", "copies, s", "ratio", "blocks, MB", "copies, MB", "ratio", "gap"]
    print_table(f"PCA over orbits, {args.samples} digits, {N_COMPONENTS} components", columns, rows)
    write_json("orbit_pca.json", figures)


if __name__ == "__main__":
    main()
