"""Small learned networks, and glass blocks in front of one: three networks with about as many weights.

`build_glass` puts Layer 1, which learns nothing, in front of one learned affine map. `build_plain` is a conventional
CNN. `build_group` is a CNN whose filters are used in four turned copies (`equibook.group_layers`). `NetworkClassifier`
trains any of them: torch has the optimiser and the batches, scikit-learn the validation part and the interface.
"""

from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm.auto import tqdm

from equibook._checks import as_images, check_finite, check_labels, check_positive_int, check_same_shape
from equibook.group_layers import GroupConv2d, LiftingConv2d, OnEveryElement, PoolOverGroup
from equibook.representation import Representation

Build = Callable[[Tensor, int], nn.Module]
Augment = Callable[[Tensor, np.random.Generator], Tensor]
AT_ONCE = 256  # images that a trained network reads together


class Standardise(nn.Module):
    """Subtract means and divide by deviations, which are constants: nothing is learned by descent.

    Parameters
    ----------
    features : Tensor of shape (n_samples, n_features)
        Of the training images. A feature that is the same for all is only centred.

    Examples
    --------
    >>> import torch
    >>> from equibook.learned import Standardise
    >>> features = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    >>> Standardise(features)(features).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        deviation = features.std(dim=0, correction=0)
        self.register_buffer("mean", features.mean(dim=0))
        self.register_buffer("deviation", torch.where(deviation > 0, deviation, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Return standardised features, of the shape given."""
        return (features - self.mean) / self.deviation


def build_glass(images: Tensor, n_classes: int, **options: Any) -> nn.Sequential:
    """Return Layer 1 as a block, its features standardised by given images, and one affine map to be learned.

    Parameters
    ----------
    images : Tensor of shape (n_samples, n_channels, size, size)
        For training.
    n_classes : int
    **options
        Of `Representation`.

    Returns
    -------
    nn.Sequential
        Of `layer_1` (without weights), `standardise` (constants) and `head`.

    Examples
    --------
    >>> import torch
    >>> from equibook.learned import build_glass
    >>> network = build_glass(torch.rand(5, 1, 32, 32), 10)
    >>> [name for name, _ in network.named_children()], tuple(network(torch.rand(2, 1, 32, 32)).shape)
    (['layer_1', 'standardise', 'head'], (2, 10))
    """
    representation = Representation(**options).fit(images)
    features = representation.transform(images)
    network = nn.Sequential()
    network.add_module("layer_1", representation.network(images.dtype))
    network.add_module("standardise", Standardise(features))
    network.add_module("head", _start_at_zero(nn.Linear(features.shape[1], n_classes, dtype=images.dtype)))
    return network


def _start_at_zero(layer: nn.Linear) -> nn.Linear:
    """Return the layer without its random start: where features outnumber images, much of that would never go away."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def build_plain(images: Tensor, n_classes: int) -> nn.Sequential:
    """Return a conventional CNN, three times convolution, ReLU and pooling; as many weights as `build_glass` has.

    Parameters
    ----------
    images : Tensor of shape (n_samples, n_channels, size, size)
        Tell shape and type.
    n_classes : int

    Returns
    -------
    nn.Sequential

    Examples
    --------
    >>> import torch
    >>> from equibook.learned import build_plain, count_weights
    >>> count_weights(build_plain(torch.rand(5, 1, 32, 32), 10))
    22778
    """
    n_channels, size = images.shape[1], images.shape[-1]
    layers: list[nn.Module] = []
    for n_in, n_out, taps in ((n_channels, 12, 5), (12, 24, 5), (24, 40, 3)):
        convolution = nn.Conv2d(n_in, n_out, taps, padding=taps // 2)
        layers += [convolution, nn.BatchNorm2d(n_out), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(40 * (size // 8) ** 2, n_classes)).to(images.dtype)


def build_group(images: Tensor, n_classes: int) -> nn.Sequential:
    """Return a CNN of group correlations under quarter turns, pooled over the group and over places: an invariant.

    Parameters
    ----------
    images : Tensor of shape (n_samples, n_channels, size, size)
        Tell shape and type.
    n_classes : int

    Returns
    -------
    nn.Sequential

    Examples
    --------
    >>> import torch
    >>> from equibook.learned import build_group, count_weights
    >>> count_weights(build_group(torch.rand(5, 1, 32, 32), 10))
    22560
    """
    widths = (images.shape[1], 8, 16, 30)
    layers: list[nn.Module] = []
    for i, (n_in, n_out) in enumerate(pairwise(widths)):
        correlation = GroupConv2d(n_in, n_out, 3) if i else LiftingConv2d(n_in, n_out, 5)
        layers += [correlation, nn.BatchNorm3d(n_out), nn.ReLU(), OnEveryElement(nn.MaxPool2d(2))]
    return nn.Sequential(*layers, PoolOverGroup(), nn.Linear(widths[-1], n_classes)).to(images.dtype)


def count_weights(network: nn.Module) -> int:
    """Return how many numbers of a network are learned.

    Parameters
    ----------
    network : nn.Module

    Returns
    -------
    int

    Examples
    --------
    >>> from torch import nn
    >>> from equibook.learned import count_weights
    >>> count_weights(nn.Sequential(nn.Linear(4, 2), nn.ReLU()))  # 2 x 4 weights and 2 biases
    10
    """
    return sum(weights.numel() for weights in network.parameters())


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """Train a small network by AdamW with early stopping; a scikit-learn classifier.

    A part of the training images is set aside. When the loss on it has not fallen for `patience` epochs, training ends,
    and the weights of the best epoch are kept. Same seed, same network, on the same machine with the same versions. To
    keep the weights, `safetensors.torch.save_file(model.network_.state_dict(), path)`.

    Parameters
    ----------
    build : callable
        Takes images to train on (n_samples, n_channels, size, size) and the number of classes; returns a module from
        images to one score a class, such as `build_glass`, `build_plain` or `build_group`.
    learning_rate, weight_decay : float
        Of AdamW.
    max_epochs, patience : int
    batch_size : int
    validation_fraction : float
        The part set aside, with as many of each class.
    augment : callable, optional
        Takes images and a numpy Generator; returns changed images. It is called on
        every batch, and once on the part set aside.
    random_state : int
        Draws the part set aside, weights, order and changes; no global generator is touched.

    Attributes
    ----------
    network_ : nn.Module
        In evaluation mode.
    classes_ : ndarray of shape (n_classes,)
    history_ : ndarray of shape (n_epochs, 2)
        The mean cross-entropy on the training part and on the part set aside, after each epoch.
    best_epoch_ : int
        Whose weights are kept; the first is 0.

    Examples
    --------
    >>> from equibook import datasets
    >>> from equibook.learned import NetworkClassifier, build_glass
    >>> X, y = datasets.load_digits(classes=(3, 8))
    >>> model = NetworkClassifier(build_glass, max_epochs=5).fit(X[:60], y[:60])
    >>> bool(model.score(X[60:160], y[60:160]) > 0.8)
    True
    >>> model.history_.shape
    (5, 2)
    """

    def __init__(
        self,
        build: Build = build_plain,
        *,
        learning_rate: float = 0.003,
        weight_decay: float = 0.01,
        max_epochs: int = 200,
        patience: int = 20,
        batch_size: int = 25,
        validation_fraction: float = 0.2,
        augment: Augment | None = None,
        random_state: int = 0,
    ) -> None:
        self.build = build
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.patience = patience
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.augment = augment
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Train the network.

        Parameters
        ----------
        X : ndarray or Tensor of shape (n_samples, n_channels, height, width)
        y : array-like of shape (n_samples,)

        Returns
        -------
        NetworkClassifier
        """
        images = as_images(X, name="X").detach()
        self.classes_, places = np.unique(check_labels(y, len(images)), return_inverse=True)
        if len(self.classes_) < 2:
            got = f"only {self.classes_[0]!r}"
            raise ValueError(f"`y` must hold at least two classes, got {got}. Add images of another class.")
        check_positive_int(self.max_epochs, name="max_epochs"), check_positive_int(self.patience, name="patience")
        self.n_channels_, self.size_ = int(images.shape[1]), int(images.shape[-1])
        rows = train_test_split(
            np.arange(len(images)),
            test_size=self.validation_fraction,
            stratify=places,
            random_state=self.random_state,
        )
        labels = torch.from_numpy(places).long()
        train, validation = (TensorDataset(images[part], labels[part]) for part in rows)
        with torch.inference_mode(False), torch.enable_grad(), torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.random_state)
            self.network_ = self.build(train.tensors[0], len(self.classes_))
            self._train(train, validation)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Return one score a class: logarithms of probabilities, up to a number an image.

        Parameters
        ----------
        X : ndarray or Tensor of shape (n_samples, n_channels, height, width)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self, "network_")
        images = as_images(X, name="X")
        check_same_shape(images, self.n_channels_, self.size_, name="X")
        images = images.to(next(self.network_.parameters()).dtype)  # that of the images in `fit`
        check_finite(images, name="X")
        return _read(self.network_, images).numpy(force=True)

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of each image.

        Parameters
        ----------
        X : ndarray or Tensor of shape (n_samples, n_channels, height, width)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        scores = self.decision_function(X)
        return self.classes_[scores.argmax(axis=1)]

    def _train(self, train: TensorDataset, validation: TensorDataset) -> None:
        front, head = _split(self.network_) if self.augment is None else (nn.Identity(), self.network_)
        rng = np.random.default_rng(self.random_state)
        train, validation = _pass(front, train), _pass(front, validation)
        seen, wanted = self._change(validation.tensors[0], rng), validation.tensors[1]
        generator = torch.Generator().manual_seed(self.random_state)
        batches = DataLoader(train, batch_size=self.batch_size, shuffle=True, generator=generator)
        optimizer = torch.optim.AdamW(head.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        history: list[tuple[float, float]] = []
        best = deepcopy(head.state_dict())
        for _ in tqdm(range(self.max_epochs), desc="Training", unit="epoch", delay=2, leave=False):
            losses = [_step(head, self._change(images, rng), labels, optimizer) for images, labels in batches]
            missed = float(nn.functional.cross_entropy(_read(head, seen), wanted))
            if not history or missed < min(loss for _, loss in history):
                best, self.best_epoch_ = deepcopy(head.state_dict()), len(history)
            history.append((float(np.mean(losses)), missed))
            if len(history) - self.best_epoch_ > self.patience:
                break
        head.load_state_dict(best)
        self.network_.eval()
        self.history_ = np.array(history)

    def _change(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        return images if self.augment is None else self.augment(images, rng)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def _split(network: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Return the leading blocks without weights, which need to see an image only once, and the rest."""
    if not isinstance(network, nn.Sequential):
        return nn.Identity(), network
    with_weights = [i for i, block in enumerate(network) if count_weights(block)]
    first = with_weights[0] if with_weights else len(network)
    return network[:first], network[first:]


def _pass(front: nn.Module, images: TensorDataset) -> TensorDataset:
    return TensorDataset(_read(front, images.tensors[0]), images.tensors[1])


@torch.no_grad()
def _read(network: nn.Module, images: Tensor) -> Tensor:
    """Return what a network makes of images, in evaluation mode."""
    network.eval()
    return torch.cat([network(batch) for batch in images.split(AT_ONCE)])


def _step(network: nn.Module, images: Tensor, labels: Tensor, optimizer: torch.optim.Optimizer) -> float:
    """Take one step downhill; return the loss before it."""
    network.train()
    loss = nn.functional.cross_entropy(network(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.detach())
