"""A session asks what it should, learns meanwhile, never blocks, and its fair sample is fair."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wholefit.base.errors import DataError, UnknownNameError
from wholefit.data.labels import Answer, Store, items_of
from wholefit.training._active import STRATEGIES, choose, uncertainty
from wholefit.training.labelled import agreement_of, labelled
from wholefit.training.labelling import Options, Session
from wholefit.training.labels_needed import _labels, _law, guess_quality, learning_curve
from wholefit.training.prelabels import Assistant, Learner

CLASSES = ("ham", "spam")
WORDS = {"ham": ["home", "dinner", "mother", "see", "you", "tonight", "love", "walk"],
         "spam": ["win", "cash", "prize", "free", "call", "now", "claim", "urgent"]}


def texts(n: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Short texts of a few words of their class and some of both; one in five is spam."""
    rng = np.random.default_rng(seed)
    labels = ["spam" if rng.random() < 0.2 else "ham" for _ in range(n)]
    both = [f"word{i}" for i in range(40)]
    return [" ".join([*rng.choice(WORDS[label], 3), *rng.choice(both, 4), f"n{at}"])
            for at, label in enumerate(labels)], labels


TEXTS, LABELS = texts(300)
TRUTH = dict(zip(TEXTS, LABELS, strict=True))
ITEMS = items_of(pl.DataFrame({"text": TEXTS}), ["text"], source="t.csv")


def session(path: Path, learner: bool = True, background: bool = False, **words) -> Session:
    store = Store.open(path / "l.jsonl", ITEMS, classes=CLASSES)
    return Session(ITEMS, store, Options(**words), background=background,
                   learner=Learner(ITEMS.distinct(), 2) if learner else None)


def say(work: Session, who: str, count: int, wrong: float = 0.0, seed: int = 0, **words) -> list:
    rng, asked = np.random.default_rng(seed), []
    for _ in range(count):
        question = work.next(who)
        assert question is not None
        label = TRUTH[question.shown[0][1]]
        if rng.random() < wrong:
            label = CLASSES[1 - CLASSES.index(label)]
        work.answer(who, question.key, label, **words)
        asked.append(question)
    return asked


def test_strategies_against_their_formulas():
    proba = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [1 / 3] * 3, [0.7, 0.2, 0.1]])
    assert uncertainty(proba, "margin") == pytest.approx([1, 0, 1, 0.5])
    assert uncertainty(proba, "least_confident") == pytest.approx([0.75, 0, 1, 0.45])
    assert uncertainty(proba, "entropy") == pytest.approx(
        [np.log(2) / np.log(3), 0, 1, 0.7298], abs=1e-4)
    two = np.random.default_rng(0).random((50, 1))
    orders = {name: np.argsort(uncertainty(np.hstack([two, 1 - two]), name)).tolist()
              for name in STRATEGIES}
    assert len({tuple(order) for order in orders.values()}) == 1, "alike for two classes"
    with pytest.raises(UnknownNameError, match="margin"):
        uncertainty(proba, "margins")


def test_a_batch_is_unsure_and_unlike():
    unsure = np.array([0.9, 0.89, 0.88, 0.5, 0.1])
    X = np.array([[1.0, 0], [1, 0.01], [1, 0.02], [0, 1], [0.5, 0.5]])
    chosen = choose(unsure, X, np.arange(5), 2)
    assert chosen.tolist() == [0, 3], "its near copies are left for later"
    assert choose(unsure, X, np.arange(5), 1, near=np.array([1])).tolist() == [3]
    assert choose(unsure, None, np.arange(5), 3).tolist() == [0, 1, 2]
    from scipy.sparse import csr_array

    assert choose(unsure, csr_array(X), np.arange(5), 2).tolist() == [0, 3]


def test_the_least_sure_is_asked_and_a_share_at_random(tmp_path):
    with session(tmp_path, random_share=0.25) as work:
        say(work, "ann", 20)
        assert work.assistant.guesses is not None
        question = work.next("ann")
        while question.drawn == "random":
            say(work, "ann", 1)
            question = work.next("ann")
        proba = work.assistant.guesses.proba
        open_ = np.setdiff1d(np.arange(len(ITEMS)), work.consensus()[0])
        rank = np.argsort(-uncertainty(proba[open_])).tolist().index(
            open_.tolist().index(question.item))
        assert rank < 20, "among the least sure"
        drawn = [q.drawn for q in say(work, "ann", 60)]
        assert 0.15 <= drawn.count("random") / len(drawn) <= 0.35


def test_the_same_question_until_it_is_answered(tmp_path):
    with session(tmp_path) as work:
        first = work.next("ann")
        assert work.next("ann") == first
        work.skip("ann", first.key)
        second = work.next("ann")
        assert second.key != first.key
        assert work.undo("ann").key == first.key == work.next("ann").key
        work.answer("ann", first.key, "ham")
        assert work.progress("ann")["labelled"] == 1 and work.progress("ann")["skipped"] == 0
        assert work.undo("bob") is None
        with pytest.raises(UnknownNameError):
            work.answer("ann", "no such key", "ham")


def test_learning_never_blocks_the_labeller(tmp_path):
    with session(tmp_path, background=True) as work:
        gate, fit = threading.Event(), work.assistant.learner.fit
        work.assistant.learner.fit = lambda *words: (gate.wait(30), fit(*words))[1]
        start = time.perf_counter()
        say(work, "ann", 40)
        assert time.perf_counter() - start < 20 and work.assistant.guesses is None
        gate.set()
        assert work.wait(30) and len(work.assistant.guesses.taught) == 40


def test_a_model_that_fails_is_said_and_labelling_goes_on(tmp_path):
    def broken(*words):
        raise ValueError("no luck")

    with session(tmp_path, background=True) as work:
        work.assistant.learner.fit = broken
        say(work, "ann", 30)
        assert work.wait(30) and "no luck" in work.assistant.trouble
        assert work.next("ann").drawn == "random" and work.next("ann").guess is None


def test_going_on_another_day_asks_what_is_left(tmp_path):
    with session(tmp_path) as work:
        done = {question.key for question in say(work, "ann", 25)}
    with session(tmp_path) as work:
        assert work.assistant.guesses is not None, "it has learnt what was said before"
        assert work.progress("ann")["labelled"] == 25
        assert not done & {question.key for question in say(work, "ann", 25)}


def test_what_was_skipped_is_asked_again_only_when_wished(tmp_path):
    with session(tmp_path, learner=False, order="as-is") as work:
        work.skip("ann", ITEMS.keys[0])
        work.answer("ann", ITEMS.keys[1], "ham")
    with session(tmp_path, learner=False, order="as-is") as work:
        assert work.next("ann").item == 2
    with session(tmp_path, learner=False, order="as-is", again=True) as work:
        assert work.next("ann").item == 0
        work.skip("ann", ITEMS.keys[0])
        assert work.next("ann").item == 2


def test_everything_is_asked_once_in_every_order(tmp_path):
    for order in ("as-is", "random", "uncertain"):
        folder = tmp_path / order
        folder.mkdir()
        with session(folder, learner=False, order=order) as work:
            items = [question.item for question in say(work, "ann", len(ITEMS))]
            assert sorted(items) == list(range(len(ITEMS))) and work.next("ann") is None
            assert (items == sorted(items)) == (order == "as-is")


def test_overlap_parts_the_rest_among_annotators(tmp_path):
    with session(tmp_path, learner=False, overlap=0.3) as work:
        asked: dict[str, set[str]] = {"ann": set(), "bob": set()}
        left = True
        while left:
            left = False
            for who, keys in asked.items():
                if work.next(who) is not None:
                    keys.add(say(work, who, 1)[0].key)
                    left = True
        assert asked["ann"] | asked["bob"] == set(ITEMS.keys)
        assert 0.2 < len(asked["ann"] & asked["bob"]) / len(ITEMS) < 0.4


def test_the_fair_sample_is_as_common_as_the_classes(tmp_path):
    """Uncertain questions find the rare class more often; the front of the random order not."""
    share = LABELS.count("spam") / len(LABELS)
    kept = []
    for seed in range(3):
        folder = tmp_path / str(seed)
        folder.mkdir()
        with session(folder, seed=seed, random_share=0.5) as work:
            say(work, "ann", 120)
            rows, codes = work.consensus()
            fair = work.fair()
            assert 40 <= len(fair) < 120
            kept.append((codes.mean(), codes[np.isin(rows, fair)].mean()))
    asked, front = np.mean(kept, axis=0)
    assert asked > share + 0.08 and abs(front - share) < 0.06


def test_the_consensus_of_a_session(tmp_path):
    with session(tmp_path, learner=False, order="as-is") as work:
        for who, label in (("ann", "ham"), ("bob", "spam"), ("eve", "spam")):
            for key in ITEMS.keys[:2] if who == "eve" else ITEMS.keys[:3]:
                work.answer(who, key, label)
        work.answer("ann", ITEMS.keys[1], "spam")
        assert work.disagreements() == [ITEMS.keys[2], ITEMS.keys[0]], "most even first"
        work.adjudicate("eve", ITEMS.keys[2], "ham")
        rows, codes = work.consensus()
        assert rows.tolist() == [0, 1, 2] and codes.tolist() == [1, 1, 0]
        assert work.disagreements() == [ITEMS.keys[0]]


def test_rows_of_a_table_are_learnt_by_their_columns(tmp_path):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"size": rng.normal(size=200).round(3).astype(str),
                          "town": rng.choice(["Ely", "Wells"], 200), "none": [None] * 200})
    items = items_of(frame, frame.columns)
    codes = (items.distinct()["size"].cast(float).to_numpy() > 0).astype(int)
    proba = Learner(items.distinct(), 2).fit(np.arange(60), codes[:60])
    assert (proba[60:].argmax(axis=1) == codes[60:]).mean() > 0.9


def test_nothing_to_learn_from_is_said_not_raised():
    assistant = Assistant(Learner(pl.DataFrame({"text": ["", " ", "!"] * 5}), 2),
                          background=False)
    assistant.learn(np.arange(8), np.array([0, 1] * 4))
    assert assistant.guesses is None and "no guesses can be made" in assistant.trouble


def test_guess_quality_counts_what_followed_the_guess():
    def said(n, label, guess, p, drawn, shown):
        return Answer(n, "", "ann", str(n), "answer", label,
                      {"guess": guess, "p": p, "drawn": drawn, "shown": shown})

    found = guess_quality([said(0, "a", "a", 0.9, "random", False),
                           said(1, "a", "b", 0.6, "uncertain", True),
                           said(2, "b", "b", 0.8, "random", True),
                           said(3, "b", "a", 0.7, "random", False),
                           Answer(4, "", "ann", "4", "answer", "a", {})])
    assert {name: round(score.value, 3) for name, score in found.items()} == {
        "all": 0.5, "random": 0.667, "blind": 0.5, "shown": 0.5, "kappa": 0.4,
        "confidence": 0.8}
    assert found["random"].n == 3 and found["random"].low < 0.5 < found["random"].high
    assert guess_quality([]) == {}


def test_the_learning_curve_follows_a_law_that_is_there():
    sizes = np.array([25.0, 50, 100, 200])
    law = _law(sizes, 0.05 + 0.9 * sizes**-0.6)
    assert law == pytest.approx((0.05, 0.9, 0.6), abs=0.01)
    needed = _labels(law, 0.08)
    assert 0.05 + 0.9 * needed**-0.6 == pytest.approx(0.08, abs=1e-3)
    assert _labels(law, 0.04) == np.inf
    assert _law(sizes, np.array([0.2, 0.2, 0.3, 0.3])) is None


def test_more_labels_are_worth_more(tmp_path):
    learner = Learner(ITEMS.distinct(), 2)
    codes = np.array([CLASSES.index(TRUTH[ITEMS.shown(at)[0][1]]) for at in range(240)])
    curve = learning_curve(learner, np.arange(240), codes, np.arange(100))
    values = [score.value for _, score in curve.points]
    assert curve.judged == 100 and values[-1] > values[0] and values[-1] > 0.9
    rest = learner.fit(np.arange(240), codes)[240:].argmax(axis=1)
    truth = [CLASSES.index(TRUTH[ITEMS.shown(at)[0][1]]) for at in range(240, 300)]
    last = curve.points[-1][1]
    assert last.low - 0.05 <= (rest == truth).mean() <= last.high + 0.05
    goal = (values[-1] + 1) / 2
    value, low, high = curve.needed(goal)
    assert low <= value <= high
    with pytest.raises(DataError, match="needs 30 labels"):
        learning_curve(learner, np.arange(240), codes, np.arange(9))


def test_the_labelled_table_says_how_each_label_came(tmp_path):
    frame = pl.DataFrame({"text": ["a", "b", "c", "d", "e", "a", None], "label": range(7)})
    items = items_of(frame, ["text"], source="t.csv")
    with Store.open(tmp_path / "l.jsonl", items, classes=["yes", "no"], guide="Be | kind.") as s:
        a, b, c, d, _ = items.keys
        for who, key, label in (("ann", a, "yes"), ("bob", a, "yes"), ("ann", b, "yes"),
                                ("bob", b, "no"), ("ann", c, "no"), ("ann", d, "yes"),
                                ("bob", d, "no")):
            s.answer(who, key, label, seconds=2.0, guess="yes", p=0.9, shown=who == "bob")
        s.adjudicate("eve", d, "no")
        s.note("ann", b, "hard\nto tell")
        s.skip("ann", items.keys[4])
        found = labelled(items, [s])
        assert found.frame["label_"].to_list() == ["yes", None, "no", "no", None, "yes", None]
        assert found.frame["label_from"].to_list() == [
            "agreed", "tied", "one annotator", "adjudicated", "skipped", "agreed",
            "nothing to label"]
        assert found.frame["annotators"].to_list() == [2, 2, 1, 2, 0, 2, 0]
        assert found.frame.columns[:2] == frame.columns
        for piece in ("| ann | 4 | 1 | 0 |", "| eve | 0 | 0 | 1 |", "Be | kind.",
                      "hard to tell", "Cohen's kappa", "guesses were shown"):
            assert piece in found.sheet, piece
        careful = labelled(items, [s], consensus="dawid-skene")
        assert careful.frame["label_from"][0] == "dawid-skene" and "Dawid" in careful.sheet
        with pytest.raises(UnknownNameError, match="majority"):
            labelled(items, [s], consensus="majorty")
        assert agreement_of([s]).shared == 3


def test_a_thousand_answers_stay_quick(tmp_path):
    """What one answer costs must not grow with the answers before it beyond a walk over them."""
    frame = pl.DataFrame({"text": [f"text {i}" for i in range(20_000)]})
    items = items_of(frame, ["text"])
    with Store.open(tmp_path / "l.jsonl", items, classes=CLASSES) as store:
        store._journal.append = lambda record: None  # the disk's part is not ours to time
        work = Session(items, store, Options(order="random"))
        took = []
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(200):
                work.answer("ann", work.next("ann").key, "ham")
            took.append(time.perf_counter() - start)
    assert took[-1] < 4 * took[0] + 0.5
