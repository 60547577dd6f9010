"""A network with its inputs, its pictures' scale and its link as one torch module of features.

`forward(features)`: float64 (rows, p) as the encoder makes them -> probabilities (rows, classes)
or numbers (rows,). Networks of numbers and codes compute in float64, as the model itself does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.optional import need
from wholefit.base.state import State
from wholefit.models._kernels._network_inputs import _FAR, _LEAST, Inputs


def whole(state: State) -> tuple[Any, Any]:
    """The module, in eval mode, and two rows of features to trace it with."""
    torch = need("torch", extra="deep", user="exporting a network")
    inner, _ = module_of(state)
    inputs = Inputs.of_config(state.config["inputs"], state.arrays)
    exact = not (inputs.of("image") or inputs.of("tokens"))
    module = _module(torch, inner.double() if exact else inner, inputs, state)
    return module.eval(), torch.zeros((2, inputs.features), dtype=torch.float64)


def module_of(state: State) -> tuple[Any, tuple[Any, ...]]:
    """A network's state as torch module, pictures normalised inside, and two rows to trace it."""
    torch = need("torch", extra="deep", user="exporting a network")
    from wholefit.models._networks import _states
    from wholefit.models._networks._answering import Prepared

    inputs = Inputs.of_config(state.config["inputs"], state.arrays)
    module = Prepared(_states.module_of(state), _states.figures_of(state)).cpu().eval().float()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    rows = inputs.split(np.zeros((2, inputs.features)), np.float32)
    example = tuple(torch.from_numpy(each).float() if each.ndim == 4 or each.dtype.kind == "f"
                    else torch.from_numpy(each) for each in rows)
    return module, example


def _module(torch: Any, inner: Any, inputs: Inputs, state: State) -> Any:
    parent: Any = torch.nn.Module
    exact = not (inputs.of("image") or inputs.of("tokens"))
    levels = [level for span in inputs.of("codes") for level in span.levels]
    link, target = state.config["link"], state.arrays.get("target")
    classes, n_classes = state.config.get("classes"), int(state.config["n_classes"])

    class Whole(parent):  # type: ignore[misc]
        """Features to answers; see the module's first lines."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = inner
            kept = {name: np.array(values, np.float64)
                    for name, values in {**inputs.arrays, **state.arrays}.items()}
            for kind in ("numbers", "codes"):
                runs = [np.arange(s.start, s.stop) for s in inputs.of(kind)]
                kept[f"at_{kind}"] = np.concatenate([np.arange(0), *runs]).astype(np.int64)
            kept["levels"] = np.array(levels, np.int64)
            for name, values in kept.items():
                # torch cannot save a program that holds two empty tensors
                if values.size:
                    self.register_buffer(name, torch.as_tensor(values))

        def forward(self, features: Any) -> Any:
            """Features (rows, p) to probabilities (rows, classes) or numbers (rows,)."""
            pieces = [each if each.dtype == torch.int64 or exact else each.float()
                      for each in _pieces(torch, self, features, inputs, levels)]
            raw = self.inner(*pieces).double()
            raw = raw if raw.dim() == 2 else raw.unsqueeze(1)
            if link == "softmax":
                return _laid(torch, torch.softmax(raw, 1), classes, n_classes)
            if link == "labels":
                return torch.sigmoid(raw)
            found = raw if target is None else raw * self.target[1] + self.target[0]
            return found[:, 0] if found.shape[1] == 1 else found

    return Whole()


def _pieces(torch: Any, module: Any, x: Any, inputs: Inputs, levels: list[int]) -> list[Any]:
    """The inputs of the network, as `Inputs.split` cuts them."""
    found, parts = [], []
    if hasattr(module, "at_numbers"):
        numbers = x.index_select(1, module.at_numbers)
        parts.append(_scaled(torch, module, numbers, inputs.scaling))
    if hasattr(module, "at_codes"):
        codes = x.index_select(1, module.at_codes)
        fine = (codes >= 0) & (codes < module.levels)
        known = torch.where(fine, codes, torch.full_like(codes, -1)).long()
        if inputs.onehot:
            parts += [(known[:, at:at + 1] == torch.arange(level)).double()
                      for at, level in enumerate(levels)]
        else:
            found.append(known)
            parts = parts or [x[:, :0]]
    found = [torch.cat(parts, 1), *found] if parts else found
    return [*found, *_pictures(torch, x, inputs.spans), *_texts(torch, x, inputs.spans)]


def _scaled(torch: Any, module: Any, numbers: Any, scaling: str) -> Any:
    if scaling == "none":
        return numbers
    if scaling == "quantile":
        return _normal_scores(torch, numbers, module.quantiles)
    found = ((numbers - module.centre) * module.factor).clamp(-_FAR, _FAR)
    return found / torch.sqrt(1.0 + (found / 3.0) ** 2) if scaling == "robust" else found


def _pictures(torch: Any, x: Any, spans: Any) -> list[Any]:
    return [torch.nan_to_num(x[:, span.start:span.stop]).round().clamp(0, 255).reshape(
        -1, *span.shape) for span in spans if span.kind == "image"]


def _texts(torch: Any, x: Any, spans: Any) -> list[Any]:
    return [torch.nan_to_num(x[:, span.start:span.stop]).long().clamp(0, span.levels[0] - 1)
            for span in spans if span.kind == "tokens"]


def _laid(torch: Any, shares: Any, classes: Any, n_classes: int) -> Any:
    """Probabilities of the classes seen laid over all of them."""
    if classes is None or not n_classes or len(classes) == n_classes:
        return shares
    place = {int(code): at for at, code in enumerate(classes)}
    order = torch.tensor([place.get(code, len(classes)) for code in range(n_classes)])
    return torch.cat([shares, torch.zeros_like(shares[:, :1])], 1).index_select(1, order)


def _normal_scores(torch: Any, numbers: Any, known: Any) -> Any:
    """Numbers (rows, p) as scores of a normal distribution, by quantiles known (q, p)."""
    low = _interpolated(torch, numbers, known)
    high = 1.0 - _interpolated(torch, -numbers, -known.flip(0))
    return torch.special.ndtri(((low + high) / 2).clamp(_LEAST, 1 - _LEAST))


def _interpolated(torch: Any, x: Any, known: Any) -> Any:
    """The rank 0 to 1 of x (rows, p) among known (q, p) ascending, linear between, as numpy's."""
    count = known.shape[0]
    knots = known.T.contiguous()
    held = x.T.contiguous()
    held = torch.minimum(torch.maximum(held, knots[:, :1]), knots[:, -1:])
    below = (torch.searchsorted(knots, held, right=True) - 1).clamp(0, count - 2)
    left, right = knots.gather(1, below), knots.gather(1, below + 1)
    gap = right - left
    share = torch.where(gap > 0, (held - left) / torch.where(gap > 0, gap, torch.ones_like(gap)),
                        torch.zeros_like(gap))
    found = (below.double() + share) / (count - 1)
    found = torch.where(held >= knots[:, -1:], torch.ones_like(found), found)
    return torch.where(knots[:, :1] > x.T, torch.zeros_like(found), found).T
