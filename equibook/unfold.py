"""A conventional CNN as explicit operators: convolutions as matrices, Fourier products and windows times a matrix."""

from equibook.convolution import ConvStructure, conv_fft, conv_im2col, conv_matrix, conv_structure

__all__ = ["ConvStructure", "conv_fft", "conv_im2col", "conv_matrix", "conv_structure"]
