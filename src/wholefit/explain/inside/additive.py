"""Curves and tables of an additive model, and the rules of a list, in the user's columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.base.wording import counted
from wholefit.explain.inside._columns import CODE, Feature
from wholefit.explain.inside._numbers import brief, cut
from wholefit.explain.inside.record import Curve, Rule, Table
from wholefit.models._kernels import rule_list
from wholefit.models._kernels.additive import Additive, maps, starts


def told(state: State, features: Sequence[Feature], outputs: tuple[str, ...]) -> dict[str, Any]:
    """Sentences, curves and tables, those that move the answer most first."""
    kernel = Additive(state)
    arrays = state.arrays
    scale = "log-odds" if outputs != ("",) else "answer"
    many = len(arrays["intercept"]) > 1
    names = outputs if many else (outputs[-1] if scale == "log-odds" else "",)
    curves = [curve for at, one in enumerate(features)
              for curve in _curves(kernel, arrays, at, one, names if many else ("",))]
    pairs = [table for at in range(len(arrays["pair"]))
             for table in _tables(arrays, at, features, names if many else ("",), kernel)]
    curves = sorted((c for c in curves if len(c.values) > 1), key=lambda c: -c.spread)
    pairs = sorted(pairs, key=lambda one: -one.spread)
    start = ", ".join(f"{name} {brief(float(v))}" if name else brief(float(v))
                      for name, v in zip(names, arrays["intercept"], strict=True))
    held = len(arrays["kind"])
    said = [f"{counted(held, 'curve')} and {counted(len(arrays['pair']), 'table')} of pairs, added "
            f"to a start of {start} on the scale of the {scale}"
            + (f" of {names[0]!r}." if names[0] and not many else ".")]
    if curves:
        said.append("What moves the answer most: " + ", ".join(
            f"{c.column}{' -> ' + c.of if c.of else ''} (by {brief(c.spread)})"
            for c in curves[:5]) + ".")
    said.append("Each bin has a standard error from fits that left out a seventh of the rows; "
                "it covers chance, not a curve's smoothing.")
    return {"said": said, "curves": tuple(curves), "pairs": tuple(pairs)}


def _curves(
    kernel: Additive, arrays: dict[str, np.ndarray], at: int, one: Feature,
    outputs: tuple[str, ...],
) -> list[Curve]:
    start, size = int(starts(arrays["size"])[at]), int(arrays["size"][at])
    here = slice(start, start + size)
    edges = kernel.binned.edges[at] * one.scale + one.centre
    ordered = not arrays["kind"][at]
    labels = _labels(edges, one) if ordered else _levels(kernel, at, one, size)
    weight = arrays["weight"][here]
    return [Curve(one.name, tuple(labels), _plain(arrays["value"][here, k]),
                  _plain(arrays["error"][here, k]), _plain(weight),
                  _plain(edges) if ordered else (), of, _spread(arrays["value"][here, k], weight))
            for k, of in enumerate(outputs)]


def _labels(edges: np.ndarray, one: Feature) -> list[str]:
    """What each bin of an ordered column holds."""
    if one.yes_no and len(edges) == 1:
        return ["missing", "false", "true"]
    if not len(edges):
        return ["missing", "any value"]
    words = [cut(float(edge)) for edge in edges]
    middle = [f"{low} to {high}" for low, high in pairwise(words)]
    return ["missing", f"<= {words[0]}", *middle, f"> {words[-1]}"]


def _levels(kernel: Additive, at: int, one: Feature, size: int) -> list[str]:
    members: list[list[str]] = [[] for _ in range(size)]
    for code, place in zip(kernel.binned.edges[at], kernel.binned.bins[at], strict=True):
        members[int(place)].append(one.level(int(code)) if one.kind == CODE else cut(float(code)))
    words = [", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
             for names in members]
    return ["missing or new", *(word or "(none)" for word in words[1:])]


def _tables(
    arrays: dict[str, np.ndarray], at: int, features: Sequence[Feature], outputs: tuple[str, ...],
    kernel: Additive,
) -> list[Table]:
    a, b = (int(each) for each in arrays["pair_size"][at])
    start = int(starts(arrays["pair_size"].prod(axis=1))[at])
    here = slice(start, start + a * b)
    columns = [int(each) for each in arrays["pair"][at]]
    words = [_groups(kernel, arrays, feature, features[feature], bins, count)
             for feature, bins, count in zip(columns, maps(arrays)[at], (a, b), strict=True)]
    weight = arrays["pair_weight"][here]
    return [Table((features[columns[0]].name, features[columns[1]].name),
                  tuple(words[0]), tuple(words[1]),
                  tuple(_plain(row) for row in arrays["pair_value"][here, k].reshape(a, b)),
                  tuple(_plain(row) for row in arrays["pair_error"][here, k].reshape(a, b)),
                  of, _spread(arrays["pair_value"][here, k], weight))
            for k, of in enumerate(outputs)]


def _groups(
    kernel: Additive, arrays: dict[str, np.ndarray], feature: int, one: Feature, bins: np.ndarray,
    count: int,
) -> list[str]:
    """What each coarser bin of a feature holds."""
    if arrays["kind"][feature]:
        names = _levels(kernel, feature, one, int(arrays["size"][feature]))
        return ["missing or new", *(" / ".join(
            names[place] for place in np.flatnonzero(bins == group)[:3]) or "(none)"
            for group in range(1, count))]
    edges = kernel.binned.edges[feature] * one.scale + one.centre
    # The upper edge of a group is the one after its last bin.
    last = [int(np.flatnonzero(bins == group).max()) for group in range(1, count)
            if (bins == group).any()]
    return _labels(edges[[at - 1 for at in last[:-1]]], one)


def _spread(values: np.ndarray, weight: np.ndarray) -> float:
    """How far it moves the answer: its standard deviation over the training rows."""
    total = weight.sum()
    if not total > 0:
        return 0.0
    mean = values @ weight / total
    return float(np.sqrt((values - mean) ** 2 @ weight / total))


def _plain(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def rules(state: State, features: Sequence[Feature], outputs: tuple[str, ...]) -> dict[str, Any]:
    """The rules of a list in words, each with its interval."""
    kernel, arrays = rule_list.RuleList(state), state.arrays
    count = len(kernel.value) - 1
    answers = kernel.value.argmax(axis=1) if len(outputs) > 1 else np.zeros(count + 1, np.intp)
    if len(outputs) == 2:  # of two classes the rules all speak of one
        answers[:] = 1
    found = []
    for rule in range(count + 1):
        conditions = tuple(_condition(kernel, int(at), features)
                           for at in np.flatnonzero(kernel.rule == rule))
        k = int(answers[rule])
        found.append(Rule(conditions, outputs[k] if len(outputs) > 1 else "",
                          float(kernel.value[rule, k]), float(arrays["low"][rule, k]),
                          float(arrays["high"][rule, k]), float(arrays["rows"][rule])))
    about = f"the share of {outputs[1]!r}" if len(outputs) == 2 else (
        "the likeliest class and its share" if len(outputs) > 2 else "the mean")
    said = [f"{counted(count, 'rule')}, tried in order: the first whose conditions a row meets "
            "answers.",
            f"Told is {about}, its 95% interval, and the rows it rests on, none of which had a "
            "say in which rules there are."]
    if not count:
        said.append("No rule differed from the rest on rows that had not chosen it: all rows get "
                    "one answer.")
    return {"said": said, "rules": tuple(found)}


def _condition(kernel: rule_list.RuleList, at: int, features: Sequence[Feature]) -> str:
    one, test = features[int(kernel.feature[at])], int(kernel.test[at])
    bound = float(kernel.bound[at])
    if test == rule_list.MISSING:
        return one.missing()
    if test == rule_list.EQUAL:
        return one.among([int(bound)])
    return one.at_most(bound) if test == rule_list.AT_MOST else one.above(bound)
