"""Estimators on a base: a network that has learnt elsewhere, under a head of these rows' own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wholefit.base import seeds
from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.models._kernels import _network_inputs
from wholefit.models._networks import _learn
from wholefit.models._networks._estimators import NetworkClassifier, NetworkRegressor
from wholefit.nn import Recipe, transfer
from wholefit.nn.quiet import threads
from wholefit.nn.transfer import tuning

_AUTO = "auto"


class _OnBase:
    """What both share. `network` holds "base" (a path, an id or a Base), "strategy", and perhaps
    "hidden", "dropout", "size" (of pictures) and "decay"; the rest is as for other networks.

    After fitting, `strategy_` is what was done and `why_` the sentence that says why. A checkpoint
    keeps the head and what learns after it in folders of their own, "head" and "rest"; callbacks
    hear of what learns last, and of nothing where a head is solved in one piece.
    """

    def _learn(self: Any, X: np.ndarray, target: np.ndarray, outputs: int, weight: Any,
               strata: np.ndarray | None) -> None:
        """Read the base, choose, train the head on features, then what else shall learn."""
        start = time.perf_counter()
        self.seed_, self.updates_ = self._seed(), 0
        self.counted_: list[dict[str, Any]] = []
        self.__dict__.pop("learning_", None)  # of a fit before this one
        words = dict(self.network)
        base = transfer.load(words["base"])
        self.inputs_ = _inputs(base, X, self.spans, self.scaling)
        pieces = self.inputs_.split(X)
        self.figures_ = [(np.zeros(p.shape[1]), np.ones(p.shape[1])) for p in pieces if p.ndim == 4]
        beside = pieces[0].shape[1] if len(pieces) > 1 else 0
        kept = {name: words[name] for name in ("hidden", "dropout", "size", "decay")
                if words.get(name) is not None}
        with self._threads():
            self.strategy_, self.why_ = _chosen(
                words.get("strategy", _AUTO), base, pieces, target, strata, self.seed_, kept,
                outputs, beside, self._device())
            how = transfer.STRATEGIES[self.strategy_]
            module = transfer.headed(base, outputs, beside=beside, learns=how.share,
                                     fresh=how.fresh, seed=self.seed_, **kept)
            self.made_of_ = module.made_of
        recipe = dict(self.recipe or {})

        kept_in = self._checkpoint

        def head() -> Any:
            self._checkpoint = kept_in and kept_in.alike("head")
            with self._threads():
                return self._teach_head(module, pieces, target, weight, strata, recipe,
                                        () if how.share else self._callbacks)

        def rest(gentle: float, listening: Sequence[Any]) -> Any:
            self._checkpoint = kept_in and kept_in.alike("rest")
            usual = recipe.get("rate", Recipe().rate)
            return self._teach_rest(start, listening, module, pieces, target, weight, strata,
                                    {**recipe, "rate": gentle * usual})

        tuning.in_turn(module, how, head, rest)

    def _teach_rest(self: Any, start: float, listening: Sequence[Any], *lesson: Any) -> Any:
        """What learns after the head, in the time that is left."""
        left = None if self.seconds is None else max(
            self.seconds - (time.perf_counter() - start), 1e-3)
        before, self.seconds = self.seconds, left
        try:
            return self._teach(*lesson, callbacks=listening)
        finally:
            self.seconds = before

    def _teach_head(self: Any, module: Any, pieces: list[np.ndarray], target: np.ndarray,
                    weight: Any, strata: np.ndarray | None, recipe: Mapping[str, Any],
                    listening: Sequence[Any]) -> Any:
        """The head alone, on features that are computed once and remembered for other folds."""
        features = transfer.extract(module, pieces, memo=True, device=self._device())

        aim, own = _learn.aimed(recipe, self.loss_)

        def teach(head: Any, scaled: np.ndarray, standard: Any) -> Any:
            taught = _learn.teach(head, _learn.Lesson(
                [scaled], target, weight, "pretrained", aim,
                seeds.derive(self.seed_, "head"), validation=self.validation, strata=strata,
                seconds=self.seconds, jobs=self.jobs, by_count=self._by_count(),
                callbacks=listening, checkpoint=self._checkpoint, own=own))
            self.counted_ = [*self._counted(), _learn.counted(taught)]
            self.learning_ = taught.decided["learning"]
            return taught

        found = tuning.head_alone(module, features, target, self.loss_, teach, weights=weight,
                                  seed=self.seed_)
        self._taken(module, found.history, found.stopped)
        return found

    def _taken(self: Any, module: Any, history: list[dict[str, float]], stopped: Any) -> None:
        from wholefit.models._networks._answering import Answering

        self.module_, self.history_, self.stopped_ = module.eval().cpu(), history, stopped
        self.n_iter_ = max(1, len(history))
        self._answering = Answering(module, self.inputs_, self.figures_)

    def _threads(self: Any) -> Any:
        return threads(self.jobs)

    def _device(self: Any) -> str:
        """Where it is trained is where the base's features are computed."""
        return str(dict(self.recipe or {}).get("device", Recipe().device))

    def _name(self) -> str:
        return "pretrained"


class PretrainedClassifier(_OnBase, NetworkClassifier):
    """Classes, from a base's features."""


class PretrainedRegressor(_OnBase, NetworkRegressor):
    """Numbers, from a base's features."""


def _inputs(base: Any, X: np.ndarray, spans: Any, scaling: str) -> Any:
    """The cut of X: one picture or one text, as the base takes, and numbers beside it."""
    found = _network_inputs.learn(X, spans, scaling, onehot=True)
    wanted = "image" if base.picture is not None else "tokens" if base.tokenizer else None
    have = {kind: len(found.of(kind)) for kind in ("image", "tokens")}
    said = {"image": "one column of pictures", "tokens": "one column of texts", None: "numbers"}
    if wanted is None and not any(have.values()):
        return found
    if wanted is None or have.pop(wanted) != 1 or any(have.values()):
        raise DataError(f"the base {base.name or 'given'} takes {said[wanted]}; these rows have "
                        f"{len(found.of('image'))} of pictures and {len(found.of('tokens'))} of "
                        "texts: leave the others out with roles=, or take another base.")
    return found


def _chosen(
    wanted: str, base: Any, pieces: list[np.ndarray], target: np.ndarray,
    strata: np.ndarray | None, seed: int, kept: Mapping[str, Any], outputs: int, beside: int,
    device: str,
) -> tuple[str, str]:
    """The strategy, and why."""
    if wanted != _AUTO:
        if wanted not in transfer.STRATEGIES:
            raise unknown("strategy", wanted, [*transfer.STRATEGIES, _AUTO])
        return wanted, f"{wanted}, as asked."
    if target.ndim > 1 or len(target) < 12:
        return "frozen", "frozen: too little, or several labels at once, to measure similarity by."
    try:
        alike = transfer.similarity(base, pieces, target, seed=seed, beside=beside,
                                    size=kept.get("size"), device=device)
    except (DataError, ParameterError) as error:
        return "frozen", f"frozen: similarity could not be measured ({error})"
    classes = outputs if strata is not None else 0
    advice = transfer.advise(len(target), alike.value, classes=classes)
    return advice.strategy, f"{alike} {advice}"
