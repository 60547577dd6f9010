"""`result.stress(held_out)`: would it hold, if the rows were not as they should be?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wholefit.api import _answers
from wholefit.api._shown import Paged, as_kind
from wholefit.evaluation import metrics
from wholefit.explain import stress as stressing

if TYPE_CHECKING:
    from wholefit.api.understanding import Understood

_OWN = ("metric", "level", "seed", "most", "sizes")


@dataclass(frozen=True)
class Stress(stressing.Stress, Paged):
    """What changed rows cost; see `wholefit.explain.stress` for how. Shows itself."""

    _topic = "stress"


def stress(result: Understood, held_out: Any, options: dict[str, Any]) -> Stress:
    """What it costs if numbers are noisy, words misspelt, columns missing, units wrong, or worse.

    `held_out`: rows with a known target, not used for fitting. `options`: `metric`, the one the
    model was chosen by if left out; `level` (0.95); `seed`; `most` (5,000) rows asked; `sizes`,
    in standard deviations, of the changes searched for that fool it. Others are policies and
    options of `wf.read`. Raises DataError where no row has a target, StateError for a model that
    looks back on earlier rows.
    """
    from wholefit.api.result import Result

    assert isinstance(result, Result)
    fitted = result._fitted
    own = {name: options[name] for name in _OWN if name in options}
    rest = {name: value for name, value in options.items() if name not in own}
    policies, reading = _answers.asked_for(rest)
    _answers.check_options(reading, [*_OWN, *policies])
    metric = own.pop("metric", None)
    if metric is None and result._facts.metric in metrics.names(result.task):
        metric = result._facts.metric
    chosen = _answers.main_metric(fitted, metric)
    asked = _answers.dataset(fitted, held_out, rest, with_target=True)
    truth, _ = _answers.truth_and_answer(fitted, asked)
    found = stressing.stress(fitted, asked, truth, chosen, **own)
    return as_kind(Stress, found)
