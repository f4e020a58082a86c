"""Interpretable CNN design, taught by building it.

>>> import equibook as eq
>>> X, y = eq.datasets.load_digits(classes=(3, 8), size=32)
>>> model = eq.GlassBoxClassifier().fit(X[:100], y[:100])

Everything below is loaded on first use, so that importing the package costs next to nothing.
"""

from importlib import import_module

TYPE_CHECKING = False  # type checkers and editors take it as True; importing it would cost more than all the rest

if TYPE_CHECKING:
    from . import (
        actions,
        alexnet,
        classifiers,
        cli,
        colour,
        compiling,
        convolution,
        datasets,
        demo,
        design,
        distributed,
        disturbances,
        drawing,
        equivariant,
        explanation,
        explorers,
        fast,
        filters,
        frames,
        glassbox,
        groups,
        integrated_gradients,
        invariant,
        irreducibles,
        layer_list,
        layers_at,
        lessons,
        live,
        measure,
        networks,
        novelty,
        operations,
        operators,
        orbit_pca,
        orbits,
        persistence,
        plots,
        pose,
        probes,
        receptive_fields,
        reconstruction,
        reduction,
        repack,
        representation,
        responses,
        rewriting,
        sensitivity,
        streaming,
        train_networks,
        unfold,
    )
    from .glassbox import GlassBoxClassifier
    from .persistence import load, save
    from .representation import Representation

__version__ = "0.1.0"

__all__ = [
    "GlassBoxClassifier",
    "Representation",
    "__version__",
    "actions",
    "alexnet",
    "classifiers",
    "cli",
    "colour",
    "compiling",
    "convolution",
    "datasets",
    "demo",
    "design",
    "distributed",
    "disturbances",
    "drawing",
    "equivariant",
    "explanation",
    "explorers",
    "fast",
    "filters",
    "frames",
    "glassbox",
    "groups",
    "integrated_gradients",
    "invariant",
    "irreducibles",
    "layer_list",
    "layers_at",
    "lessons",
    "live",
    "load",
    "measure",
    "networks",
    "novelty",
    "operations",
    "operators",
    "orbit_pca",
    "orbits",
    "persistence",
    "plots",
    "pose",
    "probes",
    "receptive_fields",
    "reconstruction",
    "reduction",
    "repack",
    "representation",
    "responses",
    "rewriting",
    "save",
    "sensitivity",
    "streaming",
    "train_networks",
    "unfold",
]

_HOME = {
    "GlassBoxClassifier": "glassbox",
    "Representation": "representation",
    "load": "persistence",
    "save": "persistence",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOME.get(name, name)}")
    return getattr(module, name) if name in _HOME else module


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
