"""A torch module that the user brings: what its answers hang on, shown in a notebook.

    from wholefit.api import networks
    networks.why(module, x, method="integrated")
    networks.attention(module, tokens, names=["the", "film", ...])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import unknown
from wholefit.explain import attention as looking
from wholefit.explain import gradients


@dataclass(frozen=True, eq=False)
class Shown:
    """A finding and its picture: `record` holds the numbers, `str()` the sentences."""

    record: Any
    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __str__(self) -> str:
        return self.text


def why(
    module: Any, x: Any, target: Any = None, *, method: str = "integrated",
    names: Sequence[str] | None = None, **options: Any,
) -> Shown:
    """What each input is worth to the module's answers, by one of `gradients.METHODS`.

    `names` are those of inputs or tokens, for the picture. `options` are those of the function in
    `wholefit.explain.gradients`: `baseline`, `steps`, `tolerance`, `samples`, `window`, `layer`,
    `through` ... Raises ParameterError, UnknownNameError, MissingExtraError without torch.
    """
    from wholefit.report import saliency as pages

    if method not in gradients.BY_NAME:
        raise unknown("method", str(method), gradients.METHODS)
    record = gradients.BY_NAME[method](module, x, target=target, **options)
    seen = np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
    return Shown(record, str(pages.attribution(record, seen, names)), record.to_text())


def attention(module: Any, *inputs: Any, names: Sequence[str], row: int = 0) -> Shown:
    """Where the module's attention layers look, token by token, with its rollout.

    `names` are the tokens of the row that is drawn.
    """
    from wholefit.report import saliency as pages

    record = looking.attention(module, *inputs)
    return Shown(record, str(pages.attention(record, names, row)), record.to_text())


def activations(module: Any, x: Any, layer: str, row: int = 0) -> Shown:
    """What a layer gives for one row, channel by channel."""
    from wholefit.report import saliency as pages

    record = looking.activations(module, x, layer)
    return Shown(record, str(pages.tiles(record[row], f"Activation of {layer}, channel")),
                 f"Layer {layer} gives arrays of shape {record.shape[1:]}.")


def filters(module: Any, layer: str) -> Shown:
    """The filters of a convolution."""
    from wholefit.report import saliency as pages

    record = looking.filters(module, layer)
    return Shown(record, str(pages.tiles(record, f"Filter of {layer}")),
                 f"Layer {layer} has {record.shape[0]} filters of {record.shape[2]} x "
                 f"{record.shape[3]}.")
