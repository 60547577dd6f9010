"""Fine-tuning: a base under a new head, trained by one of the strategies."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.budget import Clock
from wholefit.base.errors import unknown
from wholefit.base.seeds import derive
from wholefit.nn import checkpoints, networks
from wholefit.nn.batches import Arrays, Change
from wholefit.nn.checkpoints import Checkpoint
from wholefit.nn.recipe import Recipe
from wholefit.nn.training import Trained, train
from wholefit.nn.transfer import probing
from wholefit.nn.transfer.bodies import Body
from wholefit.nn.transfer.extracting import extract
from wholefit.nn.transfer.freezing import Gradually, count_of, rates, still, train_top
from wholefit.nn.transfer.loading import load

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
    checkpoint: str | Path | Checkpoint | None = None,
) -> Trained:
    """Train the base under a new head on `data` (inputs..., target) by the named strategy.

    Before any stage learns, the head is trained alone on features of the frozen base (Kumar et
    al. 2022: a random head's first gradients would spoil what the base knows). Then all that learns
    does so at a tenth of the recipe's rate, and batch norms keep their statistics. `decay` divides
    the rate from stage to stage downwards; 1 gives all the same. `cache` is a folder for features.
    `change` alters batches once the head is taught; "frozen" goes on with it at the head alone.
    `checkpoint` is a folder as `train` takes it: the head is kept in "head" and what learns after
    it in "rest" there, and a tuning that was ended goes on bit for bit when it is called again with
    the same data. Raises UnknownNameError for a misspelt strategy.
    """
    if strategy not in STRATEGIES:
        raise unknown("strategy", strategy, STRATEGIES)
    how, recipe = STRATEGIES[strategy], recipe or Recipe()
    made = headed(base, outputs, hidden=hidden, dropout=dropout, learns=how.share,
                  seed=recipe.seed, fresh=how.fresh)
    return tune_module(made, data, strategy, recipe, valid=valid, weights=weights, decay=decay,
                       cache=cache, change=change, clock=clock, callbacks=callbacks,
                       checkpoint=checkpoint)


def tune_module(
    made: nn.Module, data: Arrays, strategy: str, recipe: Recipe, *, valid: Arrays | None = None,
    weights: Any = None, decay: float = 2.6, cache: str | os.PathLike[str] | None = None,
    change: Change | None = None, clock: Clock | None = None, callbacks: Sequence[Any] = (),
    checkpoint: str | Path | Checkpoint | None = None,
) -> Trained:
    """As `tune`, for a module that `headed` made."""
    how = STRATEGIES[strategy]
    common: dict[str, Any] = {"clock": clock, "weights": weights}
    *inputs, target = data
    saver = None if checkpoint is None else checkpoints.of(checkpoint)
    facts = {"strategy": strategy, "decay": decay}

    def teach(head: nn.Module, scaled: np.ndarray, standard: Standard) -> Trained:
        judged = None if valid is None else (
            standard(extract(made, valid[:-1], cache=cache, device=recipe.device)), valid[-1])
        mine = callbacks if how.share == 0 and change is None else ()
        return train(head, (scaled, target), recipe, valid=judged, callbacks=mine,
                     checkpoint=saver and saver.alike("head", facts), **common)

    def head() -> Trained:
        features = extract(made, inputs, cache=cache, device=recipe.device)
        # Who listens wants epochs; a head that is solved has none.
        asked = how.share == 0 and bool(callbacks)
        return head_alone(made, features, target, recipe.loss, teach, weights=weights,
                          seed=recipe.seed, solve=not asked)

    def rest(gentle: float, listening: Sequence[Any]) -> Trained:
        groups = None if how.fresh else rates(made, recipe.rate * gentle, decay=decay)
        return train(made, data, recipe, valid=valid, change=change, groups=groups,
                     callbacks=[*listening, *callbacks],
                     checkpoint=saver and saver.alike("rest", facts), **common)

    return in_turn(made, how, head, rest, further=change is not None)


Standard = Callable[[np.ndarray], np.ndarray]


def in_turn(
    made: nn.Module, how: Strategy, head: Callable[[], Trained],
    rest: Callable[[float, Sequence[Any]], Trained], *, further: bool = False,
) -> Trained:
    """The order of every fine-tuning: `head()` with the base still, then `rest` of what learns.

    `rest(gentle, listening)` trains `made` at that share of the recipe's rate: a whole one from
    random weights, else `GENTLE`, as the head is taught by then and the base knows much. Where no
    stage learns it is called only if there is something `further` for the head (altered pictures,
    whose features cannot be kept).
    """
    if not how.fresh:
        train_top(made, 0)
        found = head()
        if how.share == 0 and not further:
            return Trained(made.eval(), found.history, found.stopped)
    train_top(made, count_of(made, how.share))
    if how.fresh:
        return rest(1.0, ())
    still(made.body)
    return rest(GENTLE, (Gradually(made),) if how.gradual else ())


def head_alone(
    made: Any, features: np.ndarray, target: Any, loss: str,
    teach: Callable[[nn.Module, np.ndarray, Standard], Trained], *, weights: Any = None,
    seed: int = 0, solve: bool = True,
) -> Trained:
    """The head on features (n, feature_width) of the base: solved if it is linear, else taught.

    `teach(head, scaled, standard)` trains it on standardised features; `standard` does the same to
    those of other rows.
    """
    if solve and probing.solvable(made.head, loss, len(target)):
        left = probing.solve(made.head, features, target, weights=weights, seed=seed)
        return Trained(made, [{"epoch": 1, "steps": 1, "loss": left}])
    scaled, centre, spread = probing.standardised(features)
    found = teach(made.head, scaled, lambda other: (other - centre) / spread)
    probing.take_in(made.head, centre, spread)
    return found
