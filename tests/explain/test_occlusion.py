"""Occlusion: exact for a weighted sum of words, right on planted pictures, held against chance."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import (
    DataError,
    MissingExtraError,
    ParameterError,
    UnknownNameError,
)
from wholefit.explain import gradients, occlusion
from wholefit.explain.occlusion import _cut, _parts, _squares, grid
from wholefit.explain.salient import Saliency

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
DATA = os.environ.get("WHOLEFIT_DATA")
SIDE = 8


def needs(name: str) -> Path:
    if not DATA:
        pytest.skip(f"WHOLEFIT_DATA is not set; this needs {name}")
    path = Path(DATA) / name
    if not path.exists():
        pytest.skip(f"WHOLEFIT_DATA has no {name}")
    return path


@pytest.fixture(scope="module")
def spam():
    frame = wf.read(needs("sms_spam/data.csv.gz")).frame
    return frame, wf.fit(frame[:1500], target="spam", models=["logistic"], choose="best", jobs=1,
                         folds=2)


@pytest.fixture(scope="module")
def squares():
    """Pictures of 8 x 8 with a bright block in the upper left, or not; noise elsewhere."""
    random = np.random.default_rng(0)
    X = random.random((600, SIDE, SIDE))
    bright = random.random(600) < 0.5
    X[bright, 1:4, 1:4] += 2
    frame = pl.DataFrame({f"pixel {at}": column for at, column in
                          enumerate(X.reshape(600, -1).T)}).with_columns(
        kind=pl.Series(np.where(bright, "bright", "dull")))
    return frame, wf.fit(frame, target="kind", models=["logistic"], choose="best", jobs=1,
                         folds=2)


def test_a_word_is_worth_what_the_weighted_sum_loses_without_it(spam) -> None:
    """The log-odds without a word, from the model's coefficients and the other words' TF-IDF."""
    frame, result = spam
    rows = frame[1500:1504]
    found = result.saliency(rows, output=1)
    state = result._fitted.state()
    names = {name: at for at, name in enumerate(result._fitted.encoder.names)}
    coef = state.arrays["coef"][0]
    text = next(block for block in result._fitted.encoder._blocks if hasattr(block, "idf"))
    idf = dict(zip(text.words, text.idf, strict=True))
    for row, each in enumerate(found.found):
        counts: dict[str, int] = {}
        for start, end, _ in each.spans:
            word = each.text[start:end].lower()
            counts[word] = counts.get(word, 0) + 1
        for start, end, worth in each.spans[:6]:
            gone = each.text[start:end].lower()
            kept = {word: count * idf[word] for word, count in counts.items()
                    if word != gone and word in idf}
            norm = np.sqrt(sum(value**2 for value in kept.values())) or 1.0
            odds = float(state.arrays["intercept"][0]) + sum(
                coef[names[f"text~{word}"]] * value / norm for word, value in kept.items())
            without = 1 / (1 + np.exp(-odds))
            assert worth == pytest.approx(each.answer - without, abs=1e-9), (row, gone)


def test_the_words_that_matter_matter_more_than_random_ones(spam) -> None:
    frame, result = spam
    rows = frame[1500:].filter(pl.col("spam") == 1)[:40]
    rows = rows.filter(pl.Series(result.predict(rows)["prediction"] == 1))
    tests = [each.test for each in result.saliency(rows).found if each.test]
    assert len(tests) >= 10
    fell = np.mean([test.random - test.strongest for test in tests])
    assert fell > 0.1, "on average the strongest words take away more than random ones"


def test_phrases_json_and_pictures(spam) -> None:
    frame, result = spam
    one, many = (result.saliency(frame[:2], phrase=size) for size in (1, 3))
    assert len(many.found[0].spans) < len(one.found[0].spans)
    back = Saliency.from_json(json.loads(json.dumps(one.to_json())))
    assert back.to_text() == one.to_text()
    assert "<mark" in one._repr_html_() and "<script" not in one._repr_html_()


def test_texts_without_words_are_answered_too(spam) -> None:
    _, result = spam
    found = result.saliency(pl.DataFrame({"text": ["", "!!", None]}))
    assert all("no word of text matters" in each.to_text() for each in found.found)
    assert found._repr_html_()


def test_a_text_is_cut_where_its_parts_stand() -> None:
    text = "Free call, FREE!"
    parts = _parts(text, 1)
    assert [text[a:b] for a, b in parts[0]] == ["Free", "FREE"]
    assert _cut(text, parts[0]) == "call, !"
    assert _parts("one two three four five", 2)[2] == [(19, 23)]


@pytest.mark.parametrize("kind", ["occlusion", "shap"])
def test_the_planted_block_is_found(squares, kind) -> None:
    frame, result = squares
    rows = frame.filter(pl.col("kind") == "bright")[:3]
    found = result.saliency(rows, kind=kind, patch=2, baseline=0.5)
    for each in found.found:
        worth = np.abs(np.array(each.worth)).reshape(SIDE, SIDE)
        inside = worth[1:4, 1:4].sum()
        assert each.shape == (SIDE, SIDE) and inside > 0.6 * worth.sum()
        assert each.test.strongest < each.test.random - 0.1
    assert "Speaks for it most: the upper left" in found.to_text()
    assert found._repr_html_().count("<svg") == 2 * len(rows)
    back = Saliency.from_json(json.loads(json.dumps(found.to_json())))
    assert back.to_text() == found.to_text()


def test_pixels_equal_covering_by_hand(squares) -> None:
    frame, result = squares
    row = frame[:1]
    found = result.saliency(row, patch=4, stride=4, baseline=0.0, output="bright").found[0]
    full = result.predict_proba(row)["p_bright"][0]
    for top in (0, 4):
        for left in (0, 4):
            gone = row.with_columns(pl.lit(0.0).alias(f"pixel {y * SIDE + x}")
                                    for y in range(top, top + 4) for x in range(left, left + 4))
            lost = full - result.predict_proba(gone)["p_bright"][0]
            worth = np.array(found.worth).reshape(SIDE, SIDE)[top:top + 4, left:left + 4]
            assert worth == pytest.approx(np.full((4, 4), lost), abs=1e-9)


def test_pictures_are_recognised_by_running_numbers_or_by_shape(squares) -> None:
    frame, result = squares
    columns, shape = grid(result.schema, None)
    assert shape == (SIDE, SIDE) and columns[9] == "pixel 9"
    assert grid(result.schema, (4, 16))[1] == (4, 16)
    with pytest.raises(DataError, match=r"shape \(3, 3\) needs 9 columns"):
        result.saliency(frame[:1], shape=(3, 3))
    with pytest.raises(ParameterError, match="shape must be"):
        result.saliency(frame[:1], shape=7)


def test_wrong_questions_get_one_sentence(squares, spam) -> None:
    frame, result = squares
    with pytest.raises(UnknownNameError, match="kind of saliency"):
        result.saliency(frame[:1], kind="occlusions")
    with pytest.raises(UnknownNameError, match="text column"):
        result.saliency(frame[:1], column="pixel 1")
    with pytest.raises(DataError, match="1 to 200 rows"):
        result.saliency(frame)
    with pytest.raises(UnknownNameError, match="class"):
        result.saliency(frame[:1], output="grey")
    with pytest.raises(ParameterError, match="kind must be 'occlusion' for text"):
        spam[1].saliency(spam[0][:1], kind="shap")


def test_squares_cover_every_pixel() -> None:
    for shape, patch, stride in [((7, 9), 4, None), ((5, 5), 9, None), ((28, 28), 4, 3)]:
        seen = np.zeros(shape)
        for square in _squares(shape, occlusion.Options(patch=patch, stride=stride)):
            seen[square] += 1
        assert seen.min() >= 1


def test_without_torch_the_error_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'wholefit\[deep\]'"):
        gradients.gradient(None, np.zeros((1, 2)))
