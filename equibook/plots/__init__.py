"""Figures: images, the layers of a model at one image, planes, explanations, distances, accuracies.

All are drawn without pyplot: nothing is global, and nothing is left to close. In a notebook a figure shows itself, with
its alternative text. Colours are those of Okabe and Ito, told apart by colour-blind readers too; and wherever a colour
says something, a marker, a place or a word says it as well.
"""

from equibook.plots.figures import Picture, show_images, to_png
from equibook.plots.models import (
    plot_accuracy_by_angle,
    plot_demo,
    plot_explanation,
    plot_layers,
    plot_plane,
    plot_separation,
)

__all__ = [
    "Picture",
    "plot_accuracy_by_angle",
    "plot_demo",
    "plot_explanation",
    "plot_layers",
    "plot_plane",
    "plot_separation",
    "show_images",
    "to_png",
]
