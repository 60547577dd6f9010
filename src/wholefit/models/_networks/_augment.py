"""Words for changes of pictures, as a change of batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wholefit.models._kernels._network_inputs import Inputs


def change(words: Any, inputs: Inputs, loss: str) -> Callable[..., Any] | None:
    """What `nn.augment` makes of the words, for the picture among the inputs; None without one."""
    return None
