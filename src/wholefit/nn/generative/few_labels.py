"""Few labels, many rows without: a variational autoencoder in which the class is part of the code.

Kingma, Mohamed, Rezende and Welling 2014. A first autoencoder learns codes of all rows (M1). A
second (M2) makes these codes of a class and a code of its own; where the class is not known, every
class is tried and counts as much as the classifier believes in it. So rows without a label teach
the classifier which of them lie together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.budget import Clock
from wholefit.base.errors import DataError
from wholefit.base.params import param
from wholefit.base.seeds import derive
from wholefit.nn.batches import Resident, tensors
from wholefit.nn.generative._steps import Learning, Learnt, OneModule, kept, restore, run
from wholefit.nn.generative.mixed import mixed_cost
from wholefit.nn.generative.variational import Cost, Variation, divergence, train_vae
from wholefit.nn.loop import Callback
from wholefit.nn.predicting import place

UNKNOWN = -1
"""The label of a row whose class is not known."""


@dataclass(frozen=True)
class FewLabels(Learning):
    """How codes, and then the classes in them, are learnt."""

    lower_epochs: int = param(20, "Times that the first autoencoder sees all rows.", low=1,
                              search=(5, 100), log=True)
    weight: float = param(1.0, "How much the known labels count beside the bound: nats of the "
                          "classifier's log loss for one of a row.", above=0,
                          search=(0.1, 100), log=True)
    known: int = param(64, "Labelled rows a step; at most those there are.", low=1)


def train_few_labels(
    module: Any, rows: Any, labels: Any, how: FewLabels, *, cost: str | Cost = "bernoulli",
    callbacks: Sequence[Callback] = (), clock: Clock | None = None,
) -> Learnt:
    """Train a "labelled_vae" on `rows` (n, inputs); `labels` (n,) are codes, -1 where unknown.

    First its `lower` autoencoder learns all rows, whose `cost` is as in `train_vae`; then `upper`
    and `classifier` learn on codes drawn anew each step. The module then gives logits (n, classes).
    The history is of the second part: loss, bound of rows without a label, log loss of those with.
    Raises DataError unless every class has a labelled row and some row has none.
    """
    known = checked(labels, len(rows), int(module.classes))
    first = Variation(epochs=how.lower_epochs, batch=how.batch, rate=how.rate, device=how.device,
                      seed=how.seed)
    train_vae(module.lower, rows, first, cost=cost, clock=clock)
    device = place(how.device)
    module.to(device)
    with torch.no_grad():
        mean, spread = module.lower.encode(tensors([rows], device)[0])
    target = torch.from_numpy(known).to(device)
    seen = target >= 0
    work = Labelled(module, (mean[~seen], spread[~seen]),
                    (mean[seen], spread[seen], target[seen]), how)
    return run(work, callbacks, clock)


def checked(labels: Any, rows: int, classes: int) -> np.ndarray:
    """Labels as whole numbers (n,); DataError for what cannot be learnt from."""
    found = np.asarray(labels)
    if found.shape != (rows,) or found.dtype.kind not in "iu":
        raise DataError("labels must be class codes, one whole number a row, -1 where a class is "
                        f"not known; got {found.dtype} of shape {found.shape} for {rows} rows.")
    found = found.astype(np.int64)
    wrong = found[(found < UNKNOWN) | (found >= classes)]
    if len(wrong):
        raise DataError(f"labels must be from 0 to {classes - 1}, or -1 where a class is not "
                        f"known; got {wrong[0]}.")
    missing = sorted(set(range(classes)) - set(found.tolist()))
    if missing:
        raise DataError(f"every class needs a row that is labelled with it; class {missing[0]} "
                        "has none: label one, or leave the class out.")
    if not (found == UNKNOWN).any():
        raise DataError("no row is without a label, so there is nothing to gain here: train a "
                        "classifier (wholefit.nn.train).")
    return found


class Labelled(OneModule):
    """The work of the second part: classes and codes of codes."""

    def __init__(
        self, module: nn.Module, unknown: Sequence[torch.Tensor], known: Sequence[torch.Tensor],
        how: FewLabels,
    ) -> None:
        super().__init__(module, unknown, how)
        # The lower part has learnt: without a gradient the optimizer leaves it as it is.
        self.how = how
        self.known = Resident(known, how.known, seed=derive(how.seed, "known"))
        self.cost = mixed_cost(module.lower.code)

    def next_batch(self) -> Any:
        """Rows without a label, and as many labelled ones as a step has; None ends an epoch."""
        batch = self.batches.next_batch()
        if batch is None:
            return None
        few = self.known.next_batch() or self.known.next_batch()
        return batch, few

    def step(self, batch: Any) -> dict[str, Any]:
        """Both bounds down, and the log loss of known labels."""
        self.module.train()
        module: Any = self.module
        free, (mean, spread, target) = batch
        row, few = self._drawn(*free), self._drawn(mean, spread)
        bound = self._unlabelled(row).mean()
        own = self._bound(few, target).mean()
        loss = nn.functional.cross_entropy(module.classifier(few), target)
        whole = bound + own + self.how.weight * loss
        self.learn(whole)
        return {"loss": whole, "bound": bound, "log_loss": loss}

    def _drawn(self, mean: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
        return mean + self.normal(*mean.shape) * torch.exp(0.5 * spread)

    def _bound(self, rows: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Nats (n,) of codes of a class, with those of the class, all being as likely."""
        module: Any = self.module
        noise = self.normal(len(rows), module.upper.code)
        raw, mean, spread = module.upper.through(rows, noise, label)
        classes = float(np.log(module.classes))
        found: torch.Tensor = self.cost(raw, rows) + divergence(mean, spread).sum(dim=1) + classes
        return found

    def _unlabelled(self, rows: torch.Tensor) -> torch.Tensor:
        """Nats (n,) of codes whose class is not known: each class as much as it is believed."""
        module: Any = self.module
        count, classes = len(rows), module.classes
        label = torch.arange(classes, device=rows.device).repeat_interleave(count)
        each = self._bound(rows.repeat(classes, 1), label).view(classes, count).T
        sure = torch.log_softmax(module.classifier(rows), dim=1)
        return (sure.exp() * (each + sure)).sum(dim=1)

    def state_dict(self) -> dict[str, Any]:
        """Everything, with where the labelled rows are."""
        return {**super().state_dict(), "known": kept(self.known)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        restore(self.known, state["known"])
