"""`result.compress`: the model in fewer bits, weights, units or trees, side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from wholefit.api import _answers, _coefficients, _smaller
from wholefit.api._several import Several
from wholefit.api._shown import as_kind
from wholefit.api._tables import as_table
from wholefit.api._telling import warn
from wholefit.base.cores import cores
from wholefit.data import Policies
from wholefit.training import Entry
from wholefit.training.compress import Comparison, Options, Smaller, compress
from wholefit.training.distil import Given

if TYPE_CHECKING:
    from wholefit.api.result import Result


@dataclass(frozen=True, eq=False)
class Compressed(Several, Comparison):
    """A model and what became of it; see `wholefit.training.compress.record.Comparison`.

    `found["int8"]` is the Result of a way, `found.smaller` that of the only one.
    """

    _results: Mapping[str, Result] = field(default_factory=dict, repr=False)
    _called = "way of compressing"
    _said = "the model was compressed in several ways"

    @property
    def smaller(self) -> Result:
        """The Result of the way, where there is one; DataError where there are several."""
        return self._only()

    def __str__(self) -> str:
        return self.to_text()


def _split(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Words of `training.compress.Options`, and all others."""
    known = [spec.name for spec in Options.specs()]
    policies = [spec.name for spec in Policies.specs()]
    words = {name: value for name, value in options.items() if name in known}
    rest = {name: value for name, value in options.items() if name not in known}
    _answers.check_options([name for name in rest if name not in policies], [*known, *policies])
    return words, rest


def compressed(
    result: Result, rows: Any, held_out: Any, metric: Any, to: Any, options: dict[str, Any]
) -> Compressed:
    """See `Result.compress`; `options` hold words of `training.compress.Options`, too."""
    fitted, facts = result._fitted, result._facts
    words, options = _split(options)
    wanted = Options.from_dict({**words, "to": to if isinstance(to, str) else ",".join(to),
                                "jobs": cores() if words.get("jobs") is None else words["jobs"]})
    policies, reading = _answers.asked_for(options)
    given = _smaller.given_rows(result, as_table(rows, reading), policies, wanted.seed)
    given = dataclasses.replace(given, named=facts.model)
    if held_out is not None:
        held = _answers.dataset(fitted, held_out, options, with_target=True)
        _answers.refuse_unknown(fitted, held, held.target(fitted.codec))
        given = dataclasses.replace(given, held=held)
    found = compress(fitted, given, wanted, name=result.model,
                     metric=_smaller.metric_of(result, metric))
    results, rest = {}, []
    for each in found.found:
        made = _result(result, found, each, given)
        rest.append(dataclasses.replace(each, size=_smaller.size_of(made._facts, made._fitted)))
        results[each.word] = made
    found = dataclasses.replace(found, size=_smaller.size_of(facts, fitted), found=tuple(rest))
    if given.learnt_from and given.held is None:
        warn(found.judged)
    return as_kind(Compressed, found, _results=results)


def _result(result: Result, found: Comparison, smaller: Smaller, given: Given) -> Result:
    """One way as a Result: its leaderboard holds it and the model as it was."""
    from wholefit.api.result import Result

    before = result._facts
    scores = smaller.scores or _smaller.unjudged(result, found.metric)
    difference = None if smaller.difference is None else dataclasses.asdict(smaller.difference)
    name = f"{result.model}, {smaller.word}"
    mine = Entry(model=name, params=before.chosen.params, scores=scores,
                 fit_seconds=smaller.seconds, predict_seconds=smaller.pace.thousand,
                 recommended=True, difference=difference)
    theirs = Entry(model=f"{result.model} (before)", params=before.chosen.params,
                   scores=found.scores, predict_seconds=found.pace.thousand,
                   best=bool(found.scores))
    facts = dataclasses.replace(
        before, said=f"{before.said}; {smaller.said}", metric=found.metric,
        entries=(mine, theirs) if found.scores else (mine,), split=found.judged,
        lineage=_lineage(result, found, smaller), exhibits=_exhibits(smaller, given),
        coefficients=_coefficients.none, marks=dict)
    return Result(smaller.fitted, facts)


def _lineage(result: Result, found: Comparison, smaller: Smaller) -> dict[str, Any]:
    row = next(each for each in found.to_json()["ways"] if each["way"] == smaller.word)
    return {**_smaller.lineage_of(result), "compressed": {
        "way": smaller.word, "said": smaller.said, "model": result.model, "rows": found.rows,
        "weights": [found.weights, smaller.weights],
        **{name: row[name] for name in ("agreement", "furthest", "difference")}}}


def _exhibits(smaller: Smaller, given: Given) -> Any:
    """Nothing but what holds of any answers: pictures of those to rows given to judge by."""
    if smaller.answer is None or given.held is None:
        return dict
    return partial(_smaller.shown, smaller.fitted, given.held, smaller.answer)
