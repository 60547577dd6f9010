"""Advice on a page: what to do next, why, what it is worth, what it rests on."""

from __future__ import annotations

from wholefit.report._html import Html, data, el, join
from wholefit.training.advice import Advice, Advised

__all__ = ["section", "snippet"]


def section(record: Advised) -> Html | None:
    """The part of a page; None where there is nothing to say."""
    if not record.advice:
        return None
    return join([el("ol", *(el("li", _piece(each)) for each in record.advice)), _unasked(record)])


def snippet(record: Advised) -> str:
    """For a notebook."""
    return str(el("div", el("p", el("b", data(record.said, 300))), section(record)))


def _piece(each: Advice) -> Html:
    worth = f" Worth: {each.worth}." if each.worth else ""
    return join([el("b", data(each.do, 400)), ", because ", data(each.because, 700), ".",
                 data(worth, 400), el("span", f" Checked by {each.checked}.", cls="small")])


def _unasked(record: Advised) -> Html | None:
    if not record.wanting:
        return None
    return el("p", data(f"More could be advised with {'; '.join(record.wanting)}.", 900),
              cls="small")
