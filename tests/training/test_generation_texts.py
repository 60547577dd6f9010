"""Generation of texts: which column, what is set apart, honest scores, words that do not fit."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.base.errors import DataError, ParameterError, UnknownNameError, WholefitError
from wholefit.evaluation import generation as measures
from wholefit.training.generation._texts import told_apart

NGRAMS = "ngram_language_model(order=5)"


def written(rows: int = 300, seed: int = 0) -> list[str]:
    """Sentences of a little grammar, no two of them quite alike."""
    rng = np.random.default_rng(seed)
    who, did = ["the cat", "a dog", "my aunt", "the small boy"], ["saw", "ate", "sold", "found"]
    what = ["a fish", "the old house", "nine red apples", "nothing"]
    return [f"{rng.choice(who)} {rng.choice(did)} {rng.choice(what)} and {rng.choice(who)} "
            f"{rng.choice(did)} {rng.choice(what)} on day {rng.integers(10_000)}."
            for _ in range(rows)]


def fitted(source: Any, **words: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wf.fit(source, task="generation", **{"budget": "20min", "jobs": 1, **words})


@pytest.fixture(scope="module")
def writer() -> Any:
    return fitted(pl.DataFrame({"said": written()}),
                  models=f"{NGRAMS}, ngram_language_model(order=1)")


def test_texts_alone_are_learnt_and_the_better_model_answers(writer: Any) -> None:
    assert writer.writes and writer.model == "ngram_language_model"
    rows = {row.model: row.scores["bits_per_character"] for row in writer.leaderboard}
    assert len(rows) == 2 and writer.score.value == min(each.value for each in rows.values())
    assert writer.score.high < 1.5 < min(each.low for each in rows.values() if each.value > 2)
    assert set(writer.scores) == {"bits_per_character", "perplexity", "told_apart", "copied"}
    assert "asked about 60 others" in writer.split
    assert writer.told["by_frequency"] > 3.5


def test_it_writes_texts_that_begin_as_asked(writer: Any) -> None:
    made = writer.sample(30, seed=1)
    assert made.columns == ["said"] and made["said"].dtype == pl.String and len(made) == 30
    assert made.equals(writer.sample(30, seed=1)) and not made.equals(writer.sample(30, seed=2))
    words = {word for text in written() for word in text.split()}
    found = [word in words for text in made["said"] for word in text.split()]
    assert np.mean(found) > 0.7
    begun = writer.sample(5, prompt="my aunt", length=20, temperature=0.5, top_k=5, top_p=0.9)
    assert all(text.startswith("my aunt") and len(text) <= 27 for text in begun["said"])
    assert len(set(writer.sample(5, temperature=0)["said"])) == 1


def test_a_saved_one_writes_the_same(writer: Any, tmp_path: Path) -> None:
    again = wf.load(writer.save(tmp_path / "w.wf"))
    assert again.sample(20, seed=5, prompt="a ").equals(writer.sample(20, seed=5, prompt="a "))
    assert again.to_text() == writer.to_text() and again.writes
    page = writer.report(tmp_path / "w.html").read_text()
    assert "What it writes" in page and "wavers between" in page
    assert "wavers between" in (writer.report(tmp_path / "w.md")).read_text()


def test_bits_are_those_of_the_texts_set_apart(writer: Any) -> None:
    new = writer.evaluate(pl.DataFrame({"said": written(100, seed=9)}))
    assert abs(new["bits_per_character"].value - writer.score.value) < 0.15
    strange = writer.evaluate(pl.DataFrame({"said": ["qzx vvk jjw " * 5] * 12}), "perplexity")
    assert next(iter(strange)) == "perplexity" and strange["bits_per_character"].value > 4
    with pytest.raises(DataError, match="at least 10 texts"):
        writer.evaluate(pl.DataFrame({"said": ["few"] * 3}))


def test_rows_are_answered_by_as_many_texts(writer: Any) -> None:
    assert len(writer.answers(pl.DataFrame({"said": ["a", "b", "c"]}))) == 3


@pytest.mark.parametrize("asked", [
    {"n": 0}, {"n": 2.5}, {"seed": -1}, {"label": "x"}, {"length": 0}, {"length": True},
    {"temperature": -1}, {"prompt": "\ud800"}, {"seed": True},
    {"top_p": 0}, {"top_k": 0}, {"prompt": 3}, {"frame": "list"},
    {"prompt": "x" * 100_001}])
def test_wrong_questions_are_refused(writer: Any, asked: dict[str, Any]) -> None:
    with pytest.raises(WholefitError):
        writer.sample(**{"n": 1, **asked})
    with pytest.raises(ParameterError, match="writes texts"):
        writer.pictures(2)


def test_the_column_is_named_or_all_there_is() -> None:
    table = pl.DataFrame({"said": written(80), "number": np.arange(80) % 7})
    assert not fitted(table, models="independent_columns").writes
    named = fitted(table, text="said", models=NGRAMS)
    assert named.writes and any("'said' is learnt" in each for each in named.warnings)
    short = pl.DataFrame({"name": [f"{a}{b}" for a in ("An", "Be", "Cla") for b in
                                   ("na", "ra", "lo", "ma")] * 10})
    assert fitted(short, text="name", models=NGRAMS).sample(3).columns == ["name"]
    with pytest.raises(UnknownNameError, match="sayd"):
        fitted(table, text="sayd")


@pytest.mark.parametrize(("words", "said"), [
    ({"models": "gaussian_copula"}, "writes no texts"), ({"label": "kind"}, "no label"),
    ({"shape": "2x2"}, "leave them out"), ({"useful_for": "kind"}, "leave them out"),
    ({"near": 3}, "pictures alone: near=; texts"),
    ({"shown": 4, "near": 3}, "alone: near=, shown=; texts"),
    ({"metric": "coverage"}, "coverage")])
def test_words_that_do_not_fit_are_refused(words: dict[str, Any], said: str) -> None:
    table = pl.DataFrame({"said": written(80), "kind": ["a", "b"] * 40})
    with pytest.raises(WholefitError, match=said):
        fitted(table, text="said", **words)


def test_models_of_texts_make_no_rows() -> None:
    with pytest.raises(ParameterError, match="not tables"):
        fitted(pl.DataFrame({"a": np.arange(80.0), "b": np.arange(80) % 3}),
               models="ngram_language_model")


def test_of_few_long_texts_the_ends_are_set_apart() -> None:
    long = [" ".join(written(200, seed)) for seed in range(2)]
    found = fitted({"book": long}, text="book", models=NGRAMS)
    assert "first four fifths of 2 texts" in found.split
    assert found.score.high < 2
    few = fitted({"book": ["Too little to judge by, but enough to learn from."]}, text="book",
                 models=NGRAMS)
    assert few.score is None and any("nothing could be judged" in each for each in few.warnings)
    assert few.sample(1)["book"][0]
    with pytest.raises(DataError, match="nothing to learn"):
        fitted({"book": ["", None, "ab"]}, text="book")


def test_texts_learnt_by_heart_are_told() -> None:
    rng = np.random.default_rng(0)
    letters = list("abcdefghijklmnop ")
    texts = ["".join(rng.choice(letters, 120)) for _ in range(120)]
    found = fitted({"said": texts}, text="said", models="ngram_language_model(order=12)")
    assert found.scores["copied"].value > 0.5
    assert any("by heart" in each for each in found.warnings)


def test_a_copy_of_a_text_learnt_from_is_no_test() -> None:
    rng = np.random.default_rng(0)
    texts = [f"{number:05d} " * 12 for number in rng.integers(10**5, size=150)]
    alone = fitted({"said": texts}, text="said", models=NGRAMS)
    twice = fitted({"said": texts + texts}, text="said", models=NGRAMS)
    assert "asked about 60 others" in twice.split and "from 240 texts" not in twice.split
    assert twice.score.value > 0.8 * alone.score.value


def test_told_apart_knows_noise_from_texts() -> None:
    same = told_apart(written(150), written(150, seed=1), 0)
    noise = ["".join(np.random.default_rng(at).permutation(list(text)))
             for at, text in enumerate(written(150))]
    assert same.value < 0.65 and told_apart(written(150), noise, 0).low > 0.95


def test_long_texts_are_judged_by_their_beginnings_and_all_of_them() -> None:
    texts = [" ".join(written(300, seed)) for seed in range(100)]
    found = fitted({"book": texts}, text="book", models=NGRAMS)
    assert "asked about 20 others" in found.split and found.scores["told_apart"].value < 1
    assert found.scores["bits_per_character"].n == 20


def test_groups_are_never_on_both_sides() -> None:
    long = {"book": [" ".join(written(20, seed)) for seed in range(60)], "g": ["a", "b"] * 30}
    found = fitted(long, text="book", groups="g", models=NGRAMS)
    assert found.score is None and "nothing could be judged" in found.split


def test_rows_without_text_are_counted() -> None:
    found = fitted({"said": [*written(80), *[None, ""] * 20]}, text="said", models=NGRAMS)
    assert "asked about 20 others" in found.split
    assert any("40 rows hold no text" in each for each in found.warnings)


def test_texts_that_repeat_are_told() -> None:
    notes = [f"note {at % 20} of twenty" for at in range(400)]
    found = fitted({"said": notes}, text="said", models=NGRAMS)
    assert any("word for word" in each for each in found.warnings)


def test_perplexities_of_other_tokens_are_not_compared() -> None:
    pytest.importorskip("tokenizers")
    with pytest.raises(ParameterError, match="bits_per_character"):
        fitted({"said": written(80)}, text="said", metric="perplexity",
               models=[NGRAMS, "ngram_language_model(tokens='bpe')"])


def test_copied_runs_by_hand() -> None:
    learnt = ["x" * 20 + "the quick brown fox jumps over the lazy dog" + "y" * 20, "short"]
    made = ["and the quick brown fox jumps over the lazy dog", "short", "shorter",
            "the quick brown fox jumps under the lazy dog, and over the moon it goes"]
    found = measures.KnownRuns(learnt).copied(made)
    assert found.value == 0.5 and found.n == 4


@pytest.mark.parametrize("network", ["lstm", "transformer_decoder"])
def test_a_network_learns_beside_the_table(network: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    options = {"lstm": ", hidden=64, rate=0.01", "transformer_decoder": ""}[network]
    found = fitted({"said": written(200)}, text="said", models=[
        NGRAMS, f"language_model(network='{network}'{options}, steps=120, length=64, batch=8)"])
    rows = {row.model: row for row in found.leaderboard}
    assert rows["language_model"].status == "ok"
    assert rows["language_model"].scores["bits_per_character"].value < 2.5
    alone = fitted({"said": written(200)}, text="said", models=[
        f"language_model(network='{network}'{options}, steps=60, length=64, batch=8)"])
    again = wf.load(alone.save(tmp_path / "n.wf"))
    assert again.sample(3, seed=2, prompt="the ").equals(alone.sample(3, seed=2, prompt="the "))
    assert alone.told["history"]
    assert "How it learnt" in alone.report(tmp_path / "n.html").read_text()
    small = pl.DataFrame({"said": written(12, seed=3)})
    assert again.evaluate(small)["bits_per_character"].value < 3.5


def test_a_budget_ends_a_network_in_time() -> None:
    pytest.importorskip("torch")
    found = fitted({"said": written(400)}, text="said", budget="6s",
                   models="language_model(steps=100000)")
    assert any("larger budget" in each for each in found.warnings)


def test_messages_of_people_are_foretold_better_than_by_frequency() -> None:
    if "WHOLEFIT_DATA" not in os.environ:
        pytest.skip("WHOLEFIT_DATA does not say where the data sets are")
    rows = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / "sms_spam" / "data.csv.gz").frame
    name = next(name for name, kind in rows.schema.items() if kind == pl.String)
    found = fitted(rows.select(name).head(1500), text=name, models="ngram_language_model")
    assert found.score.high < 0.75 * found.told["by_frequency"]
    assert found.scores["copied"].value < 0.9
