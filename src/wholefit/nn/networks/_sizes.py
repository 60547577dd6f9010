"""What a convolution or a pooling makes of a side, and how much of the image one place sees."""

from __future__ import annotations

from collections.abc import Sequence

from wholefit.base.errors import ParameterError


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, *,
                ceil: bool = False) -> int:
    """Places that a window of `kernel` takes along a side of `size`.

    floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, and 0 where the window does
    not fit. `ceil` is for poolings that keep a window which hangs over the end, as torch's
    `ceil_mode` does: never one that begins in the padding.

    >>> output_size(28, 3), output_size(28, 3, stride=2), output_size(28, 3, padding=1)
    (26, 13, 28)
    """
    if min(size, kernel, stride, dilation) < 1 or padding < 0:
        raise ParameterError(
            "output_size needs size, kernel, stride and dilation >= 1 and padding >= 0; got "
            f"{size}, {kernel}, {stride}, {dilation} and {padding}.")
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    if room < 0:
        return 0
    found = (-(-room // stride) if ceil else room // stride) + 1
    return found - 1 if ceil and (found - 1) * stride >= size + padding else found


def receptive_field(steps: Sequence[tuple[int, int, int]]) -> tuple[int, int]:
    """(places of the input that one output sees along a side, distance of neighbouring outputs).

    `steps` are (kernel, stride, dilation) from the input on: convolutions and poolings alike
    (Araujo et al. 2019).

    >>> receptive_field([(3, 1, 1), (2, 2, 1), (3, 1, 1)])
    (8, 2)
    """
    seen, jump = 1, 1
    for kernel, stride, dilation in steps:
        if min(kernel, stride, dilation) < 1:
            raise ParameterError("receptive_field needs kernel, stride and dilation >= 1; got "
                                 f"{kernel}, {stride} and {dilation}.")
        seen += dilation * (kernel - 1) * jump
        jump *= stride
    return seen, jump
