"""chrF and BLEU against a slow second writing of their definitions, and sacreBLEU's own numbers."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from wholefit.base.errors import DataError, UnknownNameError
from wholefit.evaluation import translation as measures

PAIRS = [("the cat sat on the mat .", "a cat sat on the mat ."),
         ("Guten Morgen, liebe Welt!", "Guten Morgen, schöne Welt!"), ("one", "two"),
         ("It was a bright cold day in April", "It was a cold bright day in April, and")]
# What sacreBLEU 2.6.0 says of PAIRS: corpus_chrf(...), and corpus_bleu(..., tokenize="none",
# smooth_method="none", force=True) of texts whose words and signs are parted by spaces.
SACREBLEU = {"chrf": 0.66319738839997, "bleu": 0.46485263398909654}


def grams(sequence: list[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(sequence[at:at + size]) for at in range(len(sequence) - size + 1)]


def matched(written: list[tuple[str, ...]], wanted: list[tuple[str, ...]]) -> int:
    """Runs of the one that the other has, each used once."""
    left = list(wanted)
    count = 0
    for run in written:
        if run in left:
            left.remove(run)
            count += 1
    return count


def slow_chrf(wanted: list[str], written: list[str]) -> float:
    precision, recall, lengths = 0.0, 0.0, 0
    for size in range(1, 7):
        both = made = asked = 0
        for a, b in zip(written, wanted, strict=True):
            one, other = (grams([s for s in text if not s.isspace()], size) for text in (a, b))
            both, made = both + matched(one, other), made + len(one)
            asked += len(other)
        if made and asked:
            precision, recall, lengths = precision + both / made, recall + both / asked, lengths + 1
    if not lengths or not precision + recall:
        return 0.0
    precision, recall = precision / lengths, recall / lengths
    return 5 * precision * recall / (4 * precision + recall)


def slow_bleu(wanted: list[str], written: list[str]) -> float:
    cut = [[re.findall(r"\w+|[^\w\s]", text) for text in texts] for texts in (written, wanted)]
    logs = []
    for size in range(1, 5):
        asked = sum(len(grams(b, size)) for b in cut[1])
        if not asked:
            continue
        made = sum(len(grams(a, size)) for a in cut[0])
        both = sum(matched(grams(a, size), grams(b, size)) for a, b in zip(*cut, strict=True))
        if not both:
            return 0.0
        logs.append(math.log(both / made))
    a, b = (sum(map(len, side)) for side in cut)
    return math.exp(sum(logs) / len(logs) + min(0.0, 1 - b / a)) if logs else 0.0


def random_pairs(count: int, seed: int) -> tuple[list[str], list[str]]:
    draw = np.random.default_rng(seed)
    letters = list("abc de,.")

    def text(most: int) -> str:
        return "".join(draw.choice(letters, int(draw.integers(0, most))))

    written = [text(25) for _ in range(count)]
    return [text(12) + each[:15] for each in written], written


def whole(wanted: list[str], written: list[str], metric: str) -> float:
    found = measures.counts(wanted, written)
    return float(measures.value(metric, getattr(found, metric).sum(axis=0)))


@pytest.mark.parametrize("metric", ["chrf", "bleu"])
def test_the_numbers_are_those_of_sacrebleu(metric: str) -> None:
    written, wanted = map(list, zip(*PAIRS, strict=True))
    assert whole(wanted, written, metric) == pytest.approx(SACREBLEU[metric], abs=1e-12)


@pytest.mark.parametrize(("count", "seed"), [(1, 0), (1, 3), (2, 1), (7, 2), (40, 4)])
def test_the_numbers_are_those_of_the_definitions(count: int, seed: int) -> None:
    wanted, written = random_pairs(count, seed)
    assert whole(wanted, written, "chrf") == pytest.approx(slow_chrf(wanted, written), abs=1e-12)
    assert whole(wanted, written, "bleu") == pytest.approx(slow_bleu(wanted, written), abs=1e-12)


def test_ends_of_the_scale() -> None:
    same = ["Guten Tag, Welt!", "zwei", ""]
    for metric in measures.METRICS:
        assert whole(same, same, metric) == 1.0
        assert whole(same, ["", "", "x"], metric) == 0.0
    assert whole(["a b"], [" a b\n"], "exact_match") == 1.0
    assert whole(["A"], ["a"], "exact_match") == 0.0


def test_too_few_words_cost_and_short_texts_are_not_shut_out() -> None:
    # One word each: lengths 2 to 4, which no wanted text reaches, are no reason for 0.
    assert whole(["ja", "nein"], ["ja", "ja"], "bleu") == 0.5
    long, cut = "one two three four five six", "one two three four"
    assert whole([long], [cut], "bleu") == pytest.approx(math.exp(1 - 6 / 4))


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """A world in which a third of the texts is right: its exact match, and its chrF of very many
    pairs, lie within.
    """
    draw = np.random.default_rng(0)

    def world(count: int) -> tuple[list[str], list[str]]:
        wanted = ["".join(draw.choice(list("abcdef"), 6)) for _ in range(count)]
        return wanted, [text if draw.random() < 1 / 3 else
                        "".join(draw.permutation(list(text))) for text in wanted]

    truth = whole(*world(4000), "chrf")
    inside = np.zeros(2)
    for _ in range(60):
        found = measures.scores(measures.counts(*world(80)))
        inside += [found["chrf"].low <= truth <= found["chrf"].high,
                   found["exact_match"].low <= 1 / 3 <= found["exact_match"].high]
    assert (inside >= 51).all(), inside  # of 95 % hardly ever less


def test_pairs_of_one_group_are_drawn_together() -> None:
    wanted = [f"text {at % 6} here" for at in range(60)]
    written = [text if at % 6 < 3 else "nothing" for at, text in enumerate(wanted)]
    counts = measures.counts(wanted, written)
    alone, together = (measures.scores(counts, units=units)
                       for units in (None, np.arange(60) % 6))
    for name in measures.METRICS:
        wide, narrow = (each[name].high - each[name].low for each in (together, alone))
        assert together[name].value == alone[name].value and wide > 1.5 * narrow
    assert "6 groups" in together["chrf"].how and "pairs" in alone["chrf"].how


def test_all_right_is_not_told_to_be_sure() -> None:
    found = measures.scores(measures.counts(["ja"] * 20, ["ja"] * 20))["exact_match"]
    # Clopper and Pearson's lower end for 20 of 20: 0.025 to the power of 1/20.
    assert (found.value, found.high) == (1.0, 1.0) and found.low == pytest.approx(0.8316, abs=1e-4)
    one = measures.scores(measures.counts(["ja"], ["nein"]))
    assert all(math.isnan(score.low) and math.isnan(score.high) for score in one.values())


def test_a_gap_is_that_of_the_same_pairs() -> None:
    wanted, written = random_pairs(200, 5)
    better = [b if at % 10 == 0 else a for at, (a, b) in
              enumerate(zip(written, wanted, strict=True))]
    first, second = measures.counts(wanted, better), measures.counts(wanted, written)
    found = measures.gap("chrf", first, second)
    assert 0 < found.low < found.value < found.high
    alone = [measures.scores(each)["chrf"] for each in (first, second)]
    assert alone[0].low < alone[1].high, "unpaired intervals overlap, the paired one is decided"
    none = measures.gap("bleu", first, first)
    assert (none.low, none.value, none.high) == (0, 0, 0)


def test_what_does_not_fit_is_refused() -> None:
    for wanted, written in (([], []), (["a"], []), (["a"], ["b", "c"])):
        with pytest.raises(DataError, match="one wanted text each"):
            measures.counts(wanted, written)
    found = measures.counts(["a", "b"], ["a", "c"])
    with pytest.raises(UnknownNameError, match="chrf"):
        measures.value("crf", found.chrf)
    with pytest.raises(DataError, match="one a pair"):
        measures.scores(found, units=np.zeros(3))
    with pytest.raises(DataError, match="same pairs"):
        measures.gap("chrf", found, found.head(1))
