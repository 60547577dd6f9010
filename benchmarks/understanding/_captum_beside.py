"""Networks beside captum, in the peer's own environment: `python _captum_beside.py`, as JSON."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np


def main() -> None:
    import torch
    from captum.attr import (
        IntegratedGradients,
        LayerAttribution,
        LayerGradCam,
        Occlusion,
        Saliency,
    )
    from torch import nn

    from wholefit.explain import gradients

    torch.manual_seed(0)
    torch.set_num_threads(1)
    module = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(16 * 11 * 11, 10)).double().eval()
    x = torch.randn(16, 1, 28, 28).double()
    target = module(x).argmax(1)

    def cam() -> Any:
        found = LayerGradCam(module, module[3]).attribute(
            x, target=target, relu_attributions=True)
        return LayerAttribution.interpolate(found, (28, 28), "bilinear")[:, 0]

    cases: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "gradient": (lambda: gradients.gradient(module, x),
                     lambda: Saliency(module).attribute(x, target=target, abs=False)),
        "integrated, 64 steps": (
            lambda: gradients.integrated(module, x, steps=64),
            lambda: IntegratedGradients(module).attribute(
                x, target=target, n_steps=64, method="gausslegendre")),
        "occlusion, 4 x 4": (
            lambda: gradients.occluded(module, x, window=(1, 4, 4), stride=(1, 2, 2)),
            lambda: Occlusion(module).attribute(
                x, target=target, sliding_window_shapes=(1, 4, 4), strides=(1, 2, 2))),
        "Grad-CAM": (lambda: gradients.grad_cam(module, x, "3"), cam),
    }
    print(json.dumps({name: measured(*pair) for name, pair in cases.items()}))


def measured(ours: Callable[[], Any], theirs: Callable[[], Any]) -> dict[str, float]:
    """The largest difference of the two, and the median ratio of their times, in turns."""
    apart = float(np.abs(ours().values - theirs().detach().numpy()).max())
    ratios = []
    for _ in range(5):
        start = time.perf_counter()
        theirs()
        middle = time.perf_counter()
        ours()
        ratios.append((middle - start) / (time.perf_counter() - middle))
    return {"apart": apart, "ratio": statistics.median(ratios), "low": min(ratios),
            "high": max(ratios)}


if __name__ == "__main__":
    main()
