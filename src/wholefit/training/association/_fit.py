"""The recipe of baskets: read, mined, weighed against chance, judged on baskets left out, told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit.base.params import Params, param
from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.data import Dataset
from wholefit.evaluation import Score
from wholefit.models import Model, get
from wholefit.models.itemsets import stored
from wholefit.training.association import _judge as judged
from wholefit.training.association import _mine as mining
from wholefit.training.association._layout import Layout, layout
from wholefit.training.association._mine import Mined, Support, Wanted
from wholefit.training.association._read import Read, read
from wholefit.training.association._rules import Rules
from wholefit.training.association._told import tell
from wholefit.training.found import Common, Found, lineage
from wholefit.training.record import Entry

_METRIC = "lift"
_ORDER = ("lift", "confidence", "support", "lift_ratio", "confirmed", "hit_rate@10",
          "popularity@10")
# Fewer baskets than this are not parted: a quarter of them would judge nothing.
_PARTED = 100


@dataclass(frozen=True)
class Options(Params):
    """The words of association: how often, how surely, of what, where and when."""

    support: float | None = param(None, "Least share of baskets that hold a set; chosen where not "
                                  "given.", above=0, high=1, none=True)
    min_count: int | None = param(None, "Least number of baskets that hold a set; another way to "
                                  "say support.", low=1, none=True)
    confidence: float = param(0.1, "Least share of the baskets with X that also hold Y.", low=0,
                              high=1)
    lift: float = param(1.0, "Least lift.", low=0)
    max_items: int | None = param(4, "Most items in a rule, both sides together; None sets no "
                                  "bound.", low=1, none=True)
    consequents: int = param(1, "Most items on the right side of a rule.", low=1, high=6)
    alpha: float | None = param(0.05, "Chance of any false rule among all kept (of the share of "
                                "false ones with correction='fdr'); None keeps what is not "
                                "significant too.", above=0, below=1, none=True)
    correction: str = param("holm", "For many tests: 'holm' bounds the chance of any false rule, "
                            "'fdr' the share of false ones, 'none' nothing.",
                            choices=("holm", "fdr", "none"))
    antecedent: str | tuple[str, ...] | None = param(
        None, "Items of which one must stand on the left side.", none=True)
    consequent: str | tuple[str, ...] | None = param(
        None, "Items of which one must stand on the right side.", none=True)
    by: str | tuple[str, ...] | None = param(
        None, "Columns of segments in which rules are compared.", none=True)
    period: str = param("auto", "Seasons in which rules are compared where time= is given.",
                        choices=("auto", "month", "quarter", "weekday", "none"))
    quantity: str | None = param(None, "Column of how many pieces a line is; 0 or less is a "
                                 "return, and amount= is then of one piece.", none=True)
    total: bool = param(False, "Amounts are of whole lines, not of one piece.")
    separator: str | None = param(None, "What separates items in a column of lists; found where "
                                  "not given.", none=True)
    returns: str = param("drop", "Lines of returns and cancellations.", choices=("drop", "keep"))
    charges: str = param("drop", "Lines that are no goods, such as postage.",
                         choices=("drop", "keep"))
    ignore: str | tuple[str, ...] | None = param(
        None, "Items to leave out.", none=True)
    sets: int = param(50_000, "Most itemsets weighed where the support is chosen for you.",
                      low=100)
    keep: int = param(10_000, "Most rules kept, the weightiest first.", low=1)

    def __post_init__(self) -> None:
        for name in ("antecedent", "consequent", "by", "ignore"):
            value = getattr(self, name)
            if isinstance(value, (list, tuple)):
                object.__setattr__(self, name, tuple(map(str, value)))
        super().__post_init__()


def fit(dataset: Dataset, task: Task, options: Options, common: Common) -> Found:
    """Rules of the dataset's baskets, and what they are worth on baskets they were not made from.

    The leaderboard holds one row an engine: all give the same rules, so that the default is
    asked alone. Scores come from rules mined in three quarters of the baskets.
    """
    common.no_metric(task)
    how = layout(dataset.frame, dataset.schema, options.separator, options.quantity,
                 words(options.by))
    data = read(dataset.frame, how, returns=options.returns, charges=options.charges,
                ignore=words(options.ignore), total=options.total)
    mining.enough(data.baskets)
    wanted = _wanted(options, data.names)
    models = list(common.models or [get("eclat")()])
    asked = mining.stated(options.support, options.min_count, len(data.baskets))
    asked = asked or _of_model(models[0])
    whole, entries = _tried(data, wanted, asked, options, models, task, common)
    kept = rules_state(whole.rules, data)
    scores, split = _judged(data, wanted, whole, options, models[0], task, common)
    first = replace(entries[0], scores=scores, recommended=True, best=True)
    told = tell(data, how, whole, scores, options, split)
    return Found(
        task=task, schema=dataset.schema, metric=_METRIC, states={
            "model": kept, "itemsets": stored(whole.found),
            "reading": State("reading", {"layout": how.to_json(), "options": _reading(options)})},
        model={"name": models[0].name, "params": {
            **models[0].to_dict(), "min_count": whole.support.count,
            "max_items": options.max_items}},
        leaderboard=(first, *entries[1:]), told=told, split=split, said=_said(how, data),
        warnings=tuple(_warned(data, whole, options)),
        notes=(*dataset.notes, *data.notes),
        lineage=lineage(dataset, models[0], options.to_dict(), common))


def words(option: str | Sequence[str] | None) -> tuple[str, ...]:
    """An option of one word or several."""
    if option is None:
        return ()
    return (option,) if isinstance(option, str) else tuple(str(word) for word in option)


def rules_state(rules: Rules, data: Read) -> State:
    """What answers: rules with their counts, the items' names and popularity; kind "rules"."""
    with np.errstate(divide="ignore", invalid="ignore"):
        confidence = rules.both / rules.x
    popularity = data.baskets.counts() / max(len(data.baskets), 1)
    arrays = {"antecedent": rules.antecedent.astype(np.int32),
              "consequent": rules.consequent.astype(np.int32),
              "confidence": confidence, "popularity": popularity,
              "both": rules.both, "x": rules.x, "y": rules.y, "expected": rules.expected,
              "p": rules.p, "adjusted": rules.adjusted}
    return State("rules", {"baskets": len(data.baskets)}, arrays,
                 {"items": json.dumps(data.names, ensure_ascii=False).encode("utf-8")})


def _wanted(options: Options, names: Sequence[str]) -> Wanted:
    return Wanted(options.alpha, options.correction, options.confidence, options.lift,
                  options.consequents, options.max_items, options.keep,
                  mining.codes_of(words(options.antecedent), names, "antecedent"),
                  mining.codes_of(words(options.consequent), names, "consequent"))


def _of_model(model: Model) -> Support | None:
    """A count that was said as a parameter of the engine: eclat(min_count=50)."""
    count = getattr(model, "min_count", None)
    default = next((s.default for s in model.specs() if s.name == "min_count"), None)
    return None if count in (None, default) else Support(
        int(count), f"{count:,} baskets, as the model was told")


def _tried(data: Read, wanted: Wanted, asked: Support | None, options: Options,
           models: Sequence[Model], task: Task, common: Common) -> tuple[Mined, list[Entry]]:
    """The rules, by the first engine; and a row of the leaderboard for each."""
    entries, first = [], None
    for model in models:
        start = common.clock.spent()
        found = mining.mined(data.baskets, wanted, asked, options.sets, model, task, common.jobs,
                             data.group)
        first = first or found
        entries.append(Entry(model.name, model.to_dict(), folds=1,
                             fit_seconds=common.clock.spent() - start, tied=len(models) > 1))
    assert first is not None
    return first, entries


def _judged(data: Read, wanted: Wanted, whole: Mined, options: Options, model: Model, task: Task,
            common: Common) -> tuple[dict[str, Score], str]:
    """Scores of rules made from three quarters of the baskets, on the others."""
    n = len(data.baskets)
    if n < _PARTED:
        return {}, (f"{n:,} baskets are too few to be parted: every basket made the rules, and "
                    "nothing judges them")
    if common.clock.left() < common.clock.spent():
        return {}, ("the budget left no time to mine a part of the baskets and judge it by the "
                    "others: nothing judges the rules")
    late, how = _deal(data, common.seed)
    if late.all():
        return {}, ("all baskets are of one group and cannot be parted: every basket made the "
                    "rules, and nothing judges them")
    early = data.baskets.take(np.flatnonzero(~late))
    count = max(1, int(np.ceil(whole.support.count * len(early) / n)))
    group = None if data.group is None else data.group[~late]
    part = mining.mined(early, wanted, Support(count, ""), options.sets, model, task, common.jobs,
                        group)
    rest = data.baskets.take(np.flatnonzero(late))
    state = rules_state(part.rules, replace(data, baskets=early))
    scores = judged.scores(part.rules, len(early), state, rest, common.seed,
                           group=None if data.group is None else data.group[late])
    ordered = {name: scores[name] for name in _ORDER if name in scores}
    return ordered, (f"scores are of {len(part.rules):,} rules mined in {len(early):,} baskets, "
                     f"counted in the other {len(rest):,} ({how}); the rules told here are of all "
                     f"{n:,}")


def _deal(data: Read, seed: int) -> tuple[np.ndarray, str]:
    """Which baskets are left out to judge: the latest quarter, those of a quarter of the groups,
    or one in four at random."""
    n = len(data.baskets)
    if data.group is not None:
        many = int(data.group.max(initial=-1)) + 1
        drawn = generator(seed, "association", "deal").permutation(many) < max(1, many // 4)
        return drawn[data.group], ("those of a quarter of the groups" if many >= 4 else
                                   f"those of one of {many} groups")
    if data.time is not None and not np.isnat(data.time).any():
        order = np.lexsort((np.arange(n), data.time))
        late = np.zeros(n, dtype=bool)
        late[order[n - n // 4:]] = True
        return late, "the latest quarter"
    return generator(seed, "association", "deal").permutation(n) < n // 4, "one in four at random"


def _reading(options: Options) -> dict[str, Any]:
    return {"returns": options.returns, "charges": options.charges, "total": options.total,
            "ignore": list(words(options.ignore))}


def _said(how: Layout, data: Read) -> str:
    lines = len(data.baskets.item)
    return (f"association: {how.why}; {len(data.baskets):,} baskets of {len(data.names):,} items, "
            f"{lines:,} lines.")


def _warned(data: Read, whole: Mined, options: Options) -> list[str]:
    """What should be known before a rule is acted on."""
    said = []
    if not len(whole.rules):
        said.append("no rule passes: " + (
            "none of the pairs that are often enough together is so more than chance would make "
            "it" if not whole.significant else f"{whole.significant:,} are significant, and none "
            f"has confidence >= {options.confidence:g} and lift >= {options.lift:g}"
            " with the items asked for"))
    if options.alpha is None or options.correction == "none":
        said.append("rules are not held to a corrected test, as asked: many of them may be chance")
    if len(whole.rules) == options.keep:
        said.append(f"the {options.keep:,} weightiest rules are kept, and there are more (keep=)")
    if len(data.baskets) < 1000:
        said.append(f"{len(data.baskets):,} baskets are few: only strong ties can be proved")
    return said
