"""`result.effect(column, rows)` and `result.interactions(rows)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wholefit.api import _answers
from wholefit.api._shown import Paged, as_kind
from wholefit.base.errors import DataError, ParameterError
from wholefit.data import Policies
from wholefit.explain import effects as _effects
from wholefit.explain import interactions as _interactions
from wholefit.explain.pool import Pool

if TYPE_CHECKING:
    from wholefit.api.understanding import Understood

_OWN = ("of", "points", "level", "most", "seed")
_OF_PAIRS = ("top", "columns", "level", "most", "seed")


class Effect(_effects.Effect, Paged):
    """How the answer moves with one column; see `wholefit.explain.effects`."""

    _topic = "effects"


class Surface(_effects.Surface, Paged):
    """How the answer moves with two columns; see `wholefit.explain.effects`."""

    _topic = "effects"


class Interactions(_interactions.Interactions, Paged):
    """Which pairs of columns act together; see `wholefit.explain.interactions`."""

    _topic = "effects"


def effect(
    result: Understood, columns: str | Sequence[str], rows: Any, kind: str,
    options: dict[str, Any],
) -> Effect | Surface:
    """How the answer moves with a column, or with two.

    `options`: `of`, the class whose probability is told; `points` (20; of two columns 10 each);
    `level` (0.95) of the band; `most` rows asked (5,000; 2,000); `seed`. Others are policies and
    options of `wf.read`. `rows` need no target.
    """
    own, pool = _pool(result, rows, options, _OWN)
    names = [columns] if isinstance(columns, str) else list(columns)
    for name in names:
        pool.at(name)
    if len(names) == 1:
        found = _effects.effect(pool, names[0], kind, **own)
        return as_kind(Effect, found)
    if len(names) != 2:
        raise ParameterError(f"an effect is of one column or of two; got {len(names)}.")
    if own.pop("level", None) is not None:
        raise ParameterError("a surface has no band: leave level= out.")
    both = _effects.surface(pool, names, kind, **own)
    return as_kind(Surface, both)


def interactions(result: Understood, rows: Any, options: dict[str, Any]) -> Interactions:
    """Which pairs of columns act together beyond what each does alone.

    `options`: `top` (8) columns that are looked at, the most moving ones, or `columns`, which
    ones; `level` (0.95); `most` rows (1,000; 300 of models that answer slowly); `seed`. Others
    are policies and options of `wf.read`. Where `rows` have the target, each pair is tested on it.
    """
    own, rest = split(options, _OF_PAIRS)
    rows = _answers.read_once(rows, rest)
    own, pool = _pool(result, rows, options, _OF_PAIRS)
    fitted, truth = pool.fitted, None
    target = str(fitted.schema.target)
    original = pool.dataset.original
    if target in original.columns and original.get_column(target).null_count() < len(original):
        asked = _answers.dataset(fitted, rows, rest, with_target=True)
        truth = asked.target(fitted.codec)
        _answers.refuse_unknown(fitted, asked, truth)
        pool = Pool(fitted, asked)
    found = _interactions.interactions(pool, truth, **own)
    return as_kind(Interactions, found)


def split(options: dict[str, Any], known: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of a study, and those of reading; UnknownNameError for what is neither."""
    own = {name: value for name, value in options.items() if name in known}
    rest = {name: value for name, value in options.items() if name not in known}
    policies = [spec.name for spec in Policies.specs()]
    _answers.check_options([name for name in rest if name not in policies], [*known, *policies])
    return own, rest


def _pool(
    result: Understood, rows: Any, options: dict[str, Any], known: Sequence[str]
) -> tuple[dict[str, Any], Pool]:
    """The options of the study, and the rows brought to the model's schema."""
    from wholefit.api.result import Result

    assert isinstance(result, Result)
    own, rest = split(options, known)
    asked = _answers.dataset(result._fitted, rows, rest)
    if not len(asked):
        raise DataError(f"{asked.source} has no rows to ask the model about.")
    return own, Pool(result._fitted, asked)
