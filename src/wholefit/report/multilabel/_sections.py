"""The sections of the page of several labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wholefit.report import words as figures
from wholefit.report._bars import ranked
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report._svg import Bar, forest
from wholefit.report.multilabel import _words as words
from wholefit.report.sections import Section
from wholefit.training.found import Found

_MOST_BARS, _MOST_PAIRS, _MOST_COLUMNS, _MOST_ACROSS = 40, 15, 15, 12
_FAINT = 0.1


def lines(found: Found) -> list[str]:
    """What was learnt, in plain sentences."""
    said = [words.basis(found), words.how(found), *words.quality(found), words.extremes(found),
            words.together(found), words.telling(found), words.decided(found),
            words.never(found)]
    return [sentence for sentence in said if sentence]


def sections(found: Found) -> tuple[Section, ...]:
    """The sections of the page, in order."""
    return (
        Section("answer", "The answer", _answer),
        Section("labels", "How well each label is known", _labels),
        Section("together", "What goes together", _together),
        Section("telling", "What tells the labels", _telling),
        Section("examples", "Rows that were held out", _examples),
        Section("limits", "What an answer does not say", _limits),
    )


def _answer(found: Any) -> Html:
    return join([*(el("p", data(said, 400), cls="lead") for said in words.quality(found)),
                 el("p", data(words.basis(found), 400)), el("p", data(words.how(found), 300)),
                 _said(words.extremes(found)), el("p", data(words.decided(found), 300)),
                 _said(words.never(found))])


def _said(sentence: str | None) -> Html | None:
    return None if sentence is None else el("p", data(sentence, 600))


def _labels(found: Any) -> Html:
    """AUC of each label as a forest, and every score in a table."""
    each = sorted(found.told["each"], key=lambda one: -_value(one, "roc_auc"))
    bars = [_bar(one) for one in each[:_MOST_BARS]]
    rows = [[data(one["name"], 60), f"{one['held']:,}", words.percent(_share(one)),
             *(_cell(one, name) for name in ("average_precision", "f1", "precision", "recall")),
             f"{one['threshold']:.2g}"] for one in each]
    return join([
        el("p", "AUC: of two rows, one that holds the label and one that does not, how often the "
           "right one is scored higher, by models that had seen neither. 0.5 is guessing."),
        forest(bars, 0.5, "AUC of each label with its 95% interval"),
        el("p", f"The {_MOST_BARS} best of {len(each)} labels are drawn.", cls="small")
        if len(each) > _MOST_BARS else None,
        table(["label", "rows", "share", "average precision", "f1", "precision", "recall",
               "from"], rows, "Scores of each label on rows held out",
              numbers=(1, 2, 3, 4, 5, 6, 7), cls="board"),
        el("p", "Average precision is to be held against the share of rows: a guess comes to that. "
           "\"From\" is the probability from which on a row is given the label.", cls="small")])


def _bar(one: Mapping[str, Any]) -> Bar:
    found = words.score(one, "roc_auc")
    return Bar(one["name"], str(found), found.value, found.low, found.high, "chosen")


def _share(one: Mapping[str, Any]) -> float:
    return float(one["held"]) / max(one["known"], 1)


def _value(one: Mapping[str, Any], name: str) -> float:
    value = words.score(one, name).value
    return value if value == value else -1.0


def _cell(one: Mapping[str, Any], name: str) -> Any:
    found = words.score(one, name)
    return "–" if found.value != found.value else join(
        [figures.value(found), el("span", " ", figures.span(found), cls="small")])


def _together(found: Any) -> Html:
    """Labels that are held by the same rows more, or less, than chance would have it."""
    told = found.told
    pairs = told["pairs"][:_MOST_PAIRS]
    rows = [[data(" and ".join(pair["labels"]), 120), f"{pair['phi']:+.2f}",
             words.percent(pair["both"]), words.percent(pair["chance"]),
             words.percent(pair["expected"])] for pair in pairs]
    sets = [[data(", ".join(each["labels"]) or "none", 200), f"{each['rows']:,}"]
            for each in told["sets"]]
    return join([
        _said(words.together(found)),
        table(["labels", "correlation", "both held", "by chance", "by the answers"], rows,
              "Pairs of labels, the closest first", numbers=(1, 2, 3, 4)) if rows else None,
        el("p", "\"By chance\" is how often both would be held if neither told of the other; \"by "
           "the answers\", if they did so given the columns. Where that falls short of \"both "
           "held\", labels tell of each other what the columns do not.", cls="small"),
        table(["set", "rows"], sets, "The most frequent sets of labels", numbers=(1,))])


def _telling(found: Any) -> Html | None:
    """Columns by what their shuffling costs, and each label's part of it."""
    told = found.told["importance"]
    if not told:
        return None
    columns = told["columns"][:_MOST_COLUMNS]
    bars = [(name, told["value"][at], told["low"][at], told["high"][at])
            for at, name in enumerate(columns)]
    labels = [one["name"] for one in found.told["each"]]
    shown = sorted(range(len(labels)), key=lambda label: -max(
        each[label] for each in told["each"]))[:_MOST_ACROSS]
    most = max((each[label] for each in told["each"] for label in shown), default=0.0)
    rows = [[data(name, 60), *(_heat(told["each"][at][label], most) for label in shown)]
            for at, name in enumerate(columns)]
    return join([
        _said(words.telling(found)),
        el("p", f"What shuffling a column among {told['rows']:,} rows held out adds to the log "
           "loss, the mean over labels:"),
        ranked(bars, "Log loss added by shuffling each column"),
        el("p", "And for each label, the strongest in colour:"),
        table(["", *(data(labels[label], 30) for label in shown)], rows,
              "Log loss added to each label by shuffling each column",
              numbers=range(1, len(shown) + 1), cls="matrix")])


def _heat(value: float, most: float) -> Any:
    share = value / most if most > 0 else 0.0
    if share < _FAINT / 2:
        return el("span", f"{value:.3f}", cls="none")
    return el("span", f"{value:.3f}", cls="hit", style=f"--s:{share:.2f}")


def _examples(found: Any) -> Html:
    rows = [[data(one["name"] or f"row {one['row']}", 60), _held(one, "held"), _held(one, "given")]
            for one in found.told["examples"]]
    return join([
        el("p", "Drawn by chance, answered by models that had not seen them:"),
        table(["row", "holds", "is given"], rows, "Rows that were held out")])


def _held(one: Mapping[str, Any], key: str) -> Any:
    """The labels that a row holds, or is given with their probabilities; wrong ones marked."""
    said = []
    for label in one["labels"]:
        if not label[key]:
            continue
        right = label["held"] == label["given"]
        what = f"{label['name']} ({label['probability']:.0%})" if key == "given" else label["name"]
        mark = "" if right else (" – wrong" if key == "given" else " – missed")
        said.append(data(f"{what}{mark}", 80))
    return join(said, "; ") if said else "none"


def _limits(found: Any) -> Html:
    return bullets(data(said, 400) for said in words.limits(found))
