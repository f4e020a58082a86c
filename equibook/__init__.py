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
        advice,
        alexnet,
        cases,
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
        folders,
        frames,
        glassbox,
        group_layers,
        groups,
        integrated_gradients,
        invariant,
        irreducibles,
        layer_list,
        layers_at,
        learned,
        lessons,
        live,
        measure,
        networks,
        novelty,
        nuisances,
        operations,
        operators,
        orbit_pca,
        orbits,
        out_of_core,
        persistence,
        plots,
        pose,
        predict,
        probes,
        receptive_fields,
        reconstruction,
        reduction,
        repack,
        report,
        representation,
        responses,
        rewriting,
        screening,
        sensitivity,
        shares,
        streaming,
        study,
        throughput,
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
    "advice",
    "alexnet",
    "cases",
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
    "folders",
    "frames",
    "glassbox",
    "group_layers",
    "groups",
    "integrated_gradients",
    "invariant",
    "irreducibles",
    "layer_list",
    "layers_at",
    "learned",
    "lessons",
    "live",
    "load",
    "measure",
    "networks",
    "novelty",
    "nuisances",
    "operations",
    "operators",
    "orbit_pca",
    "orbits",
    "out_of_core",
    "persistence",
    "plots",
    "pose",
    "predict",
    "probes",
    "receptive_fields",
    "reconstruction",
    "reduction",
    "repack",
    "report",
    "representation",
    "responses",
    "rewriting",
    "save",
    "screening",
    "sensitivity",
    "shares",
    "streaming",
    "study",
    "throughput",
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
