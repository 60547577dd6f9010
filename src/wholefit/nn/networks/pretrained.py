"""A network on the body of another: prepared input, the body, a new head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn.networks._registry import network


@network("pretrained", recipe={"optimizer": "adamw", "rate": 1e-3, "batch": 32, "epochs": 30,
                              "schedule": "cosine", "weight_decay": 1e-2})
class Pretrained(nn.Module):
    """The body that `base` is made of, under a new head; (n, ...) to (n, outputs).

    `base` is the `made_of` of a network; its head is taken off. `hidden` are layers of the new
    head, before its last. `picture` says how pixels 0..255 become what the base was trained with
    (size, mean, spread, flipped); None hands the input on as it is. `beside` numbers (n, beside),
    given first, join the features. `learns` is the share of the body's stages, from the top, that
    are not frozen; each learns at the rate of the one above divided by `decay`.
    """

    def __init__(
        self, base: Mapping[str, Any], outputs: int, hidden: Sequence[int] = (),
        dropout: float = 0.0, picture: Mapping[str, Any] | None = None, beside: int = 0,
        learns: float = 1.0, decay: float = 2.6,
    ) -> None:
        super().__init__()
        from wholefit.nn.networks import make
        from wholefit.nn.transfer.bodies import Body
        from wholefit.nn.transfer.freezing import count_of, train_top

        if not isinstance(base, Mapping) or base.get("network") == "pretrained":
            raise ParameterError("the base of a pretrained network must be the made_of of another "
                                 f"network, not of a pretrained one; got {base!r}.")
        self.body = Body(make(**base))
        self.decay = decay
        self.seen = nn.Identity() if picture is None else Prepare(picture)
        layers: list[nn.Module] = []
        self.beside = beside
        width = self.body.feature_width + beside
        for size in hidden:
            layers += [nn.Linear(width, size), nn.ReLU()]
            width = size
        if dropout:
            layers.append(nn.Dropout(dropout))
        self.head = nn.Sequential(*layers, nn.Linear(width, outputs))
        train_top(self, count_of(self, learns))

    @property
    def feature_width(self) -> int:
        """How many numbers the head is given for a row."""
        return int(self.body.feature_width) + self.beside

    def stages(self) -> list[nn.Module]:
        """The body's parts that can be frozen, from the input up; the head is none of them."""
        return self.body.stages()

    def groups(self) -> list[dict[str, Any]]:
        """Rates that fall with depth, for what trains it."""
        from wholefit.nn.transfer.freezing import rates

        return [{"params": group["params"], "factor": group["lr"]}
                for group in rates(self, 1.0, decay=self.decay)]

    def features(self, *inputs: torch.Tensor) -> torch.Tensor:
        """What the head is given, (n, feature_width)."""
        if not self.beside:
            return self.body(self.seen(inputs[0]), *inputs[1:])
        numbers, first, *rest = inputs
        return torch.cat([self.body(self.seen(first), *rest), numbers], dim=1)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Logits or numbers."""
        return self.head(self.features(*inputs))


class Prepare(nn.Module):
    """Pixels 0..255, (n, channels, height, width), as a base wants them."""

    def __init__(self, picture: Mapping[str, Any]) -> None:
        super().__init__()
        from wholefit.nn.transfer.bases import Picture

        found = Picture.of({"size": None, **picture})  # sizes and numbers within reason
        self.size, self.flipped = found.size, found.flipped
        self.mean, self.spread = found.mean, found.spread

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Resized, in the base's channels and on its scale."""
        x = x.float()
        wanted = len(self.mean)
        if x.shape[1] != wanted:
            x = _channels(x, wanted)
        if self.size is not None and x.shape[2:] != (self.size, self.size):
            x = nn.functional.interpolate(x, (self.size, self.size), mode="bilinear",
                                          antialias=max(x.shape[2:]) > self.size)
        x = x.flip(1) if self.flipped else x
        shape = (1, wanted, 1, 1)
        return (x - x.new_tensor(self.mean).view(shape)) / x.new_tensor(self.spread).view(shape)


def _channels(x: torch.Tensor, wanted: int) -> torch.Tensor:
    """Grey repeated; an alpha channel shown on white; colour made grey by its mean."""
    if x.shape[1] in (2, 4):
        alpha = x[:, -1:] / 255.0
        x = x[:, :-1] * alpha + 255.0 * (1.0 - alpha)
    if x.shape[1] == wanted:
        return x
    if x.shape[1] != 1:
        x = x.mean(dim=1, keepdim=True)
    return x.expand(-1, wanted, -1, -1)
