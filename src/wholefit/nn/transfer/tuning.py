"""Fine-tuning: a base under a new head, trained by one of the strategies."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.budget import Clock
from wholefit.base.errors import unknown
from wholefit.base.seeds import derive
from wholefit.nn import networks
from wholefit.nn.batches import Arrays, Change
from wholefit.nn.recipe import Recipe
from wholefit.nn.training import Trained, train
from wholefit.nn.transfer.bases import load
from wholefit.nn.transfer.bodies import Body
from wholefit.nn.transfer.extracting import extract
from wholefit.nn.transfer.freezing import Gradually, count_of, rates, still, train_top

# Share of the recipe's rate at which a base and its solved head learn on.
GENTLE = 0.1


@dataclass(frozen=True)
class Strategy:
    """How much of a base learns: the `share` of its stages, from the top, and in what manner."""

    name: str
    share: float
    says: str
    gradual: bool = False
    fresh: bool = False


STRATEGIES: dict[str, Strategy] = {each.name: each for each in (
    Strategy("frozen", 0.0, "The base stays as it is; only a new head learns, on features "
                            "computed once. For few rows that resemble what the base was taught."),
    Strategy("top", 1 / 3, "The upper third of the base learns with the head, the rest stays. For "
                           "many rows that resemble what the base was taught."),
    Strategy("most", 2 / 3, "All but the lowest third learns. For few rows that resemble it "
                            "little: edges and colours stay, what they mean is learnt anew."),
    Strategy("all", 1.0, "Everything learns, from the base's weights on. For many rows that "
                         "resemble it little."),
    Strategy("gradual", 1.0, "The head first, then one stage more each epoch, at rates that fall "
                             "with depth.", gradual=True),
    Strategy("scratch", 1.0, "The same network from random weights: what the base is worth is "
                             "seen beside it.", fresh=True),
)}


def headed(
    base: Any, outputs: int, *, hidden: Sequence[int] = (), dropout: float = 0.0, beside: int = 0,
    learns: float = 1.0, decay: float = 2.6, size: int | None = None, seed: int = 0,
    fresh: bool = False,
) -> nn.Module:
    """The base's body under a new head for `outputs`; its weights are copied, the base stays.

    `beside` numbers join the features; `learns` is the share of the body's stages, from the top,
    that are not frozen, `decay` what divides the rate from stage to stage downwards. `size` is the
    side pictures are brought to, the base's own unless said. `fresh` takes random weights of the
    same shape in place of the base's. The module's `stages()` are the body's parts, `features(x)`
    what they give. Raises StateError for a base whose module is no network of the registry.
    """
    base = load(base)
    picture = None if base.picture is None else base.picture.to_dict()
    if picture is not None and size is not None:
        picture["size"] = size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "head"))
        made = networks.make("pretrained", base=base.made_of, outputs=outputs,
                             hidden=list(hidden), dropout=dropout, picture=picture,
                             beside=beside, learns=learns, decay=decay)
    # A head that begins at nothing learns only what the rows say: with fewer rows than features,
    # what random weights hold beside that would stay for ever.
    nn.init.zeros_(made.head[-1].weight)
    nn.init.zeros_(made.head[-1].bias)
    if not fresh:
        made.body.load_state_dict(Body(copy.deepcopy(base.module)).state_dict())
    return made


def tune(
    base: Any, data: Arrays, outputs: int, strategy: str = "frozen", *,
    recipe: Recipe | None = None, valid: Arrays | None = None, weights: Any = None,
    hidden: Sequence[int] = (), dropout: float = 0.0, decay: float = 2.6,
    cache: str | os.PathLike[str] | None = None, change: Change | None = None,
    clock: Clock | None = None, callbacks: Sequence[Any] = (),
) -> Trained:
    """Train the base under a new head on `data` (inputs..., target) by the named strategy.

    Before any stage learns, the head is trained alone on features of the frozen base (Kumar et
    al. 2022: a random head's first gradients would spoil what the base knows). Then all that learns
    does so at a tenth of the recipe's rate, and batch norms keep their statistics. `decay` divides
    the rate from stage to stage downwards; 1 gives all the same. `cache` is a folder for features.
    Raises UnknownNameError for a misspelt strategy.
    """
    if strategy not in STRATEGIES:
        raise unknown("strategy", strategy, STRATEGIES)
    how, recipe = STRATEGIES[strategy], recipe or Recipe()
    made = headed(base, outputs, hidden=hidden, dropout=dropout, learns=how.share,
                  seed=recipe.seed, fresh=how.fresh)
    return tune_module(made, data, strategy, recipe, valid=valid, weights=weights, decay=decay,
                       cache=cache, change=change, clock=clock, callbacks=callbacks)


def tune_module(
    made: nn.Module, data: Arrays, strategy: str, recipe: Recipe, *, valid: Arrays | None = None,
    weights: Any = None, decay: float = 2.6, cache: str | os.PathLike[str] | None = None,
    change: Change | None = None, clock: Clock | None = None, callbacks: Sequence[Any] = (),
) -> Trained:
    """As `tune`, for a module that `headed` made."""
    how = STRATEGIES[strategy]
    common = {"clock": clock, "weights": weights}
    # Changed pictures (augmentation) have features of their own each time: none can be kept.
    if not how.fresh and change is None:
        mine = callbacks if how.share == 0 else ()
        found = _head_alone(made, data, recipe, valid, cache, {**common, "callbacks": mine})
        if how.share == 0:
            return Trained(made.eval(), found.history, found.stopped)
    train_top(made, count_of(made, how.share))
    listening = [Gradually(made), *callbacks] if how.gradual else callbacks
    groups = None
    if not how.fresh:
        still(made.body)
        # The head is solved by now, and the base knows much: small steps from there.
        groups = rates(made, recipe.rate * GENTLE, decay=decay)
    return train(made, data, recipe, valid=valid, change=change, groups=groups,
                 callbacks=listening, **common)


def _head_alone(
    made: nn.Module, data: Arrays, recipe: Recipe, valid: Arrays | None,
    cache: Any, common: dict[str, Any],
) -> Trained:
    """The head taught on features, which are computed once: solved if linear, else trained."""
    train_top(made, 0)
    *inputs, target = data
    features = extract(made, inputs, cache=cache)
    from wholefit.nn.transfer import probing

    if probing.solvable(made.head, recipe.loss, len(target)) and not common.get("callbacks"):
        left = probing.solve(made.head, features, target, weights=common["weights"],
                             seed=recipe.seed)
        return Trained(made, [{"epoch": 1, "steps": 1, "loss": left}])
    judged = None
    if valid is not None:
        judged = (extract(made, valid[:-1], cache=cache), valid[-1])
    scaled, centre, spread = standardised(features)
    if judged is not None:
        judged = ((judged[0] - centre) / spread, judged[1])
    found = train(made.head, (scaled, target), recipe, valid=judged, **common)
    take_in(made.head, centre, spread)
    return found


def standardised(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features with mean 0 and spread 1, their means, their spreads: bases differ in scale."""
    centre, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-6, spread, 1.0).astype(np.float32)
    return (features - centre) / spread, centre, spread


def take_in(head: nn.Sequential, centre: np.ndarray, spread: np.ndarray) -> None:
    """Let the first linear layer do the standardising itself, so that it takes raw features."""
    first = next(part for part in head if isinstance(part, nn.Linear))
    with torch.no_grad():
        at = first.weight.device
        scale = torch.from_numpy(spread).to(at)
        shift = torch.from_numpy(np.asarray(centre, dtype=np.float32)).to(at)
        first.weight.div_(scale)
        first.bias.sub_(first.weight @ shift)
