"""torch.compile where it works, and the network itself where it does not."""

import warnings

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Compiled:
    """A network that is compiled at its first call; that takes a while, and pays for many batches.

    Batches that are not full are filled with zeros: every new shape would be compiled anew. Where there is no compiler,
    or it fails, a warning says so and the network runs as it is.

    Parameters
    ----------
    network : nn.Module
        Treats each sample by itself.
    batch_size : int
        Samples in a full batch.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from equibook.compiling import Compiled
    >>> flatten = Compiled(nn.Flatten(), batch_size=4)
    >>> with torch.compiler.set_stance("force_eager"):  # spares this example the time that compiling takes
    ...     tuple(flatten(torch.zeros(3, 1, 8, 8)).shape)
    (3, 64)
    """

    def __init__(self, network: nn.Module, batch_size: int) -> None:
        self.network = network
        self.batch_size = batch_size
        self._compiled = torch.compile(network)
        self._works = True

    def __call__(self, batch: Tensor) -> Tensor:
        """Return what the network makes of a batch of at most `batch_size` samples."""
        if not self._works:
            return self.network(batch)
        missing = self.batch_size - len(batch)
        full = F.pad(batch, (0, 0) * (batch.ndim - 1) + (0, missing)) if missing else batch
        try:
            return self._run(full)[: len(batch)]
        except Exception as error:  # of the compiler, whatever it may be; the network's own come again below
            result = self.network(batch)
            self._works = False
            need = "`compile` needs a compiler that torch can use"
            hint = "Layer 1 runs uncompiled, with the same results; leave `compile` out to silence this."
            warnings.warn(f"{need}, got {type(error).__name__}. {hint}", RuntimeWarning, stacklevel=2)
            return result

    def _run(self, batch: Tensor) -> Tensor:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Torchinductor does not support code generation for complex", UserWarning)
            return self._compiled(batch)
