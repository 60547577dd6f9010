"""What a torch network's answer hangs on: gradients, integrated gradients, Grad-CAM, occlusion.

For a module that the user brings; nothing is trained and no parameter is touched. The first axis
of what it is asked holds rows. Integrated gradients add up to the difference from the baseline;
how far they fail to is measured, and steps are added until it is little.

    from wholefit.explain import gradients
    gradients.integrated(module, x, baseline=0.0).to_text()

Sources: Simonyan et al. 2014 (gradients), Smilkov et al. 2017 (SmoothGrad), Sundararajan, Taly &
Yan 2017 (integrated gradients), Zeiler & Fergus 2014 (occlusion), Selvaraju et al. 2017 (Grad-CAM).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError, unknown
from wholefit.base.optional import need
from wholefit.base.seeds import derive
from wholefit.base.wording import plain

METHODS = ("gradient", "smooth", "integrated", "occlusion", "grad_cam")
_LEAST_STEPS = 16


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each input is worth: `values` in the shape of the input (of Grad-CAM: rows, h, w).

    `outputs` (rows,) are the outputs explained, `answers` (rows,) their values. For integrated
    gradients `gap` (rows,) is by how much the values miss f(x) - f(baseline), `steps` how many
    were taken, and `settled` whether the gap is within the tolerance.
    """

    method: str
    values: np.ndarray
    outputs: np.ndarray
    answers: np.ndarray
    gap: np.ndarray | None = None
    steps: int = 0
    settled: bool = True

    def by_token(self) -> np.ndarray:
        """Worth of each token (rows, tokens), of values (rows, tokens, features)."""
        if self.values.ndim != 3:
            raise ParameterError(f"tokens need values of (rows, tokens, features); got shape "
                                 f"{self.values.shape}.")
        return np.asarray(self.values.sum(axis=2))

    def to_text(self) -> str:
        """Plain sentences."""
        lines = [f"Row {row + 1}: output {int(output)} is {answer:.4g}; the inputs that matter "
                 f"most: {self._first(row)}."
                 for row, (output, answer) in enumerate(zip(
                     self.outputs[:5], self.answers[:5], strict=True))]
        return "\n".join([*lines, self._how()])

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return plain({"method": self.method, "values": self.values.tolist(),
                      "outputs": self.outputs.tolist(), "answers": self.answers.tolist(),
                      "gap": None if self.gap is None else self.gap.tolist(),
                      "steps": self.steps, "settled": self.settled})

    def _first(self, row: int) -> str:
        worth = self.values[row]
        order = np.argsort(-np.abs(worth).ravel(), kind="stable")[:3]
        places = [tuple(int(i) for i in np.unravel_index(at, worth.shape)) for at in order]
        return ", ".join(f"{list(place)} ({worth[place]:+.3g})" for place in places)

    def _how(self) -> str:
        if self.gap is None:
            return f"By {self.method.replace('_', '-')}."
        enough = "" if self.settled else ", more than was asked for: the network bends too sharply"
        return (f"By integrated gradients in {self.steps} steps; they add up to the difference "
                f"from the baseline but for {np.abs(self.gap).max(initial=0.0):.2g}{enough}.")


def gradient(module: Any, x: Any, target: Any = None, *, through: str | None = None) -> Attribution:
    """The slope of the output at each input.

    `target`: the output explained, one for all or one a row; the largest where None. `through`
    names a layer (an embedding) whose output is taken for the input, where that is no number.
    """
    asked = _Asked(module, x, target, through)
    return asked.told("gradient", asked.gradient(asked.start))


def smooth(
    module: Any, x: Any, target: Any = None, *, samples: int = 50, noise: float = 0.15,
    seed: int = 0, through: str | None = None,
) -> Attribution:
    """The mean slope around each input: `samples` of normal noise, `noise` of the input's range.
    """
    _at_least("samples", samples, 1)
    asked = _Asked(module, x, target, through)
    torch, start = asked.torch, asked.start
    flat = start.reshape(len(start), -1)
    size = (flat.max(1).values - flat.min(1).values).reshape(-1, *[1] * (start.ndim - 1)) * noise
    draw = torch.Generator().manual_seed(derive(seed, "smooth"))
    total = np.zeros(tuple(start.shape))
    for _ in range(samples):
        jitter = torch.randn(start.shape, generator=draw, dtype=start.dtype).to(start.device)
        total += asked.gradient(start + size * jitter)
    return asked.told("smooth", total / samples)


def integrated(
    module: Any, x: Any, target: Any = None, *, baseline: Any = None, steps: int | None = None,
    tolerance: float = 0.01, most: int = 1024, through: str | None = None,
) -> Attribution:
    """Slopes summed on the straight way from `baseline` (zeros where None) to the input.

    Steps (points of Gauss and Legendre) are doubled from 16 up to `most` until the values add up
    to f(x) - f(baseline) within `tolerance` of it; `steps` sets their number instead.
    """
    asked = _Asked(module, x, target, through)
    start = asked.start
    base = asked.torch.zeros_like(start) if baseline is None else asked.like(baseline)
    whole = asked.answer(start) - asked.answer(base)
    count = steps or _LEAST_STEPS
    _at_least("steps", count, 1)
    while True:
        values = _path(asked, base, count)
        gap = values.reshape(len(values), -1).sum(axis=1) - whole
        scale = np.maximum(np.abs(whole), 1e-3 * max(1.0, float(np.abs(whole).max(initial=0.0))))
        settled = bool((np.abs(gap) <= tolerance * scale).all())
        if settled or steps is not None or count * 2 > most:
            return asked.told("integrated", values, gap=gap, steps=count, settled=settled)
        count *= 2


def occluded(
    module: Any, x: Any, target: Any = None, *, window: Sequence[int], stride: Any = None,
    baseline: float = 0.0, block: int = 64,
) -> Attribution:
    """What the output loses when a window of the input is covered, averaged over windows.

    `window` is its size along each axis of a row; `stride` how far it moves (its size where None).
    """
    asked = _Asked(module, x, target, None)
    torch, start = asked.torch, asked.start
    shape = tuple(start.shape[1:])
    size = tuple(int(side) for side in window)
    moves = size if stride is None else (
        (stride,) * len(shape) if isinstance(stride, int) else tuple(stride))
    if len(size) != len(shape) or len(moves) != len(shape) or min((*size, *moves)) < 1:
        raise ParameterError(f"window and stride must have a size of at least 1 for each axis of "
                             f"a row, {shape}; got {tuple(window)} and {stride!r}.")
    places = list(product(*(sorted({*range(0, max(1, n - w + 1), s), max(0, n - w)})
                            for n, w, s in zip(shape, size, moves, strict=True))))
    total, times = np.zeros(tuple(start.shape)), np.zeros(shape)
    block = max(1, block // max(1, len(start)))
    for at in range(0, len(places), block):
        part = places[at:at + block]
        cut = [tuple(slice(a, a + w) for a, w in zip(place, size, strict=True)) for place in part]
        covered = start.repeat(len(part), *[1] * len(shape))
        for number, where in enumerate(cut):
            covered[(slice(number * len(start), (number + 1) * len(start)), *where)] = baseline
        with torch.no_grad():
            got = asked.chosen(asked.module(covered), len(part)).reshape(len(part), -1)
        for where, each in zip(cut, got.double().cpu().numpy(), strict=True):
            lost = (asked.answers - each).reshape(-1, *[1] * len(shape))
            total[(slice(None), *where)] += lost
            times[where] += 1
    return asked.told("occlusion", total / np.maximum(times, 1))


def grad_cam(
    module: Any, x: Any, layer: str, target: Any = None, *, resized: bool = True
) -> Attribution:
    """Where in a picture a convolution looks for the output: (rows, h, w), never below zero.

    `layer` names the convolution; `resized` brings the map to the size of the picture.
    """
    asked = _Asked(module, x, target, None)
    torch = asked.torch
    kept: dict[str, Any] = {}
    found = layer_of(module, layer)
    handle = found.register_forward_hook(lambda _m, _i, out: kept.update(out=out))
    try:
        output = asked.chosen(asked.module(asked.start.requires_grad_(True)))
    finally:
        handle.remove()
    maps = kept.get("out")
    if maps is None or not hasattr(maps, "ndim") or maps.ndim != 4:
        raise ParameterError(f"layer {layer!r} must give maps (rows, channels, h, w); it gave "
                             f"{'nothing' if maps is None else tuple(getattr(maps, 'shape', ()))}")
    slopes = torch.autograd.grad(output.sum(), maps)[0]
    cam = (slopes.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1, keepdim=True).clamp(min=0)
    if resized:
        cam = torch.nn.functional.interpolate(
            cam, size=tuple(asked.start.shape[2:]), mode="bilinear", align_corners=False)
    return asked.told("grad_cam", cam[:, 0].detach().double().cpu().numpy())


def layer_of(module: Any, name: str) -> Any:
    """The submodule of that name; a misspelt one gets the nearest right one."""
    every = dict(module.named_modules())
    if name not in every or not name:
        raise unknown("layer", name, [each for each in every if each])
    return every[name]


@contextmanager
def at_rest(module: Any) -> Iterator[None]:
    """The module as it is when it answers (no dropout), and afterwards as it was, part by part."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def torch_for(user: str) -> ModuleType:
    """Torch, or the error that says what to install."""
    return need("torch", extra="deep", user=user)


# ---- asking a module --------------------------------------------------------------------


class _Asked:
    """A module, the rows it is asked, and the output that is explained of each."""

    def __init__(self, module: Any, x: Any, target: Any, through: str | None) -> None:
        self.torch = torch_for("gradients of a network")
        if not isinstance(module, self.torch.nn.Module):
            raise ParameterError(f"module must be a torch.nn.Module; got {type(module).__name__}.")
        self._module = module
        first = next(iter(module.parameters()), None)
        self._place = None if first is None else first.device
        self._dtype = None if first is None else first.dtype
        given = self.torch.as_tensor(x).detach()
        given = given.to(self._place) if self._place is not None else given
        if given.ndim < 2 or not len(given):
            raise ParameterError("x must be an array with rows on its first axis and at least one "
                                 f"row; got shape {tuple(given.shape)}.")
        self._given, self._layer = given, None
        self.start = given
        if through is not None:
            self._layer = layer_of(module, through)
            self.start = self._output_of_layer()
        elif not given.is_floating_point():
            if given.dtype in (self.torch.int64, self.torch.int32) and _embeds(module, self.torch):
                raise ParameterError("x holds whole numbers, which have no slope: say through= "
                                     "the name of the embedding layer.")
            self.start = given.to(self._dtype or self.torch.float32)
        elif self._dtype is not None:
            self.start = given.to(self._dtype)
        with self.torch.no_grad():
            raw = self.module(self.start)
        self._flat = raw.ndim == 1 or raw.shape[1] == 1
        if raw.ndim > 2 or len(raw) != len(given):
            raise ParameterError("module must answer with (rows, outputs); it answers with shape "
                                 f"{tuple(raw.shape)}.")
        self.outputs = self._wanted(target, raw)
        self.answers = self.chosen(raw).double().cpu().numpy()

    def module(self, values: Any) -> Any:
        """The module's answer to inputs, or to what its layer would have given."""
        with at_rest(self._module):
            if self._layer is None:
                return self._module(values)
            handle = self._layer.register_forward_hook(lambda _m, _i, _o: values)
            try:
                return self._module(self._given)
            finally:
                handle.remove()

    def chosen(self, raw: Any, times: int = 1) -> Any:
        """The explained output of each row (rows,), of rows repeated so many times."""
        if self._flat:
            return raw.reshape(-1)
        at = self.torch.as_tensor(np.tile(self.outputs, times), device=raw.device)
        return raw.gather(1, at[:, None])[:, 0]

    def answer(self, values: Any) -> np.ndarray:
        """The explained outputs of other inputs (rows,)."""
        with self.torch.no_grad():
            return np.asarray(self.chosen(self.module(values)).double().cpu().numpy())

    def gradient(self, values: Any) -> np.ndarray:
        """Slopes of the explained outputs at these inputs, in their shape."""
        here = values.detach().clone().requires_grad_(True)
        with self.torch.enable_grad():
            slopes = self.torch.autograd.grad(self.chosen(self.module(here)).sum(), here)[0]
        return np.asarray(slopes.double().cpu().numpy())

    def like(self, values: Any) -> Any:
        """`values` as an input: in shape, kind and place."""
        made = self.torch.as_tensor(values).to(device=self.start.device, dtype=self.start.dtype)
        try:
            return made.expand(self.start.shape).clone()
        except RuntimeError:
            raise ParameterError(f"baseline must fit inputs of shape {tuple(self.start.shape)}; "
                                 f"got {tuple(made.shape)}.") from None

    def told(self, method: str, values: np.ndarray, **more: Any) -> Attribution:
        return Attribution(method, values, self.outputs, self.answers, **more)

    def _output_of_layer(self) -> Any:
        kept: dict[str, Any] = {}
        assert self._layer is not None
        handle = self._layer.register_forward_hook(lambda _m, _i, out: kept.update(out=out))
        try:
            with self.torch.no_grad(), at_rest(self._module):
                self._module(self._given)
        finally:
            handle.remove()
        if not hasattr(kept.get("out"), "detach"):
            raise ParameterError("the layer named by through= must be used, and give one tensor.")
        return kept["out"].detach()

    def _wanted(self, target: Any, raw: Any) -> np.ndarray:
        if self._flat:
            return np.zeros(len(raw), dtype=np.int64)
        if target is None:
            return np.asarray(raw.argmax(1).cpu().numpy())
        found = np.broadcast_to(np.asarray(target), (len(raw),)).astype(np.int64)
        if found.min() < 0 or found.max() >= raw.shape[1]:
            raise ParameterError(f"target must be >= 0 and < {raw.shape[1]}, the outputs of the "
                                 f"module; got {target!r}.")
        return found


def _path(asked: _Asked, base: Any, steps: int) -> np.ndarray:
    """Integrated gradients by Gauss-Legendre quadrature with so many points."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    way = asked.start - base
    total = np.zeros(tuple(way.shape))
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        total += weight * asked.gradient(base + float(point) * way)
    return total * way.double().cpu().numpy()


def _embeds(module: Any, torch: ModuleType) -> bool:
    return any(isinstance(part, torch.nn.Embedding) for part in module.modules())


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ParameterError(f"{name} must be >= {least}; got {value}.")


Ask = Callable[..., Attribution]
BY_NAME: dict[str, Ask] = {"gradient": gradient, "smooth": smooth, "integrated": integrated,
                           "occlusion": occluded, "grad_cam": grad_cam}
