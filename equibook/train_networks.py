"""Train the two CNNs of `networks` on upright digits: `python -m equibook.train_networks [NAME] [--output DIR]`.

Of the 1797 digits 1000 are trained on, the others give the accuracy on the card. The number of epochs and the learning
rate were chosen within the 1000. Images are shifted by whole pixels as they are shown, never turned.

Twice the same seed and number of threads give the same file, on the same machine with the same versions. `lenet` is
trained in float64: there the rounding errors in which machines differ stay far below what the float32 file can hold. In
float32 they grow, within some epochs, to other weights that read as well; so it is with `alexnet_trunk`.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, TensorDataset
from tqdm.auto import tqdm

from equibook._checks import check_choice, check_labels, check_positive_int
from equibook._files import write_whole
from equibook.actions import rotate
from equibook.datasets import load_digits
from equibook.networks import INPUT, NAMES, build, preprocess

N_TRAIN = 1000
OUTPUT = Path("equibook-weights")
GREY_STEPS = 16 * 54**2  # grey levels are 16ths; the weights of the bicubic enlargement to 32 pixels, twice 54ths
PACKAGES = ("numpy", "safetensors", "scikit-learn", "torch")


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: by AdamW, the learning rate rising to its largest and falling again (one cycle).

    Parameters
    ----------
    epochs, batch_size : int
    learning_rate : float
        The largest.
    shift : int
        Each image is shifted by at most so many pixels, along each axis, whenever it is shown.
    label_smoothing : float
        The share of a label that is spread over all classes.
    trained_in, stored_in : torch.dtype

    Examples
    --------
    >>> from equibook.train_networks import RECIPES, Recipe
    >>> Recipe(epochs=1, batch_size=20, learning_rate=0.001, shift=2).trained_in, RECIPES["lenet"].trained_in
    (torch.float32, torch.float64)
    """

    epochs: int
    batch_size: int
    learning_rate: float
    shift: int
    label_smoothing: float = 0.1
    trained_in: torch.dtype = torch.float32
    stored_in: torch.dtype = torch.float32


RECIPES = {
    "lenet": Recipe(epochs=30, batch_size=50, learning_rate=0.008, shift=2, trained_in=torch.float64),
    "alexnet_trunk": Recipe(epochs=20, batch_size=25, learning_rate=0.001, shift=3, stored_in=torch.float16),
}


def split_digits(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Load the digits in a network's size and split them, always in the same way, with as many of each digit.

    Parameters
    ----------
    name : {"lenet", "alexnet_trunk"}

    Returns
    -------
    X_train, X_test : float32 ndarrays of shape (1000, 1, size, size) and (797, 1, size, size)
    y_train, y_test : int ndarrays of shape (1000,) and (797,)

    Examples
    --------
    >>> from equibook.train_networks import split_digits
    >>> X_train, X_test, y_train, y_test = split_digits("lenet")
    >>> X_train.shape, X_test.shape
    ((1000, 1, 32, 32), (797, 1, 32, 32))
    """
    X, y = load_digits(size=INPUT[check_choice(name, NAMES, name="name")][1])
    X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=N_TRAIN, stratify=y, random_state=0)
    return X_train, X_test, y_train, y_test


def train(
    name: str,
    images: Any,
    labels: Any,
    *,
    recipe: Recipe | None = None,
    random_state: int = 0,
    n_threads: int = 1,
) -> nn.Sequential:
    """Train a network.

    Parameters
    ----------
    name : {"lenet", "alexnet_trunk"}
    images : ndarray or Tensor of shape (n_samples, n_channels, size, size)
        Of the network's size, with a black border as wide as the largest shift.
    labels : array-like of shape (n_samples,)
        Integers from 0 to 9.
    recipe : Recipe, optional
        That of `RECIPES` by default.
    random_state : int
        Draws the start, the order and the shifts. torch's global generator is left as it was.
    n_threads : int
        Of torch, while this runs. Another number may give other last bits.

    Returns
    -------
    nn.Sequential
        In evaluation mode, with weights in float32, rounded to what is stored.

    Examples
    --------
    One epoch on few digits: enough to see that weights come back, too little to read.

    >>> from equibook import datasets
    >>> from equibook.train_networks import Recipe, train
    >>> X, y = datasets.load_digits(size=32)
    >>> recipe = Recipe(epochs=1, batch_size=20, learning_rate=0.001, shift=2)
    >>> network = train("lenet", X[:40], y[:40], recipe=recipe)
    >>> network.training, tuple(network.conv1.weight.shape)
    (False, (6, 1, 5, 5))
    """
    recipe = recipe or RECIPES[check_choice(name, NAMES, name="name")]
    generator = torch.Generator().manual_seed(random_state)
    network = build(name, random_state=random_state, dtype=recipe.trained_in)
    data = TensorDataset(*_training_data(name, images, labels, recipe))
    batches = DataLoader(data, batch_size=recipe.batch_size, shuffle=True, generator=generator)
    with _torch_threads(n_threads), torch.enable_grad():
        _fit(network, batches, recipe, generator, description=name)
    return network.to(recipe.stored_in).float().eval()


def accuracy(name: str, network: nn.Module, images: Any, labels: Any) -> float:
    """Return the share of images that a network reads rightly.

    Parameters
    ----------
    name : {"lenet", "alexnet_trunk"}
    network : nn.Module
    images : ndarray or Tensor of shape (n_samples, n_channels, size, size)
    labels : array-like of shape (n_samples,)

    Returns
    -------
    float from 0 to 1

    Examples
    --------
    >>> from equibook import datasets, networks
    >>> from equibook.train_networks import accuracy
    >>> X, y = datasets.load_digits(size=32)
    >>> accuracy("lenet", networks.load("lenet"), X[:100], y[:100]) > 0.9
    True
    """
    x = preprocess(name, images)
    with torch.no_grad():
        scores = torch.cat([network(batch) for batch in x.split(100)])
    return float(np.mean(scores.argmax(1).numpy() == check_labels(labels, len(x))))


def turn_at_random(images: np.ndarray, *, random_state: int = 0) -> np.ndarray:
    """Turn each image by an angle of its own, uniform from 0 to 360 degrees.

    Parameters
    ----------
    images : ndarray of shape (n_samples, n_channels, height, width)
    random_state : int

    Returns
    -------
    ndarray of the shape given

    Examples
    --------
    LeNet has learned upright digits only.

    >>> from equibook import datasets, networks
    >>> from equibook.train_networks import accuracy, turn_at_random
    >>> X, y = datasets.load_digits(size=32)
    >>> turned = turn_at_random(X[:100])
    >>> turned.shape, accuracy("lenet", networks.load("lenet"), turned, y[:100]) < 0.7
    ((100, 1, 32, 32), True)
    """
    return rotate(images, np.random.default_rng(random_state).uniform(0, 360, len(images)))


def write(name: str, network: nn.Module, folder: Path, **about: Any) -> str:
    """Write weights and card; the card comes last, so that a stop between the two is noticed by `networks.load`.

    Parameters
    ----------
    name : {"lenet", "alexnet_trunk"}
    network : nn.Module
    folder : Path
        Made if missing.
    **about : object
        What else the card says.

    Returns
    -------
    str
        The sha256 of the file of weights.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from equibook import networks
    >>> from equibook.train_networks import write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sha256 = write("lenet", networks.build("lenet"), Path(folder), epochs=0)
    ...     card = networks.card("lenet", folder)
    >>> card["epochs"], card["sha256"] == sha256
    (0, True)
    """
    kind = RECIPES[check_choice(name, NAMES, name="name")].stored_in
    weights = {key: values.detach().to(kind).contiguous() for key, values in network.state_dict().items()}
    data = safetensors.torch.save(weights, metadata={"network": name})  # of several entries the order would be chance
    facts = {
        "name": name,
        "file": f"{name}.safetensors",
        "sha256": hashlib.sha256(data).hexdigest(),
        "n_weights": sum(values.numel() for values in weights.values()),
        "input": dict(zip(("channels", "size"), INPUT[name], strict=True)) | {"range": [0, 1]},
        **about,
        "versions": {package: version(package) for package in PACKAGES},
    }
    write_whole(folder / f"{name}.safetensors", data)
    write_whole(folder / f"{name}.json", (json.dumps(facts, indent=2) + "\n").encode())
    return str(facts["sha256"])


def _train_and_write(name: str, folder: Path, *, random_state: int = 0, n_threads: int = 1) -> dict[str, Any]:
    """Train a network as it comes with the package, test what was written, and say so on the card.

    Parameters
    ----------
    name : {"lenet", "alexnet_trunk"}
    folder : Path
    random_state, n_threads : int
        As in `train`.

    Returns
    -------
    dict
        The row of the table: network, epochs, accuracy, accuracy_turned, seconds, sha256.
    """
    if random_state < 0:
        raise ValueError(f"`random_state` must be 0 or above, got {random_state}. Choose such as 0.")
    X_train, X_test, y_train, y_test = split_digits(name)
    turned, started = turn_at_random(X_test, random_state=random_state), time.perf_counter()
    network = train(name, X_train, y_train, random_state=random_state, n_threads=n_threads)
    seconds = time.perf_counter() - started
    found = {
        "accuracy": accuracy(name, network, X_test, y_test),
        "accuracy_turned": accuracy(name, network, turned, y_test),
    }
    about = _about(name, len(y_train), len(y_test), random_state, n_threads)
    sha256 = write(name, network, folder, **about, **found)
    return {"network": name, "epochs": RECIPES[name].epochs, **found, "seconds": seconds, "sha256": sha256}


def main(argv: Sequence[str] | None = None) -> int:
    """Train, write weights and cards, and print a table.

    Parameters
    ----------
    argv : sequence of str, optional
        Options; by default those of the command line.

    Returns
    -------
    int
        0, or 2 where it cannot be done.

    Examples
    --------
    >>> import tempfile
    >>> from equibook.train_networks import main
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     main(["lenet", "--output", folder, "--seed", "-1"])  # no seed is below 0: nothing is trained
    network          epochs  held-out digits  turned at random  seconds  sha256
    2
    """
    args = _make_parser().parse_args(argv)
    print(f"{'network':16}{'epochs':>7}{'held-out digits':>17}{'turned at random':>18}{'seconds':>9}  sha256")
    try:
        _make_folder(args.output)
        for name in NAMES if args.name is None else (args.name,):
            row = _train_and_write(name, args.output, random_state=args.seed, n_threads=args.threads)
            numbers = f"{row['epochs']:7}{row['accuracy']:17.2%}{row['accuracy_turned']:18.2%}{row['seconds']:9.1f}"
            print(f"{name:16}{numbers}  {row['sha256'][:12]}", flush=True)
    except (OSError, ValueError) as error:
        print(f"equibook.train_networks: {error}", file=sys.stderr)
        return 2
    print(f"\nWeights and cards: {args.output.resolve()}")
    return 0


def _make_folder(folder: Path) -> None:
    """Make the folder before anything is trained for it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        need = f"`output` must be a folder that can be written to, got {str(folder)!r} ({error.strerror})"
        raise OSError(f"{need}. Choose another place with --output.") from error


def _training_data(name: str, images: Any, labels: Any, recipe: Recipe) -> tuple[Tensor, Tensor]:
    x = preprocess(name, images).to(recipe.trained_in)
    if recipe.trained_in == torch.float64:
        # Digits of 32 pixels are whole multiples of 1/46656: this takes away the float32 rounding of the enlargement,
        # in which versions of torch differ.
        x = (x * GREY_STEPS).round() / GREY_STEPS
    return x, torch.from_numpy(check_labels(labels, len(x))).long()


def _fit(
    network: nn.Module, batches: DataLoader, recipe: Recipe, generator: torch.Generator, *, description: str
) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate)
    schedule = OneCycleLR(optimizer, max_lr=recipe.learning_rate, total_steps=recipe.epochs * len(batches))
    for _ in tqdm(range(recipe.epochs), desc=description, unit="epoch", delay=1, leave=False):
        for images, labels in batches:
            scores = network(_shift(images, recipe.shift, generator))
            loss = nn.functional.cross_entropy(scores, labels, label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def _shift(images: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Shift each image by whole pixels; what leaves on one side, which is black, enters on the other."""
    shifts = torch.randint(-most, most + 1, (len(images), 2), generator=generator).tolist()
    return torch.stack([image.roll(shift, dims=(1, 2)) for image, shift in zip(images, shifts, strict=True)])


@contextmanager
def _torch_threads(n_threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(check_positive_int(n_threads, name="n_threads"))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _about(name: str, n_train: int, n_test: int, seed: int, n_threads: int) -> dict[str, Any]:
    size, recipe = INPUT[name][1], asdict(RECIPES[name])
    dtypes = {key: str(recipe.pop(key)).removeprefix("torch.") for key in ("trained_in", "stored_in")}
    return {
        "data": f"scikit-learn's digits, upright, as equibook.datasets.load_digits(size={size}) returns them",
        "n_train": n_train,
        "n_test": n_test,
        "seed": seed,
        "threads": n_threads,
        **recipe,
        **dtypes,
    }


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m equibook.train_networks", description="Train the small CNNs of equibook.networks on digits."
    )
    parser.add_argument("name", nargs="?", choices=NAMES, metavar="NAME", help=f"{' or '.join(NAMES)} (default: both)")
    parser.add_argument(
        "--output", type=Path, default=OUTPUT, metavar="DIR", help="weights, cards (default: ./%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of start, order and shifts (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of torch while it trains (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
