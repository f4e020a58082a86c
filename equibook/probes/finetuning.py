"""Train the last layers of a trained network further, on upright or on turned images."""

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from tqdm.auto import tqdm

from equibook._checks import as_images, check_labels, check_positive_int
from equibook.actions import rotate
from equibook.probes.stages import split


def fine_tune(
    net: nn.Sequential,
    X: Any,
    y: Any,
    *,
    frozen: str,
    turned: bool = False,
    epochs: int = 10,
    batch_size: int = 25,
    learning_rate: float = 1e-3,
    random_state: int = 0,
) -> nn.Sequential:
    """Train the layers behind a stage further, by AdamW with one cycle of the learning rate.

    Parameters
    ----------
    net : torch.nn.Sequential
        From images to one score for each class. It is left as it is.
    X : ndarray or Tensor of shape (n_samples, n_channels, size, size)
        As the network takes them.
    y : array-like of shape (n_samples,)
        Integers from 0 on, the places of the classes among the scores.
    frozen : str
        The last stage that stays as it is; see `equibook.probes.stages.resolve`.
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
    """
    x, labels = as_images(X, name="X"), check_labels(y, len(X))
    before, after = split(net, frozen)
    before, after = before.eval(), copy.deepcopy(after).train()
    if not any(True for _ in after.parameters()):
        hint = "Freeze an earlier stage."
        raise ValueError(f"`frozen` must leave something to train, got the last stage {frozen!r}. {hint}")
    rng = np.random.default_rng(random_state)
    n_batches = -(-len(x) // check_positive_int(batch_size, name="batch_size"))
    optimizer = torch.optim.AdamW(after.parameters(), lr=learning_rate)
    n_steps = check_positive_int(epochs, name="epochs") * n_batches
    schedule = OneCycleLR(optimizer, max_lr=learning_rate, total_steps=n_steps)
    for _ in tqdm(range(epochs), desc="Fine-tuning", unit="epoch", delay=2, leave=False):
        shown = rotate(x, rng.uniform(0, 360, len(x))) if turned else x
        with torch.no_grad():
            maps = before(shown.to(next(after.parameters())))
        for batch in torch.from_numpy(rng.permutation(len(x))).split(batch_size):
            _step(after, maps[batch], torch.as_tensor(labels)[batch].long(), optimizer)
            schedule.step()
    return nn.Sequential(*before, *after).eval()


def _step(net: nn.Module, maps: Tensor, labels: Tensor, optimizer: torch.optim.Optimizer) -> None:
    with torch.enable_grad():
        loss = nn.functional.cross_entropy(net(maps), labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
    optimizer.step()
