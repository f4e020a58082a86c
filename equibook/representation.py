"""Layer 1 as a scikit-learn transformer: images in, named invariant features out."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, cast

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from tqdm.auto import tqdm

from equibook._checks import as_images, check_choice, check_positive_int, check_same_shape, like
from equibook.colour import OpponentColours
from equibook.compiling import Compiled
from equibook.equivariant import CoefficientTable, EquivariantLayer
from equibook.fast import FastEquivariantLayer
from equibook.frames import centre
from equibook.invariant import FeatureTable, Invariants
from equibook.pose import Pose, compare_poses, read_pose

TRANSLATIONS = ("fixed", "centre", "pool")
SMALLEST = 8  # pixels: below, six rings and three scales no longer fit


class Representation(TransformerMixin, BaseEstimator):
    """Image representation: group-invariant numbers, read from group-equivariant maps. Nothing is learned.

    Three channels count as red, green and blue and become opponent colours. The images are windowed to a disc, lifted
    to places, scales and orientations, read in polar harmonics, and made invariant to turns about the centre. Every
    step can be used alone: `network()` has them by name.

    Parameters
    ----------
    scales : tuple of float
        Of the wavelets, in pixels.
    n_orientations : int
        Even.
    n_rings : int
        Radial windows.
    max_frequency : int
        Largest angular frequency k that is kept.
    max_orientation_frequency : int
        Largest size of l, less than half of `n_orientations`.
    invariant : {"average", "k0", "power", "cross", "bispectrum"}
        What is kept, from the least to the most; see `equibook.invariant`.
    group : {"SO(2)", "O(2)"}
        What the features are invariant to: turns; turns and reflections.
    translation : {"fixed", "centre", "pool"}
        "fixed": images are taken as they are. "centre": a moving frame brings their centre of mass to the centre.
        "pool": maps are averaged over all places, for textures; what is left varies with orientation and scale only.
    batch_size : int
        How many images are worked on at a time.
    device : str
        "cpu" or "cuda".
    compile : bool
        Have torch compile `transform`. The first call then takes a minute; see `equibook.compiling`.

    Attributes
    ----------
    size_, n_channels_ : int
        Of the images seen in `fit`.
    table_ : FeatureTable
        What each feature is.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook import Representation
    >>> Representation(invariant="k0").fit_transform(np.zeros((2, 1, 32, 32))).shape
    (2, 90)
    """

    def __init__(
        self,
        *,
        scales: Sequence[float] = (0.8, 1.6, 3.2),
        n_orientations: int = 8,
        n_rings: int = 6,
        max_frequency: int = 5,
        max_orientation_frequency: int = 2,
        invariant: str = "cross",
        group: str = "SO(2)",
        translation: str = "fixed",
        batch_size: int = 128,
        device: str = "cpu",
        compile: bool = False,
    ) -> None:
        self.scales = scales
        self.n_orientations = n_orientations
        self.n_rings = n_rings
        self.max_frequency = max_frequency
        self.max_orientation_frequency = max_orientation_frequency
        self.invariant = invariant
        self.group = group
        self.translation = translation
        self.batch_size = batch_size
        self.device = device
        self.compile = compile

    def fit(self, X: Any, y: Any = None) -> Self:
        """Remember the shape of the images and name the features; nothing is learned.

        Parameters
        ----------
        X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)
        y : ignored

        Returns
        -------
        Representation
        """
        images = as_images(X)
        self._check_parameters(images.shape[-1])
        self.n_channels_, self.size_ = int(images.shape[1]), int(images.shape[-1])
        self._networks: dict[torch.dtype, nn.Sequential] = {}
        self._compiled_networks: dict[tuple[torch.dtype, int], Compiled] = {}
        self.table_: FeatureTable = cast(Invariants, self.network(images.dtype)[-1]).table
        return self

    def transform(self, X: Any) -> Any:
        """Return the features of images, in batches and without gradients (`network()` has them).

        Parameters
        ----------
        X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

        Returns
        -------
        ndarray or Tensor of shape (n_samples, n_features), in the unit of the images
        """
        return self._stream(X, lambda dtype: self._compiled(dtype) if self.compile else self.network(dtype))

    def coefficients(self, X: Any) -> Any:
        """Return the equivariant coefficients that the features are made of.

        Parameters
        ----------
        X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

        Returns
        -------
        complex ndarray or Tensor of shape (n_samples, n_coefficients); `coefficient_table_` says what each is
        """
        return self._stream(X, lambda dtype: self.network(dtype)[:-1])

    def pose(self, X: Any) -> Pose:
        """Read which way each image points, from the phases of its coefficients: a turn by a adds a.

        Parameters
        ----------
        X : ndarray or Tensor of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

        Returns
        -------
        Pose
            Angles in degrees, nan where an image has no orientation, such as a disc; see `equibook.pose`.
        """
        return read_pose(torch.as_tensor(self.coefficients(X)), self.coefficient_table_.k)

    def relative_angle(self, X: Any, others: Any) -> Pose:
        """Read by how much each image must be turned to look like another one: rotate(x, angle) ≈ x'.

        Parameters
        ----------
        X, others : ndarrays or Tensors of shape (n_samples, n_channels, height, width) or (n_samples, height, width)

        Returns
        -------
        Pose
            Angles in degrees, nan where no turn tells them apart; see `equibook.pose`.
        """
        first, second = (torch.as_tensor(self.coefficients(images)) for images in (X, others))
        if len(first) != len(second):
            hint = "Repeat one of them."
            raise ValueError(f"`others` must hold {len(first)} images, one for each, got {len(second)}. {hint}")
        return compare_poses(first, second, self.coefficient_table_.k)

    @property
    def coefficient_table_(self) -> CoefficientTable:
        """What each coefficient is."""
        check_is_fitted(self)
        return self.table_.coefficients

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the name of each feature, such as `scale=1.6 ring=3 m=-2 l=1 re`.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        str ndarray of shape (n_features,)
        """
        check_is_fitted(self)
        return np.array(self.table_.names, dtype=object)

    def network(self, dtype: torch.dtype = torch.float32, *, plain: bool = False) -> nn.Sequential:
        """Return Layer 1 as a torch module of four blocks: colour, frame, coefficients, invariants.

        It is differentiable and stands alone in front of a learned network.

        Parameters
        ----------
        dtype : torch.dtype
            float32 or float64.
        plain : bool
            Take the plain form of the coefficients, the one to read, instead of the fast one.

        Returns
        -------
        nn.Sequential
        """
        check_is_fitted(self, "size_")
        if plain:
            return self._build_network(dtype, plain=True)
        if dtype not in self._networks:
            self._networks[dtype] = self._build_network(dtype)
        return self._networks[dtype]

    @torch.inference_mode(False)  # else what is built there could not be used where gradients are wanted
    def _build_network(self, dtype: torch.dtype, *, plain: bool = False) -> nn.Sequential:
        layer = self._build_layer()
        blocks: OrderedDict[str, nn.Module] = OrderedDict()
        blocks["colour"] = OpponentColours() if self.n_channels_ == 3 else nn.Identity()
        blocks["frame"] = _Centred() if self.translation == "centre" else nn.Identity()
        blocks["coefficients"] = layer if plain else FastEquivariantLayer(layer)
        blocks["invariants"] = Invariants(layer.table, self.invariant, group=self.group)
        return nn.Sequential(blocks).to(dtype).to(self.device).eval()

    def _check_parameters(self, size: int) -> None:
        check_choice(self.translation, TRANSLATIONS, name="translation")
        check_positive_int(self.batch_size, name="batch_size")
        check_positive_int(self.max_frequency, name="max_frequency")
        if not self.scales or min(self.scales) <= 0:
            hint = "Give standard deviations in pixels, such as (0.8, 1.6, 3.2)."
            raise ValueError(f"`scales` must hold positive numbers, got {self.scales!r}. {hint}")
        if size < SMALLEST:
            hint = "Enlarge them, for example with `torch.nn.functional.interpolate`."
            raise ValueError(f"`images` must have at least {SMALLEST} x {SMALLEST} pixels, got {size} x {size}. {hint}")
        if torch.device(self.device).type == "cuda" and not torch.cuda.is_available():
            raise ValueError(f'`device` must be there, got {self.device!r} where torch sees no GPU. Take "cpu".')

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the torch modules, which are built again from the numbers."""
        state = super().__getstate__()
        return {**state, "_networks": {}, "_compiled_networks": {}} if "_networks" in state else state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.requires_fit = True
        return tags

    def _build_layer(self) -> EquivariantLayer:
        return EquivariantLayer(
            self.size_,
            self.n_channels_,
            scales=self.scales,
            n_orientations=self.n_orientations,
            n_rings=self.n_rings,
            max_frequency=self.max_frequency,
            max_orientation_frequency=self.max_orientation_frequency,
            pooled=self.translation == "pool",
        )

    def _compiled(self, dtype: torch.dtype) -> Compiled:
        key = dtype, self.batch_size
        if key not in self._compiled_networks:
            self._compiled_networks[key] = Compiled(self.network(dtype), self.batch_size)
        return self._compiled_networks[key]

    def _stream(self, X: Any, choose: Callable[[torch.dtype], Callable[[Tensor], Tensor]]) -> Any:
        check_is_fitted(self)
        images = as_images(X)
        check_same_shape(images, self.n_channels_, self.size_)
        compute = choose(images.dtype)
        with torch.inference_mode():
            parts = [compute(batch.to(self.device)).to(images.device) for batch in self._batches(images)]
        found = torch.cat(parts)
        if not torch.isfinite(found).all():
            need = f"`X` must be small enough for squares in {images.dtype}"
            raise ValueError(f"{need}, got values up to {images.abs().max():.0e}. Divide by their maximum.")
        return like(found, X)

    def _batches(self, images: Tensor) -> Iterator[Tensor]:
        """Yield batches, with a progress bar where the work takes more than two seconds."""
        yield from tqdm(images.split(self.batch_size), desc="Layer 1", unit="batch", delay=2, leave=False)


class Pixels(TransformerMixin, BaseEstimator):
    """No representation at all: the pixels as they are, for comparison in the place of Layer 1.

    Attributes
    ----------
    size_, n_channels_ : int
        Of the images seen in `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from equibook.representation import Pixels
    >>> Pixels().fit_transform(np.zeros((2, 1, 32, 32))).shape
    (2, 1024)
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Remember the shape of the images, (n_samples, n_channels, height, width) or (n_samples, height, width)."""
        images = as_images(X)
        self.n_channels_, self.size_ = int(images.shape[1]), int(images.shape[-1])
        return self

    def transform(self, X: Any) -> Any:
        """Return the pixels of each image in a row: ndarray or Tensor of shape (n_samples, n_channels * size**2)."""
        check_is_fitted(self)
        images = as_images(X)
        check_same_shape(images, self.n_channels_, self.size_)
        return like(images.flatten(1), X)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the name of each feature, such as `channel=0 row=3 column=17`."""
        check_is_fitted(self)
        names = np.ndindex(self.n_channels_, self.size_, self.size_)
        return np.array([f"channel={c} row={i} column={j}" for c, i, j in names], dtype=object)


class _Centred(nn.Module):
    """The moving frame as a block; see `equibook.frames.centre`."""

    def forward(self, images: Tensor) -> Tensor:
        return centre(images)
