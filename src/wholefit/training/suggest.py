"""Suggest: features proposed, judged by what they add on unseen rows, and confirmed on others.

1. Rows are split once: some to choose on, the rest, never looked at, to confirm on.
2. Candidates come from the roles of the columns. A cheap look at what two models leave
   unexplained says which are worth fitting.
3. Each of these is added to a linear model and to boosted trees, cross-validated on the same
   folds as without it. A gain counts when its paired p-value, corrected for every candidate
   that was made, whether fitted or not (Holm, 1979), is below `alpha`.
4. Those that count are taken one after another, while each still adds to those before it.
5. The confirming rows say what all of them together are worth.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from wholefit import evaluation
from wholefit.base import seeds
from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import BudgetError, DataError, ParameterError
from wholefit.base.events import emit
from wholefit.base.tasks import Task
from wholefit.data import splits
from wholefit.data.dataset import Dataset
from wholefit.data.splits import Plan
from wholefit.evaluation import Difference
from wholefit.features.custom import Custom
from wholefit.training._suggest_candidates import candidates
from wholefit.training._suggest_judge import Bench, judges, screened
from wholefit.training._suggestions import Confirmed, Gain, Suggestion, Suggestions

DEFAULT_BUDGET = Budget(seconds=60.0)
_FEWEST = 60
_MOST_CLASSES = 100
_WORTH = 0.05
_CONFIRMING = 0.3
_MOST_CONFIRMING = 50_000


@dataclass(frozen=True)
class Options:
    """How to suggest.

    `candidates` made at most, `shortlist` fitted at most, `most` accepted; `rows` to choose on
    at most; `helps`: which model must gain, "any", "linear", "tree" or "both".
    """

    metric: Any = None
    positive: Any = None
    folds: int = 5
    alpha: float = 0.05
    candidates: int = 300
    shortlist: int = 24
    most: int = 10
    rows: int = 10_000
    helps: str = "any"
    jobs: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("candidates", "shortlist", "most", "jobs"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name} must be >= 1; got {getattr(self, name)}.")
        if self.folds < 2:
            raise ParameterError(f"folds must be >= 2; got {self.folds}.")
        if self.rows < _FEWEST:
            raise ParameterError(f"rows must be >= {_FEWEST}; got {self.rows}.")
        if not 0 < self.alpha < 1:
            raise ParameterError(f"alpha must be > 0 and < 1; got {self.alpha!r}.")
        if self.helps not in ("any", "linear", "tree", "both"):
            raise ParameterError("helps must be one of 'any', 'linear', 'tree', 'both'; got "
                                 f"{self.helps!r}.")


def suggest(dataset: Dataset, task: Task, options: Options, clock: Clock) -> Suggestions:
    """Propose features for this data; see the module's first lines.

    Raises DataError for fewer than 60 rows or a target that cannot be learnt, BudgetError if
    not even the models without new features could be judged in time.
    """
    if len(dataset) < _FEWEST:
        raise DataError(f"suggest needs at least {_FEWEST} rows, some to choose features on and "
                        f"some to confirm them; got {len(dataset)}.")
    target = dataset.schema.target
    if target is None:
        raise DataError("suggest needs a target column; say target='...'.")
    codec = task.codec(target, dataset.target_values(), options.positive)
    n_classes = len(getattr(codec, "classes", ()))
    if n_classes > _MOST_CLASSES:
        raise DataError(f"suggest judges features for at most {_MOST_CLASSES} classes; target "
                        f"{target!r} has {n_classes}: group them, or say task='regression'.")
    y = dataset.target(codec)
    metric = evaluation.metrics.main(task.name, options.metric, getattr(codec, "classes", None))
    bench = Bench(dataset, task, codec, y, metric, dataset.telling_weights(), options.jobs,
                  options.seed, judges(task, n_classes))
    with threadpool_limits(options.jobs, user_api="blas"):
        return _Run(bench, options, clock).suggestions()


class _Run:
    """One run: the split, the models without features, and what each candidate adds."""

    def __init__(self, bench: Bench, options: Options, clock: Clock) -> None:
        self.bench, self.options, self.clock = bench, options, clock
        dataset, task = bench.dataset, bench.task
        self.held = splits.holdout(dataset, bench.y, test=_CONFIRMING, seed=options.seed,
                                   stratify=task.stratified)
        self.choosing = self._drawn(self.held.folds[0][0], options.rows, "choose")
        self.confirming = self._drawn(self.held.folds[0][1], _MOST_CONFIRMING, "confirm")
        self.plan, self.units = self._folds()
        self._check_classes()
        self.fitted = 0
        self.stopped = ""

    def suggestions(self) -> Suggestions:
        """Run the five steps."""
        self._fit_the_clock()
        bench, options = self.bench, self.options
        self.floor = bench.ignoring(self.plan)
        base = {name: bench.answers(name, (), self.plan) for name in bench.models}
        seen = self._seen(base)
        made = candidates(bench.dataset, self.choosing, bench.y[self.choosing],
                          options.candidates)
        emit("suggest_plan", candidates=len(made), shortlist=min(len(made), options.shortlist),
             rows=len(self.choosing), confirming=len(self.confirming), split=self.plan.how,
             models=[model.name for model in bench.models.values()],
             budget=str(self.clock.budget))
        short = self._shortlist(made, base, seen)
        judged = self._judge(short, base, seen, len(made) * len(bench.models))
        accepted = self._accept(judged, base, seen)
        taken = [s.step for s in accepted]
        confirmed = {} if not taken else {
            name: self._confirm(name, taken) for name in bench.models}
        rest = [s for s in judged if s.name not in {a.name for a in accepted}]
        return Suggestions(
            source=bench.dataset.source, target=str(bench.dataset.schema.target),
            task=bench.task.name, metric=bench.metric.name, better=bench.metric.better,
            models={name: model.name for name, model in bench.models.items()},
            split=self.plan.how, choosing=len(self.choosing), confirming=len(self.confirming),
            made=len(made), judged=self.fitted, alpha=options.alpha,
            base={name: bench.score(base[name], seen, self._units(seen)) for name in base},
            table=(*accepted, *rest), confirmed=confirmed, stopped=self.stopped,
            seconds=self.clock.spent())

    # The split

    def _drawn(self, rows: np.ndarray, most: int, why: str) -> np.ndarray:
        """At most so many rows: the latest where there is time, else drawn."""
        rows = rows[self.bench.y[rows] == self.bench.y[rows]]
        if len(rows) <= most:
            return rows
        order = self.bench.dataset.time_order()
        if order is not None:
            late = rows[np.argsort(order[rows], kind="stable")]
            return np.sort(late[-most:] if why == "choose" else late[:most])
        drawn = seeds.generator(self.options.seed, "suggest", why)
        return np.sort(drawn.choice(rows, most, replace=False))

    def _folds(self) -> tuple[Plan, np.ndarray | None]:
        """Folds of the choosing rows, in places of the whole data; units (n,) to resample by."""
        part = self.bench.dataset.take(self.choosing)
        plan = splits.kfold(part, self.bench.y[self.choosing], folds=self.options.folds,
                            seed=self.options.seed, stratify=self.bench.task.stratified)
        folds = tuple((self.choosing[train], self.choosing[test]) for train, test in plan.folds)
        units = None
        if plan.units is not None:
            units = np.full(len(self.bench.y), -1, dtype=np.int64)
            units[self.choosing] = plan.units
        return Plan(folds, plan.how, plan.unit, plan.units), units

    def _check_classes(self) -> None:
        """Refuse a target of which some fold would learn one class only."""
        if self.bench.n_classes and any(len(np.unique(self.bench.y[train])) < 2
                                        for train, _ in self.plan.folds):
            count = int(np.bincount(self.bench.y[self.bench.y >= 0]).min())
            raise DataError(
                f"the rarest class of {self.bench.dataset.schema.target!r} has {count} "
                f"{'row' if count == 1 else 'rows'}, too few to judge features on: add rows of "
                "it, or lower folds.")

    def _fit_the_clock(self) -> None:
        """Take fewer rows to choose on where a trial of few says that all would take too long."""
        train, test = self.plan.folds[0]
        self._timed(train[:200], test[:50])  # what is imported at the first fit is no pace
        for rows in (200, 1000):
            train, test = self.plan.folds[0]
            share = rows / len(train)
            if share < 1 and self.clock.left() > 0:
                whole = self._timed(train[:rows], test[:50]) / share
                self._fewer(whole)
                if whole * len(self.plan.folds) * 50 < self.clock.left():
                    break
        while self.clock.left() > 0 and len(self.choosing) > 4 * _FEWEST:
            before = len(self.choosing)
            self._fewer(self._timed(*self.plan.folds[0]))
            if len(self.choosing) == before:
                break
        self.bench.forget_rows()
        if self.clock.left() <= 0:
            raise BudgetError(f"not even the models without new features could be judged within "
                              f"{self.clock.budget}; give more, or fewer rows or columns.")

    def _timed(self, train: np.ndarray, test: np.ndarray) -> float:
        """Seconds that both models take on these rows, or nothing where they cannot learn."""
        self.bench.clear()
        start = self.clock.spent()
        with contextlib.suppress(ValueError):
            for name in self.bench.models:
                self.bench.answer(name, (), ("fold", 0), train, test)
        return self.clock.spent() - start

    def _fewer(self, seconds: float) -> None:
        """Draw fewer rows if a fold takes so long that less than a dozen trials would fit."""
        whole = seconds * len(self.plan.folds) * 12
        most = int(len(self.choosing) * self.clock.left() / max(whole, 1e-9))
        if most < 0.8 * len(self.choosing) and len(self.choosing) > 4 * _FEWEST:
            self.choosing = self._drawn(self.choosing, max(4 * _FEWEST, most), "choose")
            self.plan, self.units = self._folds()
            self.bench.clear()

    def _seen(self, base: dict[str, np.ndarray]) -> np.ndarray:
        known = [~np.isnan(a.reshape(len(a), -1)).any(axis=1) for a in base.values()]
        return np.flatnonzero(np.logical_and.reduce(known))

    def _units(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self.units is None else self.units[rows]

    # The candidates

    def _shortlist(
        self, made: Sequence[Custom], base: dict[str, np.ndarray], seen: np.ndarray
    ) -> list[Custom]:
        """The candidates that go best with what the models leave unexplained."""
        left = {name: self.bench.residuals(answer)[seen] for name, answer in base.items()}
        glance: list[tuple[float, int]] = []
        until = self.clock.spent() + 0.3 * self.clock.left()
        for at, step in enumerate(made):
            if self.clock.spent() > until:
                self.stopped = f"{at} of {len(made)} candidates were looked at in time"
                break
            p = screened(self.bench, step, left, seen)
            if p < _WORTH:
                glance.append((p, at))
        return [made[at] for _, at in sorted(glance)[:self.options.shortlist]]

    def _judge(
        self, short: Sequence[Custom], base: dict[str, np.ndarray], seen: np.ndarray, tests: int
    ) -> list[Suggestion]:
        """What each adds to each model, most significant first; p-values corrected."""
        found: list[tuple[Custom, dict[str, Gain]]] = []
        kept = 0.25 * self.clock.left()  # to try those together that help on their own
        for at, step in enumerate(short):
            if self._short_of_time(kept):
                self.stopped = f"{at} of {len(short)} candidates were fitted in time"
                break
            gains = {name: self._gain(name, [step], base[name], seen) for name in base}
            found.append((step, gains))
            self.fitted += 1
            if min(gain.p for gain in gains.values()) * tests > self.options.alpha * self.fitted:
                self.bench.forget(step)
            emit("candidate_done", name=step.name, number=at + 1, of=len(short),
                 gains={name: gain.value for name, gain in gains.items()})
        flat = [(gain.p, at, name) for at, (_, gains) in enumerate(found)
                for name, gain in gains.items()]
        adjusted = dict(zip([(at, name) for _, at, name in flat],
                            holm([p for p, _, _ in flat], tests), strict=True))
        made = [Suggestion(step, {name: gain.with_adjusted(adjusted[at, name])
                                  for name, gain in gains.items()}, self.options.alpha)
                for at, (step, gains) in enumerate(found)]
        return sorted(made, key=lambda s: (s.p, s.name))

    def _accept(
        self, judged: Sequence[Suggestion], base: dict[str, np.ndarray], seen: np.ndarray
    ) -> list[Suggestion]:
        """Those that still add something to the ones accepted before them, largest gain first."""
        telling = sorted((s for s in judged if self._enough(s)), key=lambda s: -s.most)
        accepted = [s.beside(s.gains) for s in telling[:1]]  # tried on its own already
        now: dict[str, np.ndarray] = {}
        for at, suggestion in enumerate(telling[1:], 1):
            if len(accepted) == self.options.most:
                break
            if self._short_of_time():
                self.stopped = (f"{at} of {len(telling)} significant candidates were tried "
                                "together in time")
                break
            steps = [s.step for s in accepted] + [suggestion.step]
            now = now or {n: self.bench.answers(n, steps[:1], self.plan) for n in base}
            after = {name: self.bench.answers(name, steps, self.plan) for name in now}
            gains = {name: self._worth(now[name], after[name], seen) for name in now}
            flat = holm([gain.p for gain in gains.values()], len(telling) * len(gains))
            tried = suggestion.beside({name: gain.with_adjusted(p) for (name, gain), p
                                       in zip(gains.items(), flat, strict=True)})
            if self._enough(tried, added=True):
                accepted.append(tried)
                now = after
                emit("candidate_accepted", name=suggestion.name, count=len(accepted))
        return accepted

    def _enough(self, suggestion: Suggestion, added: bool = False) -> bool:
        helped = suggestion.helps_added if added else suggestion.helps
        if self.options.helps == "any":
            return bool(helped)
        asked = ("linear", "tree") if self.options.helps == "both" else (self.options.helps,)
        return set(asked) <= set(helped)

    def _gain(
        self, name: str, steps: Sequence[Custom], before: np.ndarray, seen: np.ndarray
    ) -> Gain:
        try:
            return self._worth(before, self.bench.answers(name, steps, self.plan), seen)
        except (ArithmeticError, TypeError, ValueError) as error:
            return Gain.failed(f"{type(error).__name__}: {error}")

    def _worth(self, before: np.ndarray, after: np.ndarray, seen: np.ndarray) -> Gain:
        """The gain; in vain where the model stays no better than one that looks at no column.

        A model that has learnt noise gains from whatever holds it back: that is no feature.
        """
        gain = self._compared(before, after, seen)
        if gain.value > 0 and self._compared(self.floor, after, seen).p >= self.options.alpha:
            return gain.in_vain()
        return gain

    def _compared(self, before: np.ndarray, after: np.ndarray, seen: np.ndarray) -> Gain:
        return gain_of(self.bench.gain(before, after, seen, self._units(seen)),
                       self.bench.metric.sign)

    def _short_of_time(self, kept: float = 0.0) -> bool:
        """True if what is left, some of it kept, is needed for one more trial and to confirm."""
        slow = sum(self.bench.seconds.values())
        return self.clock.left() < slow * (len(self.plan.folds) * 1.1 + 3.5) + kept

    def _confirm(self, name: str, steps: Sequence[Custom]) -> Confirmed:
        """Before and after on the rows that were not used for choosing."""
        rows = self.confirming
        answers = []
        for added in ((), steps):
            shape = (len(self.bench.y), *([self.bench.n_classes] if self.bench.n_classes else []))
            whole = np.full(shape, np.nan)
            whole[rows] = self.bench.answer(name, added, "confirm", self.choosing, rows)
            answers.append(whole)
        units = None if self.held.units is None else self.held.units[rows]
        found = self.bench.gain(answers[0], answers[1], rows, units)
        return Confirmed(self.bench.score(answers[0], rows, units),
                         self.bench.score(answers[1], rows, units),
                         gain_of(found, self.bench.metric.sign))


def gain_of(difference: Difference, sign: float) -> Gain:
    """A difference after - before as a gain: above 0 is better, and p is one-sided."""
    low, high = sorted((sign * difference.low + 0.0, sign * difference.high + 0.0))
    value = sign * difference.value + 0.0
    if not np.isfinite(value):
        return Gain.failed(difference.how)
    p = difference.p / 2 if value > 0 else 1 - difference.p / 2
    return Gain(value, low, high, p)


def holm(p: Sequence[float], tests: int) -> list[float]:
    """p-values corrected for `tests` tests, those not given counting as 1 (Holm, 1979)."""
    from wholefit.evaluation.two_sample import adjusted

    given = [*p, *[1.0] * (tests - len(p))]
    return [float(each) for each in adjusted(given, "holm")[:len(p)]]
