"""Counterfactuals, examples, words and maps as pages: escaped, titled, without script."""

from __future__ import annotations

import re

import numpy as np
import pytest

from wholefit.explain.counterfactuals import Change, Counterfactual, Counterfactuals
from wholefit.explain.nearest import Example, Examples, Neighbourhood
from wholefit.explain.salient import Picture, Saliency, Text, Trial
from wholefit.report import counterfactuals, saliency
from wholefit.report.counterfactuals import examples
from wholefit.report.saliency._maps import grey, signed, tokens

EVIL = "<script>alert(1)</script>"


def alternatives(count: int = 2) -> Counterfactuals:
    change = Change(EVIL, 1.0, 2.0, "1", EVIL, 0.25)
    one = Counterfactual((change,), EVIL, 0.6, 0.25, 0.1)
    return Counterfactuals(
        "y", "no", 0.7, "'yes'", False, (one,) * count, (EVIL,), (), "those of training", 2, 1,
        100, one, 0.2)


def shown() -> dict[str, str]:
    each = Neighbourhood(0, "a", 0.6, {EVIL: EVIL, "x": 1.5}, (
        Example(3, 0.9, EVIL, False, {EVIL: None, "x": 2.0}),))
    text = Text(0, "t", f"free {EVIL} cash", "probability is", 0.9, 0.1,
                ((0, 4, 0.5), (31, 35, -0.2)), Trial(0.2, 0.3, 0.8))
    picture = Picture(0, (2, 2), "probability is", 0.9, (0.0, 1.0, 2.0, 3.0),
                      (0.1, -0.2, 0.0, 0.3), None)
    return {
        "section": str(counterfactuals.section(alternatives())),
        "none": str(counterfactuals.section(alternatives(0))),
        "snippet": counterfactuals.snippet(alternatives()),
        "examples": examples.snippet(Examples("y", "leaves", 10, (each,), 0.5, 0.2)),
        "words": saliency.snippet(Saliency("y", "text", "By leaving out.", (text,))),
        "map": saliency.snippet(Saliency("y", "picture", "By covering.", (picture,))),
        "attention": str(tokens(np.eye(2), [EVIL, "b"], EVIL)),
    }


@pytest.mark.parametrize("name", list(shown()))
def test_nothing_of_the_data_becomes_a_script(name: str) -> None:
    page = shown()[name]
    assert "<script" not in page and page.count("<svg") == page.count("</svg>")
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        assert "<title>" in svg and "aria-label=" in svg and 'role="img"' in svg


def test_the_marks_say_for_and_against_without_colour() -> None:
    page = shown()["words"]
    assert page.count("solid") >= 2 and page.count("dotted") >= 2
    assert ">free</mark>" in page and ">cash</mark>" in page
    assert "without as many random ones 0.800: they matter" in page


def test_no_alternative_is_told_with_what_came_nearest() -> None:
    page = shown()["none"]
    assert "No such change exists" in page and "What comes nearest is" in page


def test_maps_of_many_pixels_stay_small() -> None:
    values = np.random.default_rng(0).normal(size=(600, 900))
    assert len(str(signed(values, "large"))) < 200_000
    assert "viewBox=\"0 0 112 75\"" in str(grey(values, "large"))
    assert "NaN" not in str(signed(np.full((2, 2), np.nan), "empty"))
