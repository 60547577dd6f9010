"""Translation: which columns, what is set apart, honest scores, words that do not fit."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import wholefit as wf
from wholefit import data
from wholefit.api.translation import Translation
from wholefit.base import tasks
from wholefit.base.errors import (
    ArtifactError,
    DataError,
    ExportError,
    ParameterError,
    SchemaError,
    UnknownNameError,
    WholefitError,
    WholefitWarning,
)
from wholefit.base.state import State
from wholefit.models import Context, make
from wholefit.models._pairs_learn import Seq2SeqEstimator
from wholefit.training.translation import _fit as recipe
from wholefit.training.translation._pairs import Options, pairs_of, settled

SMALL = "seq2seq(steps=400, width=32, heads=2, layers=1, dropout=0.0, rate=0.005, batch=32)"


def words(rows: int = 500, seed: int = 0) -> pl.DataFrame:
    """Words of two to four letters, none twice, and the same from the end in capitals."""
    letters = ["a", "b", "c", "d", "e"]
    every = [a + b + c + d for a in letters for b in letters for c in ["", *letters]
             for d in (["", *letters] if c else [""])]
    found = [every[at] for at in np.random.default_rng(seed).permutation(len(every))[:rows]]
    return pl.DataFrame({"id": [f"w{at}" for at in range(rows)], "word": found,
                         "turned": [text[::-1].upper() for text in found]})


def fitted(source: Any, **said: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wf.fit(source, task="translation",
                      **{"target": "turned", "jobs": 1, "budget": "20min", **said})


@pytest.fixture(scope="module")
def made() -> Any:
    return fitted(words(), models=SMALL, text="word")


@pytest.fixture(scope="module")
def copier() -> Any:
    return fitted(words(), models="nearest_pair", text="word")


def test_a_rule_is_learnt_that_copying_does_not_know(made: Any) -> None:
    board = {row.model: row.scores for row in made.leaderboard}
    assert set(board) == {"seq2seq", "nearest_pair", "frequent_target"}
    assert made.model == "seq2seq" and made.metric == "chrf"
    for name in ("nearest_pair", "frequent_target"):
        assert made.scores["chrf"].low > board[name]["chrf"].high
        assert made.scores["exact_match"].low > board[name]["exact_match"].high
    assert made.scores["exact_match"].value > 0.85
    assert made.generate("abce") == "ECBA"
    assert made.generate(["acd", "dcae"]) == ["DCA", "EACD"]


def test_the_scores_are_those_of_words_never_read(made: Any) -> None:
    """Of all 775 such words the rest is new: what was told of them must hold there."""
    new = words(775)[500:]
    found = made.evaluate(new)
    assert list(found) == ["chrf", "bleu", "exact_match"]
    assert found["exact_match"].value >= made.scores["exact_match"].low - 0.1
    assert next(iter(made.evaluate(new, "bleu"))) == "bleu"


def test_answers_keep_the_shape_of_the_question(made: Any) -> None:
    asked = pl.DataFrame({"id": ["p", "q", "r"], "word": ["abc", None, " "]})
    found = made.predict(asked)
    assert found.to_dict(as_series=False) == {"id": ["p", "q", "r"],
                                              "turned": ["CBA", None, None]}
    frame = asked.to_pandas().set_index(pd.Index([7, 5, 3]))
    again = made.predict(frame)
    assert list(again.index) == [7, 5, 3] and again["turned"].iloc[0] == "CBA"
    assert made.answers(asked).equals(found)
    assert made.predict(asked.drop("id")).columns == ["turned"]


def test_beams_and_lengths_are_obeyed(made: Any) -> None:
    asked = words(20, seed=9)
    assert made.predict(asked, beams=1).equals(made.predict(asked))
    best = made.predict(asked, beams=3)["turned"]
    assert np.mean([a == b for a, b in zip(best, asked["turned"], strict=True)]) > 0.7
    assert made.generate("abcd", length=2) == "DC"
    for wrong in ({"beams": 0}, {"beams": 65}, {"beams": True}, {"length": 0}, {"length": 1.5},
                  {"length": "9"}):
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            made.predict(asked, **wrong)
    kept = fitted(words(), models="seq2seq(steps=4, width=8, layers=1, beams=2)", text="word")
    assert kept.predict(asked).equals(kept.predict(asked, beams=2))


def test_a_saved_one_writes_the_same(made: Any, copier: Any, tmp_path: Path) -> None:
    for at, result in enumerate((made, copier)):
        again = wf.load(result.save(tmp_path / f"{at}.wf"))
        asked = words(30, seed=4)
        assert again.predict(asked).equals(result.predict(asked))
        assert again.predict(asked, beams=2).equals(result.predict(asked, beams=2))
        assert again.to_text() == result.to_text() and repr(again) == repr(result)


def test_it_is_told_in_words(made: Any, copier: Any, tmp_path: Path) -> None:
    said = made.to_text()
    assert "as they were wanted, sign for sign" in said and "For comparison, chrf of" in said
    page = made.report(tmp_path / "m.html").read_text()
    assert "What it writes" in page and "drawn by chance" in page and "loss on pairs" in page
    assert "--task translation" in page and "--target turned" in page
    assert "holds the pairs that it learnt from" not in page
    assert "this one copies" in copier.to_text()
    assert "holds the pairs that it learnt from" in copier.report(tmp_path / "c.html").read_text()
    assert "chrF" in made.report(tmp_path / "m.md").read_text()


def test_what_it_cannot_do_is_refused(made: Any, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="serve it"):
        made.export(tmp_path / "m.onnx")
    with pytest.raises(DataError, match="paired test"):
        wf.compare(made, made, words())
    with pytest.raises(SchemaError, match="'word'"):
        made.predict({"turned": ["ab"]})
    with pytest.raises(SchemaError, match="'turned'"):
        made.evaluate({"word": ["ab"]})
    with pytest.raises(DataError, match="a pair of texts at least"):
        made.evaluate({"word": ["", "ab"], "turned": ["x", None]})
    with pytest.raises(UnknownNameError, match="chrf"):
        made.evaluate(words(), "f1")
    for wrong in ("", ["ab", " "], 3, [None]):
        with pytest.raises(ParameterError, match="generate"):
            made.generate(wrong)
    for verb in ("explain", "predict_proba", "update", "importance"):
        assert not hasattr(made, verb)


def test_the_task_is_never_guessed() -> None:
    """Texts of a target are classes unless the word is said."""
    result = wf.fit({"a": ["x", "y"] * 30, "said": ["good day", "good night"] * 30},
                    target="said", models="dummy", jobs=1)
    assert result.task == "classification"


def test_no_source_is_on_both_sides() -> None:
    frame = pl.DataFrame({"a": [f"text {at % 37}" for at in range(200)],
                          "b": [f"said {at % 50}" for at in range(200)],
                          "of": [f"g{at % 23}" for at in range(200)]})
    for groups in (None, "of"):
        dataset = data.load(frame, roles={"b": "target"}, task="translation", groups=groups)
        pairs = pairs_of(settled(dataset, Options(text="a")), Options(), 5)
        held, learnt = ({pairs.sources[at] for at in rows} for rows in (pairs.held, pairs.learn))
        assert len(held) and len(learnt) and not held & learnt
        assert len(pairs.units) == len(pairs.held)
        if groups:
            of = frame["of"].to_list()
            assert not {of[at] for at in pairs.held} & {of[at] for at in pairs.learn}
            assert "one group" in pairs.split
        assert pairs.known == np.mean([pairs.targets[at] in {pairs.targets[i] for i in pairs.learn}
                                       for at in pairs.held])


def test_tokens_are_learnt_on_training_pairs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign that stands in pairs that say when to stop has no token of its own."""
    frame = words(120)
    sources, targets = frame["word"].to_list(), frame["turned"].to_list()

    def apart(self: Any, given: list[str]) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(20, len(given)), np.arange(20)

    monkeypatch.setattr(Seq2SeqEstimator, "_apart", apart)
    sources[:20] = ["§"] * 20
    model = make("seq2seq(steps=4, width=8, layers=1)")
    context = Context(rows=120, features=1, seed=1)
    estimator = model.build(tasks.get("translation"), context).fit(sources, targets)
    told = str(estimator.state_.parts["source"].config)
    assert "'a'" in told and "§" not in told
    assert all("valid_loss" in row for row in estimator.history_)


def test_byte_pairs_are_learnt_and_stored(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    result = fitted(words(60), models="seq2seq(tokens='bpe', steps=20, width=16, layers=1, "
                    "vocabulary=300)", text="word")
    again = wf.load(result.save(tmp_path / "m.wf"))
    assert again.predict(words(5)).equals(result.predict(words(5)))


def test_the_clock_is_kept() -> None:
    words_of = words(400)
    start = time.perf_counter()
    result = fitted(words_of, models="seq2seq(steps=200_000)", text="word", budget="14s")
    assert time.perf_counter() - start < 14 + 3
    assert any("epochs, because" in each for each in result.warnings), result.warnings
    assert result.scores["chrf"].n > 0


def test_long_texts_are_told_and_cut() -> None:
    frame = words(60).with_columns(word=pl.col("word") + "x" * 30)
    with pytest.warns(WholefitWarning, match="longer than 8 tokens"):
        wf.fit(frame, target="turned", text="word", task="translation", jobs=1,
               models="seq2seq(steps=4, width=8, layers=1, length=8)")


def test_files_hold_texts_and_no_numbers_or_dates(tmp_path: Path) -> None:
    """Numbers and dates stay as they are written."""
    days = [f"2026-{1 + at % 12:02d}-{1 + at % 28:02d}" for at in range(60)]
    frame = pl.DataFrame({"code": [str(at) for at in range(60)], "day": days})
    frame.write_csv(tmp_path / "days.csv")
    result = fitted(str(tmp_path / "days.csv"), target="day", text="code", models="nearest_pair")
    found = result.predict(str(tmp_path / "days.csv"))
    assert found["day"].to_list() == days
    assert result.generate("7") == days[7]
    scores = result.evaluate(str(tmp_path / "days.csv"))
    assert scores["exact_match"].value == 1.0
    pl.DataFrame({"day": days}).write_csv(tmp_path / "other.csv")
    with pytest.raises(SchemaError, match="'code'"):
        result.predict(str(tmp_path / "other.csv"))
    with pytest.raises(ParameterError, match="say text="):  # read as numbers, were it not named
        fitted(str(tmp_path / "days.csv"), target="day", models="nearest_pair")


def test_rows_without_a_text_are_left_out_and_told() -> None:
    frame = words(80).with_columns(
        word=pl.when(pl.col("id") == "w3").then(None).when(pl.col("id") == "w4").then(
            pl.lit(" ")).otherwise(pl.col("word")))
    result = fitted(frame, models="frequent_target", text="word")
    assert any("2 rows without a text" in each for each in result.warnings)
    assert result.told["pairs"] == 78


def test_few_pairs_are_learnt_and_not_judged() -> None:
    result = fitted(words(20), text="word")
    assert result.model == "nearest_pair" and result.score is None
    assert any("nothing could be judged" in each for each in result.warnings)
    assert result.generate(words(20)["word"][3]) == words(20)["turned"][3]
    with pytest.raises(DataError, match="at least 2 pairs"):
        fitted(words(1), text="word")


def test_all_three_are_tried_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    result = fitted(words(120), text="word", budget="11s", judged=15)
    assert {row.model for row in result.leaderboard} == {"seq2seq", "nearest_pair",
                                                         "frequent_target"}
    assert sum(row.status == "ok" for row in result.leaderboard) >= 2
    assert all(score.n <= 15 for row in result.leaderboard for score in row.scores.values())
    monkeypatch.setattr(recipe, "available", lambda name: False)
    without = fitted(words(120), text="word")
    assert {row.model for row in without.leaderboard} == {"nearest_pair", "frequent_target"}
    assert any("wholefit[deep]" in each for each in without.warnings)


def test_a_failing_model_is_a_row_of_the_board_unless_it_is_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(self: Any, sources: list[str], targets: list[str]) -> State:
        raise DataError("the network cannot read this.")

    monkeypatch.setattr(Seq2SeqEstimator, "learnt", fails)
    result = fitted(words(60), text="word", models="seq2seq, nearest_pair")
    assert result.model == "nearest_pair"
    lost = next(row for row in result.leaderboard if row.model == "seq2seq")
    assert (lost.status, lost.reason) == ("failed", "the network cannot read this.")
    with pytest.raises(DataError, match="cannot read this"):
        fitted(words(60), text="word", models="seq2seq")


def test_a_model_that_is_no_better_than_copying_is_not_recommended() -> None:
    """The dearer of two that no pair parts is passed over."""
    result = fitted(words(200), text="word",
                    models="nearest_pair, seq2seq(steps=2, width=8, layers=1)")
    assert result.model == "nearest_pair" and "No model was found to be better" in result.to_text()


def test_the_source_is_found_or_asked_for() -> None:
    alone = words(60).drop("id")
    assert fitted(alone, models="frequent_target").source_column == "word"
    two = words(60).with_columns(more=pl.col("word") + "!", size=pl.lit([2.5, 3.5]).list.get(
        pl.int_range(60) % 2))
    with pytest.raises(ParameterError, match="'id', 'word', 'more'"):
        fitted(two, models="frequent_target")
    told = fitted(two, models="frequent_target", roles={"word": "text"})
    assert told.source_column == "word" and told.schema.role("size") == "ignored"
    assert told.predict(two.drop("size")).columns == ["id", "more", "turned"]
    assert fitted(words(60), models="frequent_target",
                  roles={"id": "ignored"}).source_column == "word"


@pytest.mark.parametrize(("wrong", "said"), [
    ({"target": None}, "say target="), ({"target": "turnd"}, "did you mean 'turned'"),
    ({"text": "wrd"}, "did you mean 'word'"), ({"text": "turned"}, "is the target"),
    ({"metric": "f1"}, "no metric of translation"), ({"models": "ridge"}, "not translation"),
    ({"features": {"degree": 2}}, "makes no features"), ({"target": ["word", "turned"]}, "one"),
    ({"judged": 3}, "judged must be >= 10"), ({"weights": "id"}, "no use for weights="),
    ({"models": "seq2seq(width=10, heads=3)"}, "multiple of heads"),
    ({"models": "seq2seq(tokens='word')"}, "tokens must be one of"),
])
def test_words_that_do_not_fit_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(WholefitError, match=said):
        fitted(words(60), **{"text": "word", **wrong})


def test_numbers_are_no_texts() -> None:
    with pytest.raises(DataError, match="must hold texts"):
        fitted(words(60), text="id", dtypes={"id": "datetime"}, models="frequent_target")


def test_a_damaged_file_says_so(copier: Any) -> None:
    found = copier._found
    for state in (State("translator.nearest", blobs={"pairs.json": b'[["a"], []]'}),
                  State("translator.nearest"), State("translator.frequent", {"text": 3})):
        with pytest.raises(WholefitError, match="damaged"):
            Translation(replace(found, stored=True, states={"model": state})).generate("a")
    bare = replace(found.schema, columns=found.schema.columns[:1])
    with pytest.raises(ArtifactError, match="altered"):
        Translation(replace(found, stored=True, schema=bare)).predict(words(3))
