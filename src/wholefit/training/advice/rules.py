"""The rules: each looks at the evidence, and speaks or is silent.

What an experiment found is in the comments and in `worth`; numbers are those of
benchmarks/results/claims.md. Where a source's rule was found false it is not here, or says the
contrary.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from wholefit.base.wording import figures
from wholefit.data.notes import some
from wholefit.evaluation import Score
from wholefit.training.advice._evidence import Evidence, family
from wholefit.training.advice.records import Advice
from wholefit.training.record import Entry

# Models that a person can read.
_CLEAR = ("decision_tree", "rule_list", "additive", "logistic", "linear", "ridge", "lasso",
          "elastic_net", "gaussian_nb")
_PLAIN = ("linear", "ridge", "logistic", "lasso", "elastic_net")
_ENSEMBLES = ("voting", "stacking")
# Below so many rows the luck of the split is worth taking away; below so large a share a class
# is rare; so many rows a feature make a penalty idle.
_FEW_ROWS, _RARE, _PER_FEATURE = 500, 0.2, 5
# benchmarks/results/more_budget.md
_WORTH_GROWING = ("on 22 tables of at most 2,500 rows as many models again then gained beyond "
                  "chance in 20% of cases, and nothing in the mean; larger ones were not tried")
_WORTH_STANDING = ("on 22 tables of at most 2,500 rows as many models again then gained beyond "
                   "chance in 12% of cases, and nothing in the mean")
# What a tied model may lose of the best one's gain over the baseline, to be as good.
_LOSS_ALLOWED = 0.02


@dataclass(frozen=True)
class Rule:
    """A rule: its name, what evidence it looks at, and how it looks.

    `wants` names evidence that may not be at hand ("cures", "audit", "seen"); without it the rule
    is not asked. `checked` is what it rests on.
    """

    name: str
    checked: str
    look: Callable[[Evidence], Iterator[tuple[int, str, str, str]]]
    wants: str = ""

    def advise(self, evidence: Evidence) -> list[Advice]:
        """What it says: rank, do, because, worth."""
        return [Advice(self.name, do, because, worth, self.checked, rank)
                for rank, do, because, worth in self.look(evidence)]


Said = Iterator[tuple[int, str, str, str]]


# ---- can the scores be believed? ----------------------------------------------------------


def _findings(e: Evidence) -> Said:
    for finding in e.findings:
        if finding.severity == "critical":
            where = f" ({', '.join(map(repr, finding.columns[:3]))})" if finding.columns else ""
            yield (0, f"Treat the finding {finding.kind!r}{where} first: "
                   f"{finding.flag or finding.line}", f"{finding.evidence.rstrip('.')}: "
                   f"{finding.why.rstrip('.')}", "")


def _time(e: Evidence) -> Said:
    """Shuffling is right for rows without a past, wrong for time."""
    dates = [column.name for column in e.schema.columns if column.role == "datetime"]
    if not dates or any(column.role == "time" for column in e.schema.columns):
        return
    yield (0, f"If new rows come later than these, fit with time={dates[0]!r}",
           f"of the columns {some([repr(name) for name in dates])} tell a time, and the split was "
           "shuffled, so that later rows told of earlier ones",
           "a truer score: shuffling flattered hourly traffic by 21%")


def _nothing(e: Evidence) -> Said:
    """An underfitted model is mostly better than guessing; one that is not has learnt nothing."""
    base = next((each for each in e.entries if family(each) == e.baseline and each.scores), None)
    rare = e.rare is not None and e.rare[1] <= _RARE and e.metric == "accuracy"
    if base is None or e.metric not in base.scores or rare:
        return
    sign, other = (1 if e.better == "higher" else -1), base.scores[e.metric]
    tried = [each for each in (*e.done, *e.cut) if e.metric in each.scores]
    if not tried or any(_beyond(each.scores[e.metric], other, sign) for each in tried):
        return
    best = max(tried, key=lambda each: sign * each.scores[e.metric].value)
    told = (f"{e.metric} of {best.model} is {best.scores[e.metric]} and that of the baseline "
            f"{other}")
    ranks = [each for each in tried if _tells(each)]
    if ranks:
        auc = ranks[0].scores["roc_auc"]
        yield (0, "Doubt the models, not the columns: try simpler ones, or a penalty",
               f"{told}, though {ranks[0].model} ranks better than guessing (AUC {auc}): it is too "
               "sure of itself", "a full tree had a log loss of 1.0 to 4.0 on three tables, and a "
               "stump 0.3 to 0.6")
        return
    yield (0, "Do not use it yet: look for columns that tell of the target, or doubt the target",
           f"{told}: nothing was learnt beyond chance",
           "even a stump was better than guessing on all three tables tried, so that this means "
           "no signal, not too small a model")


def _beyond(own: Score, other: Score, sign: int) -> bool:
    """Whether a score is better than the baseline's beyond its own interval."""
    return sign * (own.value - other.value) > 0 and not own.low <= other.value <= own.high


def _tells(entry: Entry) -> bool:
    return "roc_auc" in entry.scores and entry.scores["roc_auc"].low > 0.5


def _few(e: Evidence) -> Said:
    if e.rows >= _FEW_ROWS or int(e.lineage.get("repeats") or 0) != 1 or "time" in e.split[:40]:
        return
    yield (1, "Repeat the cross-validation: repeats=5 (--repeats 5)",
           f"{e.rows:,} rows were dealt to folds once, and the luck of the deal is in the score "
           f"({e.score})",
           "of 60 rows the spread between deals fell from 0.030 to 0.013; the luck of the rows "
           "themselves, which is larger and what the interval tells, stays")


# ---- what is being asked ------------------------------------------------------------------


def _accuracy(e: Evidence) -> Said:
    rare = e.rare
    if rare is None or rare[1] > _RARE or e.metric != "accuracy":
        return
    base = next((each.scores["accuracy"] for each in e.entries
                 if family(each) == e.baseline and "accuracy" in each.scores), None)
    told = f", and the baseline, which never says it, has {base}" if base is not None else ""
    yield (0, "Compare by another metric: metric='log_loss' or 'average_precision'",
           f"{rare[0]!r} is {rare[1]:.1%} of the rows: accuracy is {e.score}{told}",
           "of loans with 5% bad, logistic had an accuracy of 0.947 and found 0.6% of the bad")


def _threshold(e: Evidence) -> Said:
    rare = e.rare
    if rare is None or rare[1] > _RARE or e.decided or len(e.recalls) != 2:
        return
    value, low, high = e.recalls[rare[2]]
    if not high < 0.5:
        return
    chosen = "" if family(e.chosen) == e.baseline else \
        ", or have a threshold chosen (result.with_threshold('f1'))"
    yield (1, f"Say what mistakes cost (costs=){chosen}",
           f"{rare[0]!r} is {rare[1]:.1%} of the rows, and {value:.0%} [{low:.0%}, {high:.0%}] of "
           "them are found: a class is said only from a probability of a half on",
           "of loans with 5% bad, recall went from 0.006 to 0.60 by a threshold alone; weights, "
           "SMOTE and NearMiss did no more, and ranked worse")


def _balanced(e: Evidence) -> Said:
    if e.lineage.get("balance") is None:
        return
    yield (1, "Hold it against a threshold alone: wf.treatments (wholefit treatments)",
           f"rows were balanced ({e.lineage['balance']}) while learning",
           "of weights, SMOTE and NearMiss none ranked the loans better than doing nothing, and "
           "three worse; a moved threshold found as many")


# ---- which model --------------------------------------------------------------------------


def _families(e: Evidence) -> Said:
    """Which family is best is not to be told beforehand: none led on all tables but one."""
    known = {family(entry) for entry in (*e.done, *e.cut)}
    alike = ({"decision_tree"}, {"knn"}, {"decision_tree", "knn"})
    one = len(known) == 1 or known in alike
    if not known or not one or e.rows > 200_000:
        return
    others = [name for name in ("logistic" if e.classes else "ridge", "hist_gradient_boosting",
                                *(["svc"] if e.classes and e.rows <= 20_000 else []),
                                "random_forest") if name not in known]
    yield (1, f"Try others beside it: models={others[:3]!r}",
           f"only {' and '.join(sorted(known))} was tried",
           "on five tables svc was best or tied on 5, logistic on 4, a forest on 3, boosting and "
           "k-NN on 2, a single tree on none" if e.classes else "")


def _keeps(e: Evidence, entry: Entry) -> bool:
    """Whether a tied model loses next to nothing of what the best gains over the baseline.

    A tie says that these rows cannot tell two models apart, not that they are equal.
    """
    base = next((each for each in e.entries if family(each) == e.baseline), None)
    gain, loss = (abs((each.difference or {}).get("value") or 0.0) if each is not None else 0.0
                  for each in (base, entry))
    return loss <= _LOSS_ALLOWED * gain


def _simple(e: Evidence) -> Said:
    """A tree was never among the best; but where a model that can be read is tied, it is free."""
    if family(e.chosen) in (*_CLEAR, e.baseline):
        return
    clear = [entry for entry in e.done if (entry.tied or entry.best) and family(entry) in _CLEAR
             and not entry.recommended and _keeps(e, entry)]
    if clear:
        yield (2, f"Use {clear[0].model}, which a person can read: models={clear[0].model!r}",
               f"its {e.metric} is {clear[0].scores[e.metric]} and that of {e.model} {e.score}: "
               "tied on the same rows", "reasons that are exact, for no loss beyond chance")


def _together(e: Evidence) -> Said:
    """The mean of unlike models led on 2 of 4 tables, a stack beat all its members on none."""
    if family(e.chosen) not in _ENSEMBLES:
        return
    single = [entry for entry in e.done if (entry.tied or entry.best)
              and family(entry) not in _ENSEMBLES and _keeps(e, entry)]
    if single:
        yield (2, f"Take {single[0].model} alone",
               f"{e.model} has a {e.metric} of {e.score} and it has "
               f"{single[0].scores[e.metric]}: tied, and it answers with one model",
               "the mean of a linear model, a forest and boosting beat the best of them on 2 of 4 "
               "tables, a stack beat all its members on 0 of 3")


def _penalty(e: Evidence) -> Said:
    sign = 1 if e.better == "higher" else -1
    scored = [entry for entry in e.done if e.metric in entry.scores]
    best = max(scored, key=lambda entry: sign * entry.scores[e.metric].value, default=None)
    plain = best is not None and family(best) == "linear"
    per = e.rows / max(e.features, 1)
    tried = {family(entry) for entry in e.done}
    if not plain or per >= _PER_FEATURE or tried & {"ridge", "lasso", "elastic_net"}:
        return
    pair = e.together
    alike = pair is not None and abs(pair[2]) > 0.8
    which = "'elastic_net', 'ridge'" if alike else "'ridge', 'lasso'"
    also = (f", and {pair[0]!r} and {pair[1]!r} correlate ({pair[2]:+.2f})"
            if alike and pair is not None else "")
    yield (1, f"Try a penalty: models=[{which}]",
           f"least squares was fitted with {per:.1f} rows a feature ({e.features:,} features)"
           f"{also}",
           "with 1.5 rows a feature the error of least squares was 39% above that of ridge, with "
           "3 it was 3%, from 5 on nothing")


def _clusters_of_settings(e: Evidence) -> Said:
    """A grid of three parameters or more spends its trials on the same few values of each."""
    by_family: dict[str, list[Entry]] = defaultdict(list)
    for entry in e.done:
        by_family[family(entry)].append(entry)
    for name, entries in by_family.items():
        values = {key: {repr(entry.params.get(key)) for entry in entries}
                  for key in entries[0].params}
        moved = {key: found for key, found in values.items() if len(found) > 1}
        size = math.prod(len(found) for found in moved.values())
        if len(moved) < 3 or size != len(entries):
            continue
        seen = {tuple(repr(entry.params.get(key)) for key in moved) for entry in entries}
        if seen == set(itertools.product(*moved.values())):
            yield (2, f"Draw settings of {name} at random instead of from a grid",
                   f"{len(entries)} of them are a full grid of {len(moved)} parameters "
                   f"({', '.join(moved)}), with {max(map(len, moved.values()))} values of each at "
                   "most",
                   "with 64 trials of 3 parameters of which one matters, a random draw came 50 "
                   "times nearer to the best; with one or two parameters, or where all matter "
                   "alike, the grid is better")


def _stopped(e: Evidence) -> Said:
    if e.cut and e.progress is None:
        told = [f"{entry.model} ({entry.reason or entry.status})" for entry in e.cut]
        yield (1, "Give it more to spend: budget= (--budget)",
               f"{some(told)} did not finish within {e.lineage.get('budget')}", "")


def _more_time(e: Evidence) -> Said:
    """What the second half of the models added tells whether as many again will add anything."""
    decided, told = e.lineage.get("decided"), e.progress
    share = decided.get("share") if isinstance(decided, Mapping) else None
    if isinstance(share, (int, float)) and 0 < share < 1:
        yield (1, "Give it more to spend: budget= (--budget)",
               f"models learnt from {share:.0%} of the rows each could have had, for the time "
               "carried no more", "")
        return
    if told is None or not told.waiting:
        return
    gain = (f"{figures(told.gain, 3)} [{figures(told.low, 3)}, {figures(told.high, 3)}] in "
            f"{told.metric}")
    if told.grows:
        yield (2, "Give it more to spend only if small gains matter: budget= (--budget)",
               f"{told.waiting} configurations had no turn, and the later half of the "
               f"{told.models} that had one gained {gain}", _WORTH_GROWING)
        return
    yield (2, "Look for better columns or more rows rather than for more time",
           f"{told.waiting} configurations had no turn, but the later half of the {told.models} "
           f"that had one made no difference beyond chance ({gain}, + is better)",
           _WORTH_STANDING)


# ---- over- and underfitting ---------------------------------------------------------------


def _gap(e: Evidence) -> Said:
    """A gap alone says nothing: forests have one always, and no cure helped on any table."""
    name = family(e.chosen)
    if e.verdict is not None or math.isnan(e.gap) or "forest" in name or "extra" in name:
        return
    half = (e.score.high - e.score.low) / 2
    if not (math.isfinite(half) and e.gap > 3 * half):
        return
    worth = {"decision_tree": "a shallower tree or a forest helped on 3 of 3 tables",
             "knn": "more neighbours helped on 3 of 3 tables"}.get(
        name, "slower or fewer trees helped boosting on 3 of 3 tables" if "boost" in name or
        name in ("lightgbm", "xgboost", "catboost") else "")
    yield (1, "Have cures tried and measured: wf.cures (wholefit cures)",
           f"{e.metric} is {e.own} on the rows it learnt from and {e.score} on others", worth)


def _cured(e: Evidence) -> Said:
    if e.cures is not None and e.cures.helped:
        best = e.cures.helped[0]
        yield (1, f"Fit it as {best.write}", f"of the cures tried against {e.verdict.kind}, "
               f"{best.words} gained {best.span} in {e.cures.metric}, corrected for the number "
               "tried", f"{best.span} in {e.cures.metric}")


def _underfit(e: Evidence) -> Said:
    """Longer training gained nothing on any table; richer families and products on few."""
    verdict = e.verdict
    if verdict is None or verdict.kind != "underfitting" or (e.cures and e.cures.helped):
        return
    plain = family(e.chosen) in _PLAIN
    do = "Try powers and products, features={'degree': 2}, or boosting" if plain else \
        "Try a more flexible model, and features that say what you know"
    yield (1, f"{do}; do not train longer", verdict.said.rstrip("."),
           "where only a product of two columns tells the classes, log loss fell from 0.69 to 0.33 "
           "by products and to 0.45 by boosting, and by no longer training")


def _more_rows(e: Evidence) -> Said:
    record = e.cures if e.cures is not None else e.curve
    forecast = None if record is None else record.forecast
    if record is None or forecast is None:
        return
    sign = 1 if record.better == "higher" else -1
    low, high = sorted((sign * forecast.gain_low, sign * forecast.gain_high))
    if low > 0:
        gain = figures(sign * forecast.gain, 3)
        yield (2, f"Get more rows: {forecast.rows:,} instead of {e.rows:,}",
               f"its learning curve still rises: the forecast gain is {gain} "
               f"[{figures(low, 3)}, {figures(high, 3)}] in {e.metric}",
               f"{gain} in {e.metric} for twice the rows")


# ---- people -------------------------------------------------------------------------------


def _unfair(e: Evidence) -> Said:
    if e.audit is None or not e.audit.unequal:
        return
    part, worst = e.audit.unequal[0]
    by = list(part.by)
    yield (1, f"Decide whether that is acceptable, and have the price of mending it measured: "
           f"wf.mitigate(..., by={by!r}) (wholefit mitigate)",
           f"by {part.name}, {worst.said}",
           "on census rows a gap of 0.17 in who is selected was closed for 1.5 points of accuracy; "
           "leaving the column out changed it by less than a point")


RULES: tuple[Rule, ...] = (
    Rule("findings of the data", "the finding itself", _findings),
    Rule("rows in time", "AR12, shuffle", _time),
    Rule("better than guessing", "W90; AR16", _nothing),
    Rule("few rows", "AR12, repeats", _few),
    Rule("accuracy of a rare class", "AR9, B55", _accuracy),
    Rule("a rare class is missed", "AR9, B55", _threshold),
    Rule("balanced rows", "AR9, B55", _balanced),
    Rule("other families", "AR8", _families),
    Rule("a model that can be read", "AR8", _simple),
    Rule("is an ensemble worth it", "EN15; B42", _together),
    Rule("a penalty", "AR13, rows; B47, AR13", _penalty),
    Rule("grid or random", "AR7", _clusters_of_settings),
    Rule("stopped by the budget", "a fact of this run", _stopped),
    Rule("more time", "more_budget", _more_time),
    Rule("training against validation", "AR16", _gap, "seen"),
    Rule("cures", "AR16; the cures measured here", _cured, "cures"),
    Rule("underfitting", "TM33", _underfit, "curve"),
    Rule("more rows", "the learning curve measured here", _more_rows, "curve"),
    Rule("groups of people", "understanding_fairness", _unfair, "audit"),
)
