"""What labelling gives: the table with a label for each row, and a sheet that says how it came.

The sheet answers what a reader of the labels must ask (after Gebru et al., "Datasheets for
datasets", 2021): who labelled what when, by which instructions, how far they agree, how one
label was made of several, and whether a model's guesses were shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import polars as pl

from wholefit._version import __version__
from wholefit.base.errors import unknown
from wholefit.data.labels import Answer, Items, Ratings, Store, together
from wholefit.evaluation.agreement import Agreement, agreement
from wholefit.evaluation.consensus import DawidSkene, dawid_skene, majority
from wholefit.training.labels_needed import guess_quality

WAYS = ("majority", "dawid-skene")


@dataclass(frozen=True, eq=False)
class Labelled:
    """`frame`: every row of the source with its label; `sheet`: Markdown; `counts` of labels.

    Added columns (with an underscore where the source has one of that name): `label`, missing
    where nobody agreed; `label_from` "adjudicated", "agreed" (all said the same), "majority",
    "dawid-skene", "one annotator", "tied", "skipped" or "not labelled"; `label_share`, the share
    of the annotators who said so, or its probability; `annotators`, how many answered.
    """

    frame: pl.DataFrame
    sheet: str
    counts: dict[str, int]


def labelled(items: Items, stores: Sequence[Store], *, consensus: str = "majority") -> Labelled:
    """Join the labels of one or several journals to the rows of their source."""
    if consensus not in WAYS:
        raise unknown("way to a consensus", consensus, WAYS)
    ratings = together(stores)
    settled = {key: answer for store in stores for key, answer in store.adjudicated().items()}
    skipped = {answer.key for store in stores for answer in store.every_answer()
               if answer.do == "skip"}
    codes = _for_items(ratings, items)
    skene = dawid_skene(codes, len(ratings.classes)) if consensus == "dawid-skene" and \
        codes.shape[1] > 1 else None
    label, share, source = _settled(items, ratings, codes, skene, settled, skipped)
    frame = _joined(items, label, share, source, (codes >= 0).sum(axis=1))
    counts = dict(Counter(source))
    return Labelled(frame, _sheet(items, stores, ratings, skene, consensus, counts, label), counts)


def agreement_of(stores: Sequence[Store]) -> Agreement:
    """How far the annotators of one or several journals agree."""
    ratings = together(stores)
    ordered = any(store.header.get("ordered") for store in stores)
    return agreement(ratings.codes, ratings.annotators, classes=len(ratings.classes),
                     scale="ordinal" if ordered else "nominal")


def _for_items(ratings: Ratings, items: Items) -> np.ndarray:
    """Codes (items, annotators) in the order of the items."""
    place = {key: at for at, key in enumerate(ratings.keys)}
    found = np.full((len(items), len(ratings.annotators)), -1, dtype=np.int32)
    for at, key in enumerate(items.keys):
        if key in place:
            found[at] = ratings.codes[place[key]]
    return found


def _settled(
    items: Items, ratings: Ratings, codes: np.ndarray, skene: DawidSkene | None,
    settled: dict[str, Answer], skipped: set[str],
) -> tuple[list[str | None], list[float | None], list[str]]:
    """Label, share and origin of each item."""
    voted = majority(codes, max(len(ratings.classes), 2))
    answers = (codes >= 0).sum(axis=1)
    label: list[str | None] = [None] * len(items)
    share: list[float | None] = [None] * len(items)
    source = ["not labelled"] * len(items)
    for at, key in enumerate(items.keys):
        if key in settled:
            label[at], share[at], source[at] = settled[key].label, 1.0, "adjudicated"
        elif answers[at] and skene is not None:
            code = int(skene.label[at])
            label[at] = ratings.classes[code]
            share[at], source[at] = float(skene.posterior[at, code]), "dawid-skene"
        elif voted.tied[at]:
            source[at], share[at] = "tied", float(voted.share[at])
        elif answers[at]:
            label[at], share[at] = ratings.classes[voted.label[at]], float(voted.share[at])
            source[at] = ("one annotator" if answers[at] == 1 else
                          "agreed" if voted.share[at] == 1 else "majority")
        elif key in skipped:
            source[at] = "skipped"
    return label, share, source


def _joined(
    items: Items, label: list[str | None], share: list[float | None], source: list[str],
    answers: np.ndarray,
) -> pl.DataFrame:
    of_row = np.where(items.of_row < 0, len(items), items.of_row)
    taken = set(items.frame.columns)
    added = []
    for name, values, empty in (("label", label, None), ("label_from", source, "nothing to label"),
                                ("label_share", share, None),
                                ("annotators", answers.tolist(), 0)):
        while name in taken:
            name += "_"
        taken.add(name)
        kind = {"label_share": pl.Float64, "annotators": pl.Int64}.get(name.rstrip("_"), pl.String)
        added.append(pl.Series(name, [*values, empty], dtype=kind)[of_row])
    return pl.DataFrame([*items.frame.get_columns(), *added])


# ---- the sheet --------------------------------------------------------------------------


def _sheet(
    items: Items, stores: Sequence[Store], ratings: Ratings, skene: DawidSkene | None,
    consensus: str, counts: dict[str, int], label: list[str | None],
) -> str:
    header = stores[0].header
    answers = [answer for store in stores for answer in store.every_answer()]
    parts = [
        f"# How {items.source} was labelled", "",
        f"Written by wholefit {__version__} from "
        f"{', '.join(store.path.name for store in stores)}.", "",
        f"- Shown: {', '.join(items.columns)} ({items.kind}); {len(items):,} items in "
        f"{items.frame.height:,} rows (sha256 of their keys {items.digest[:16]}).",
        f"- Classes: {', '.join(ratings.classes)}"
        f"{' (in this order)' if header.get('ordered') else ''}.",
        f"- Labels: {_tally(Counter(name for name in label if name is not None))}.",
        f"- How they were settled: {_tally(Counter(counts))}.", "",
        "## Who", "", *_people(answers), "",
        "## How far they agree", "", *_agreement_lines(stores, ratings), "",
        "## How one label was made of several", "", *_way(consensus, skene, ratings), "",
        "## The model's part", "", *_guessing(answers), "",
        "## Instructions", "", header.get("guide") or "None were given.", "",
        "## Remarks", "", *_remarks(stores), "",
    ]
    return "\n".join(parts)


def _people(answers: list[Answer]) -> list[str]:
    by: dict[str, list[Answer]] = {}
    for answer in answers:
        by.setdefault(answer.who, []).append(answer)
    lines = ["| who | labels | skipped | adjudicated | first | last | median seconds |",
             "|---|---|---|---|---|---|---|"]
    for who, said in by.items():
        kinds = Counter(answer.do for answer in said)
        times = [a.facts["seconds"] for a in said if a.facts.get("seconds") is not None]
        pace = f"{median(times):.1f}" if times else "not known"
        name = who.replace("|", "\\|")
        lines.append(f"| {name} | {kinds['answer']:,} | {kinds['skip']:,} | "
                     f"{kinds['adjudicate']:,} | {min(a.at for a in said)[:16]} | "
                     f"{max(a.at for a in said)[:16]} | {pace} |")
    return lines if answers else ["Nobody has answered yet."]


def _agreement_lines(stores: Sequence[Store], ratings: Ratings) -> list[str]:
    if len(ratings.annotators) < 2:
        return ["One annotator: nothing is known of how far another would agree."]
    found = agreement_of(stores)
    if not found.shared:
        return ["No item was answered by two annotators: nothing is known of their agreement."]
    lines = [f"- {found.shared:,} of {found.items:,} items have two answers or more.",
             f"- Krippendorff's alpha {found.alpha}; Fleiss' kappa {found.fleiss}.",
             f"- Equal answers {found.same}."]
    return lines + [f"- {a} and {b}: Cohen's kappa {kappa}." for (a, b), kappa in
                    found.pairs.items() if kappa.n]


def _way(consensus: str, skene: DawidSkene | None, ratings: Ratings) -> list[str]:
    if skene is None:
        return ["The most frequent answer; ties are left without a label, and adjudicated ones "
                "have the adjudicator's."]
    lines = ["Dawid and Skene (1979): each annotator's habits of error are estimated together "
             "with the labels. Estimated share of right answers:"]
    return lines + [f"- {who}: {value:.2f}" for who, value in
                    zip(ratings.annotators, skene.accuracy, strict=True)]


def _guessing(answers: list[Answer]) -> list[str]:
    found = guess_quality(answers)
    if not found:
        return ["No guess of a model was recorded."]
    seen = sum(bool(a.facts.get("shown")) for a in answers)
    lines = [f"A model guessed {found['all'].n:,} of the answers before they were given; {seen:,} "
             "guesses were shown to the annotator, who may have been swayed by them.",
             f"- Guesses that the answer confirmed: {found['all']}."]
    if "random" in found:
        lines.append(f"- Of items drawn at random, which stand for all: {found['random']}, "
                     f"kappa {found['kappa']}.")
    if "shown" in found and "blind" in found:
        lines.append(f"- Shown {found['shown']}; not shown {found['blind']}.")
    return lines


def _remarks(stores: Sequence[Store]) -> list[str]:
    found = [f"- {record['who']}, {record['at'][:16]}, item {record['key']}: "
             f"{' '.join(str(record['text']).split())}"
             for store in stores for record in store.every_comment()]
    return found or ["None."]


def _tally(counts: Counter[Any]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common()) or "none yet"
