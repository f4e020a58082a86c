"""Figures: images, the layers of a model at one image, planes, explanations, distances, accuracies.

All are drawn without pyplot: nothing is global, and nothing is left to close. In a notebook a figure shows itself, with
its alternative text. Colours are those of Okabe and Ito, told apart by colour-blind readers too; and wherever a colour
says something, a marker, a place or a word says it as well.
"""

from equibook.plots.alexnet import plot_copy, plot_kernels, plot_stages, plot_strongest, plot_unit_maps
from equibook.plots.comparisons import plot_cka, plot_lie, plot_shifts, plot_turned_copies
from equibook.plots.convolutions import plot_conv_costs, plot_conv_matrix, plot_conv_window
from equibook.plots.decisions import plot_decisions, plot_one_among
from equibook.plots.designs import plot_block, plot_comparison, plot_confusion, plot_nuisances, plot_ranks
from equibook.plots.equivariance import plot_error_maps, plot_errors, plot_grids, plot_reports, plot_square
from equibook.plots.figures import Picture, show_images, to_png
from equibook.plots.invariants import plot_angles, plot_kept, plot_phases, plot_psnr, plot_rebuilt
from equibook.plots.learned import plot_training
from equibook.plots.lifting import plot_filter_bank, plot_lift, plot_rings, plot_wavelet
from equibook.plots.models import (
    plot_accuracy_by_angle,
    plot_demo,
    plot_explanation,
    plot_layers,
    plot_pairs,
    plot_plane,
    plot_separation,
)
from equibook.plots.networks import plot_drift, plot_gates, plot_parts, plot_unit
from equibook.plots.probes import (
    plot_filter_partners,
    plot_fitted,
    plot_fitted_errors,
    plot_fitted_maps,
    plot_invariance_count,
    plot_stitching,
)
from equibook.plots.readouts import plot_planes, plot_readouts, plot_two_models
from equibook.plots.reductions import (
    plot_accuracy_by_components,
    plot_scree,
    plot_scree_and_plane,
    plot_turned_component,
)
from equibook.plots.repacked import plot_canonical, plot_fidelity, plot_repacked
from equibook.plots.sensitivities import plot_sensitivity
from equibook.plots.studies import plot_at_angle, plot_case
from equibook.plots.symmetries import plot_action, plot_cayley_table, plot_distance_by_angle, plot_orbits
from equibook.plots.throughputs import plot_memory, plot_throughput
from equibook.plots.waves import plot_conv_fft, plot_eigenvalues

__all__ = [
    "Picture",
    "plot_accuracy_by_angle",
    "plot_accuracy_by_components",
    "plot_action",
    "plot_angles",
    "plot_at_angle",
    "plot_block",
    "plot_canonical",
    "plot_case",
    "plot_cayley_table",
    "plot_cka",
    "plot_comparison",
    "plot_confusion",
    "plot_conv_costs",
    "plot_conv_fft",
    "plot_conv_matrix",
    "plot_conv_window",
    "plot_copy",
    "plot_decisions",
    "plot_demo",
    "plot_distance_by_angle",
    "plot_drift",
    "plot_eigenvalues",
    "plot_error_maps",
    "plot_errors",
    "plot_explanation",
    "plot_fidelity",
    "plot_filter_bank",
    "plot_filter_partners",
    "plot_fitted",
    "plot_fitted_errors",
    "plot_fitted_maps",
    "plot_gates",
    "plot_grids",
    "plot_invariance_count",
    "plot_kept",
    "plot_kernels",
    "plot_layers",
    "plot_lie",
    "plot_lift",
    "plot_memory",
    "plot_nuisances",
    "plot_one_among",
    "plot_orbits",
    "plot_pairs",
    "plot_parts",
    "plot_phases",
    "plot_plane",
    "plot_planes",
    "plot_psnr",
    "plot_ranks",
    "plot_readouts",
    "plot_rebuilt",
    "plot_repacked",
    "plot_reports",
    "plot_rings",
    "plot_scree",
    "plot_scree_and_plane",
    "plot_sensitivity",
    "plot_separation",
    "plot_shifts",
    "plot_square",
    "plot_stages",
    "plot_stitching",
    "plot_strongest",
    "plot_throughput",
    "plot_training",
    "plot_turned_component",
    "plot_turned_copies",
    "plot_two_models",
    "plot_unit",
    "plot_unit_maps",
    "plot_wavelet",
    "show_images",
    "to_png",
]
