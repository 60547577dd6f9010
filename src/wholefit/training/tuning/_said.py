"""What a search comes to, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wholefit.training.tuning.dimensions import Real, Whole

# A forest that explains less of trials it did not see says little of what mattered.
LITTLE = 0.3
# A best value within this part of a range's end asks for a wider range.
_EDGE = 0.03
_MOST = 4


def said(study: Any) -> Iterator[str]:
    """What was found, whether it beats the defaults, how far to trust it, what mattered."""
    yield _found(study)
    if study.gain is not None:
        yield _against(study)
    yield _trust(study)
    yield from _mattered(study)
    yield from _edges(study)
    failed = [trial for trial in study.trials if trial.status == "failed"]
    if failed:
        yield f"{len(failed)} of {len(study.trials)} trials failed; the first: {failed[0].reason}"


def value_of(value: Any) -> str:
    """A setting's value, short."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _found(study: Any) -> str:
    count = f"{len(study.done)} configurations ({len(study.whole)} on all rows and folds)" \
        if len(study.whole) < len(study.done) else f"{len(study.done)} configurations"
    if study.chosen is None:
        return f"None of {count} tried by {study.strategy} search beat the defaults, which answer."
    values = ", ".join(f"{name.partition('.')[2] or name}={value_of(value)}"
                       for name, value in study.values.items())
    which = f"trial {study.chosen}" if study.chosen >= 0 else "the one tried on everything"
    return f"Of {count} tried by {study.strategy} search, {which} is best: {values}."


def _against(study: Any) -> str:
    gain = study.gain
    numbers = f"{study.metric} {gain.value:+.4g} ({gain.low:+.4g} to {gain.high:+.4g})"
    if study.chosen is None:
        return "The model as it comes is the best of them: searching gained nothing here."
    end = {"tuned": "tuning helped", "defaults": "tuning harmed",
           "tied": "these rows cannot tell the two apart"}[gain.better]
    return f"Against the defaults, on the same unseen rows: {numbers}: {end}."


def _trust(study: Any) -> str:
    best, reported = value_of(study.score_of_best), value_of(study.score)
    if study.nested:
        return (f"Nested: with the whole search repeated in {study.nested} outer folds, without "
                f"their rows, {study.metric} is {reported}; the folds that the configuration was "
                f"chosen by say {best}.")
    return (f"{study.metric} is {reported} where each fold's configuration is chosen by the other "
            f"folds; the folds that the configuration was chosen by say {best}. Nested "
            "cross-validation would also count what the search itself learnt.")


def _mattered(study: Any) -> Iterator[str]:
    found = study.importance
    if found is None:
        if len(study.done) > 1:
            yield "The trials are too few to say what mattered: a dozen of one kind are wanted."
        return
    if found.explained < LITTLE:
        yield (f"What mattered cannot be told yet: {found.trials} trials explain "
               f"{max(found.explained, 0):.0%} of the differences between others.")
        return
    listed = ", ".join(f"{name} {share:.0%}" for name, share in list(found.shares.items())[:_MOST])
    yield f"What mattered, as shares of the differences between trials: {listed}."
    together = next(iter(found.pairs.items()), None)
    if together is not None and together[1] > 0.1:
        yield (f"{together[0][0]} and {together[0][1]} act together ({together[1]:.0%}): the best "
               "value of one depends on the other.")


def _edges(study: Any) -> Iterator[str]:
    for name, value in study.values.items():
        dim = study.space.dims[name]
        if not isinstance(dim, (Real, Whole)):
            continue
        place = (dim.place(value) - dim.place(dim.low)) / (
            dim.place(dim.high) - dim.place(dim.low))
        if min(place, 1 - place) < _EDGE and _matters(study, name):
            end = dim.low if place < 0.5 else dim.high
            yield (f"{name} of the best, {value_of(value)}, lies at the end of its range "
                   f"({value_of(end)}): a wider one may be better.")


def _matters(study: Any, name: str) -> bool:
    found = study.importance
    return found is not None and found.explained >= LITTLE and found.shares.get(name, 0) > 0.1
