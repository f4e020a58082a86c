"""Train a trained network further, or its last layers, on upright or on turned images."""

import copy
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from tqdm.auto import tqdm

from equibook._checks import as_images, check_labels, check_positive_int
from equibook.actions import rotate
from equibook.probes.readouts import choose_rows
from equibook.probes.stages import run, split
from equibook.sensitivity import Sensitivity


def fine_tune(
    net: nn.Sequential,
    X: Any,
    y: Any,
    *,
    frozen: str | None,
    turned: bool = False,
    epochs: int = 10,
    batch_size: int = 25,
    learning_rate: float = 1e-3,
    random_state: int = 0,
) -> nn.Sequential:
    """Train the layers behind a stage further, or all, by AdamW with one cycle of the learning rate.

    Parameters
    ----------
    net : torch.nn.Sequential
        From images to one score for each class. It is left as it is.
    X : ndarray or Tensor of shape (n_samples, n_channels, size, size)
        As the network takes them.
    y : array-like of shape (n_samples,)
        Integers from 0 on, the places of the classes among the scores.
    frozen : str or None
        The last stage that stays as it is, see `equibook.probes.stages.resolve`; None to train the whole network.
    turned : bool
        Whether each image is turned by another random angle in every epoch.
    epochs, batch_size : int
    learning_rate : float
        The largest.
    random_state : int
        Draws order and angles; torch's global generator is left as it was.

    Returns
    -------
    torch.nn.Sequential
        In evaluation mode. The layers that stay share their weights with `net`.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from equibook import datasets
    >>> from equibook.probes import fine_tune
    >>> X, y = datasets.load_shapes(20, 16, classes=("bar", "ring"), random_state=0)
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 2))
    >>> tuned = fine_tune(net, X, y == "ring", frozen="1", turned=True, epochs=2)
    >>> torch.equal(tuned[0].weight, net[0].weight), torch.equal(tuned[3].weight, net[3].weight)
    (True, False)
    """
    x, labels = as_images(X, name="X"), torch.as_tensor(check_labels(y, len(X))).long()
    before, after = _copy_parts(net, frozen)
    weights = list(after.parameters())
    if not weights:
        hint = "Freeze an earlier stage."
        raise ValueError(f"`frozen` must leave something to train, got the last stage {frozen!r}. {hint}")
    rng = np.random.default_rng(random_state)
    n_batches = -(-len(x) // check_positive_int(batch_size, name="batch_size"))
    optimizer = torch.optim.AdamW(weights, lr=learning_rate)
    n_steps = check_positive_int(epochs, name="epochs") * n_batches
    schedule = OneCycleLR(optimizer, max_lr=learning_rate, total_steps=n_steps)
    maps = run(before, x)
    for _ in tqdm(range(epochs), desc="Fine-tuning", unit="epoch", delay=2, leave=False):
        if turned:
            maps = run(before, _turn(x, rng.uniform(0, 360, len(x))))
        for batch in torch.from_numpy(rng.permutation(len(x))).split(batch_size):
            _step(after, maps[batch].to(weights[0]), labels[batch].to(weights[0].device), optimizer)
            schedule.step()
    return nn.Sequential(*before, *after).eval()


def tune_by_size(
    net: nn.Sequential,
    X: Any,
    y: Any,
    tests: Mapping[str, Any],
    y_test: Any,
    *,
    sizes: Sequence[int],
    label: str = "fine-tuned",
    n_splits: int = 1,
    random_state: int = 0,
    **options: Any,
) -> dict[str, Sensitivity]:
    """Measure how well a network reads after `fine_tune`, by the number of images; as `read_out` does for features.

    Parameters
    ----------
    net : torch.nn.Sequential
        From images to one score for each class.
    X : ndarray or Tensor of shape (n_samples, n_channels, size, size)
        To choose the images from: the same ones as in `read_out`, with the same `sizes` and `random_state`.
    y : array-like of shape (n_samples,)
    tests : dict from a name to an array of shape (n_test, n_channels, size, size)
        Such as the "upright" and the "turned" images, as the network takes them. They share their labels.
    y_test : array-like of shape (n_test,)
    sizes : sequence of int
    label : str
        What the curve is called.
    n_splits : int
        How many times the images to train on are drawn.
    random_state : int
    **options
        As in `fine_tune`.

    Returns
    -------
    dict from the name of a test to a Sensitivity

    Examples
    --------
    >>> import numpy as np
    >>> from torch import nn
    >>> from equibook import datasets
    >>> from equibook.probes import tune_by_size
    >>> X, y = datasets.load_shapes(20, 16, classes=("bar", "ring"), random_state=0)
    >>> net, labels = nn.Sequential(nn.Flatten(), nn.Linear(256, 2)), y == "ring"
    >>> tests = {"upright": X[10:], "turned": np.rot90(X[10:], axes=(2, 3)).copy()}
    >>> found = tune_by_size(net, X[:10], labels[:10], tests, labels[10:], sizes=(4, 8), frozen=None, epochs=2)
    >>> found["turned"].accuracies["fine-tuned"].shape  # sizes, splits
    (2, 1)
    """
    x, labels = as_images(X, name="X"), check_labels(y, len(X))
    true = {name: check_labels(y_test, len(images)) for name, images in tests.items()}
    found = {name: np.zeros((len(sizes), check_positive_int(n_splits, name="n_splits"))) for name in tests}
    for (i, size), j in product(enumerate(sizes), range(n_splits)):
        rows = choose_rows(labels, size, random_state + j)
        tuned = fine_tune(net, x[rows], labels[rows], random_state=random_state + j, **options)
        for name, images in tests.items():
            found[name][i, j] = np.mean(run(tuned, images).argmax(dim=1).numpy() == true[name])
    return {name: Sensitivity("n_train", np.array(sizes, dtype=float), {label: found[name]}) for name in tests}


def _copy_parts(net: nn.Sequential, frozen: str | None) -> tuple[nn.Sequential, nn.Sequential]:
    """Return what stays, with the network's own weights but modes of its own, and a copy of what is trained."""
    before, after = (nn.Sequential(), net) if frozen is None else split(net, frozen)
    own = {id(values): values for values in (*before.parameters(), *before.buffers())}
    return copy.deepcopy(before, own).eval(), nn.Sequential(*copy.deepcopy(after)).train()


def _turn(x: Tensor, angles: np.ndarray) -> Tensor:
    """Turn each image by its angle; of channels that are all alike one is turned."""
    grey = bool((x == x[:, :1]).all())
    return rotate(x[:, :1] if grey else x, angles).expand(-1, x.shape[1], -1, -1)


def _step(net: nn.Module, maps: Tensor, labels: Tensor, optimizer: torch.optim.Optimizer) -> None:
    with torch.enable_grad():
        loss = nn.functional.cross_entropy(net(maps), labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
    optimizer.step()
