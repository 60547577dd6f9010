"""Convolution and pooling: sizes, numbers to learn, and what moves with the picture."""

from __future__ import annotations

from itertools import product

import torch
from torch import nn

from wholefit.nn.lessons._lesson import Chart, Lesson, Tiles, found, grid, lesson, line
from wholefit.nn.networks import output_size


@lesson("output_size", "How large is a picture after a convolution?")
def output_sizes() -> Lesson:
    """The formula against what torch makes, over sizes, kernels, strides, padding and dilation."""
    tried = short_wrong = wrong = 0
    for size, kernel, stride, padding, dilation in product(
            range(1, 33), (1, 2, 3, 5, 7), (1, 2, 3), (0, 1, 2), (1, 2)):
        said = output_size(size, kernel, stride, padding, dilation)
        made = _made(size, kernel, stride, padding, dilation)
        tried += 1
        wrong += said != made
        short_wrong += (size - kernel) / stride + 1 != made
    numbers = {"tried": tried, "wrong": wrong, "short_formula_wrong": short_wrong,
               "28_by_3": output_size(28, 3), "28_by_3_stride_2": output_size(28, 3, 2),
               "short_28_by_3_stride_2": (28 - 3) / 2 + 1, "same_padding": output_size(28, 3, 1, 1)}
    lines = tuple(line(f"kernel 3, stride {stride}, padding {padding}", range(3, 33),
                       [output_size(s, 3, stride, padding) for s in range(3, 33)])
                  for stride, padding in ((1, 1), (1, 0), (2, 0), (3, 0)))
    said_ = [f"floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1 is right in all "
             f"{tried:,} cases tried; {wrong} were wrong.",
             f"(size - kernel) / stride + 1 is wrong in {short_wrong:,} of them: it knows no "
             f"padding, no dilation and no floor. 28 by 3 with stride 2 is "
             f"{output_size(28, 3, 2)}, not {(28 - 3) / 2 + 1:g}.",
             "A kernel of 3 with padding 1 keeps the size."]
    return found("output_size", said_, numbers, pictures=[Chart(
        "Size after a convolution", "size before", "size after", lines)])


def _made(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """What torch makes; 0 where it refuses, for nothing fits."""
    layer = nn.Conv1d(1, 1, kernel, stride, padding, dilation, device="meta")
    try:
        return int(layer(torch.empty(1, 1, size, device="meta")).shape[-1])
    except RuntimeError:
        return 0


@lesson("pooling", "What does global pooling save over flattening?")
def pooling(seed: int = 0) -> Lesson:
    """Sizes, numbers to learn for ten classes, and the answer when the picture is shifted."""
    draw = torch.Generator().manual_seed(seed)
    maps = torch.zeros(1, 4, 16, 16)
    maps[:, :, 3:8, 3:8] = torch.rand(1, 4, 5, 5, generator=draw)
    moved = torch.roll(maps, (5, 5), (2, 3))
    flat, mean, most = nn.Flatten(), nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(1)
    head = {"flatten": flat(maps).shape[1], "pooling": flat(mean(maps)).shape[1]}
    gap = {"flatten": _gap(flat(maps), flat(moved)), "mean": _gap(mean(maps), mean(moved)),
           "max": _gap(most(maps), most(moved))}
    weights = {name: (size + 1) * 10 for name, size in head.items()}
    numbers = {**head, **{f"weights_{name}": float(each) for name, each in weights.items()},
               **{f"moved_{name}": each for name, each in gap.items()}}
    said = [f"Four maps of 16 by 16 flatten to {head['flatten']:,} numbers; their means are "
            f"{head['pooling']}. A layer for ten classes has {weights['flatten']:,} numbers to "
            f"learn after the one, {weights['pooling']} after the other.",
            f"Shifted by five pixels, the flattened picture changes by {gap['flatten']:.0%} of its "
            f"length, the means by {gap['mean']:.0e}, the maxima by {gap['max']:.0e}: pooling "
            "forgets where."]
    tiles = Tiles("One of four maps, and the same shifted",
                  (("as it is", grid(maps[0, 0].numpy())), ("shifted", grid(moved[0, 0].numpy()))))
    return found("pooling", said, numbers, pictures=[tiles], header=("", "numbers", "to learn"),
                 rows=[[name, head[name], weights[name]] for name in head])


def _gap(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).norm() / one.norm())


@lesson("convolution", "Why a convolution rather than a full layer?")
def convolution(seed: int = 0) -> Lesson:
    """Numbers to learn for the same maps, and whether the answer moves with the picture."""
    torch.manual_seed(seed)
    picture = torch.zeros(1, 1, 28, 28)
    picture[0, 0, 8:16, 8:12] = 1.0
    moved = torch.roll(picture, 6, 3)
    conv = nn.Conv2d(1, 8, 3, padding=1)
    full = nn.Linear(784, 784 * 8)
    with torch.no_grad():
        before, after = conv(picture), conv(moved)
        follows = _gap(torch.roll(before, 6, 3), after)
        flat, flat_moved = (full(each.flatten(1)).view(1, 8, 28, 28) for each in (picture, moved))
        full_follows = _gap(torch.roll(flat, 6, 3), flat_moved)
    counts = {"conv": sum(p.numel() for p in conv.parameters()),
              "full": sum(p.numel() for p in full.parameters()),
              "colour": 5 * 2 * 2 * 3}
    numbers = {"weights_conv": counts["conv"], "weights_full": counts["full"],
               "weights_colour": counts["colour"], "conv_follows": follows,
               "full_follows": full_follows}
    said = [f"Eight maps of a 28 by 28 picture take {counts['conv']} numbers by a kernel of 3, "
            f"{counts['full']:,} by a full layer.",
            f"Moving the picture moves the maps (difference {follows:.0e}); the full layer answers "
            f"something else (difference {full_follows:.0%}): what is learnt in one place is known "
            "in all.",
            f"Five kernels of 2 by 2 on a colour picture give five maps and have "
            f"{counts['colour']} weights, for each reaches through all three colours."]
    tiles = Tiles("A bar, a map of it, the bar moved, the same map of that", tuple(
        (words, grid(each[0, 0].numpy())) for words, each in (
            ("picture", picture), ("a map", before), ("moved", moved), ("the map", after))))
    return found("convolution", said, numbers, pictures=[tiles])
