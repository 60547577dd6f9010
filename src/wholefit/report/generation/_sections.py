"""The report of a generator: can made rows be told from real ones, and what they look like."""

from __future__ import annotations

from typing import Any

from wholefit.evaluation import Score
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report.generation._pictures import key, pair, sheet
from wholefit.report.sections import Section
from wholefit.report.training_curves import curves
from wholefit.training.found import Found

_MOST = 12
_CURVES = (
    ("generator_loss", "discriminator_loss"), ("accuracy", "diversity", "coverage", "left_out"),
    ("loss", "valid_loss", "reconstruction", "kl"), ("energy_gap", "free_energy_gap"),
)


def sections(found: Found) -> tuple[Section, ...]:
    """What this task's page has before the frame that all share."""
    return (
        Section("answer", "What was found", _answer),
        Section("pictures", "Real and made, side by side", _sheets),
        Section("columns", "Column by column", _columns),
        Section("labels", "Under each label", _labels),
        Section("training", "How it learnt", _training),
        Section("cautions", "Before made rows are used", _cautions),
    )


def lines(found: Found) -> list[str]:
    """The same in plain sentences."""
    said = f"{found.said[:1].upper()}{found.said[1:]}."
    return [said, *_scores(found), *_worst(found.told), *_seen(found.told), *_told(found.told),
            *(f"{each[:1].upper()}{each[1:]}." for each in found.warnings)]


def _scores(found: Found) -> list[str]:
    scores = found.chosen.scores
    out = []
    if "told_apart" in scores:
        out.append(_apart(scores["told_apart"]))
    if "precision" in scores and "coverage" in scores:
        out.append(f"Of made rows {percent(scores['precision'])} lie among real ones; of real "
                   f"rows {percent(scores['coverage'])} have a made one near (1 is as many as "
                   "fresh real rows would).")
    if "nearer_training" in scores:
        out.append(f"{percent(scores['nearer_training'])} of made rows lie nearer to a row that "
                   "was learnt from than to one that was not; by chance half would.")
    if "usefulness" in scores:
        score = scores["usefulness"]
        measure = "R2" if score.how.startswith("R2") else "accuracy"
        out.append(f"A model that learns from made rows instead of real ones changes its {measure} "
                   f"on real rows by {score}.")
    return out


def _apart(score: Score) -> str:
    where = f"A model tells made rows from real ones with AUC {score}"
    if score.low <= 0.5:
        return f"{where}: no better than chance."
    if score.value < 0.65:
        return f"{where}, where 0.5 is chance: hardly."
    return f"{where}, where 0.5 is chance: " + (
        "sometimes." if score.value < 0.85 else "mostly." if score.value < 0.97 else "nearly "
        "always.")


def _worst(told: dict[str, Any]) -> list[str]:
    far = [(str(name), float(value)) for name, value in told["marginals"] if float(value) > 0.1]
    if not far:
        return []
    named = ", ".join(f"{name} ({value:.2f})" for name, value in far[:4])
    return [f"Farthest from how real cells are distributed: {named}."]


def _seen(told: dict[str, Any]) -> list[str]:
    found = told["by_label"]
    if not found:
        return []
    shares = [float(share) for share in found["shares"]]
    there = sum(share > 0.2 / len(shares) for share in shares)
    return [f"A classifier of real pictures sees {there} of {len(shares)} labels in what is made, "
            f"and the one that was asked for in {float(found['agree']):.0%} of pictures."]


def _told(told: dict[str, Any]) -> list[str]:
    return [f"{str(each)[:1].upper()}{str(each)[1:]}." for each in told["codes"]]


def _answer(found: Found) -> Html:
    return lead([*_scores(found), *_worst(found.told), *_seen(found.told),
                 *_told(found.told)] or [found.said])


def lead(lines: list[str]) -> Html:
    """The first line large, the others below it."""
    first, *rest = lines
    return join([el("p", data(first, 900), cls="lead"),
                 bullets(data(line, 900) for line in rest) if rest else None])


def _sheets(found: Found) -> Html | None:
    stored = found.told["sheets"]
    if not stored:
        return None
    drawn = [sheet(stored.get("real"), "Real pictures, which it did not learn from"),
             sheet(stored.get("made"), "Made pictures, drawn by chance, none chosen")]
    return join([*drawn, el("p", "The model file holds the real pictures of this sheet; fit with "
                                 "shown=0 to keep none.", cls="small")])


def _columns(found: Found) -> Html | None:
    told = found.told
    if not told["histograms"]:
        return None
    rows = [[data(name, 60), f"{float(value):.3f}"] for name, value in told["marginals"][:_MOST]]
    more = len(told["marginals"]) - len(rows)
    return join([
        key(), el("div", *(pair(each) for each in told["histograms"]),
                  style="display:flex;flex-wrap:wrap"),
        table(["column", "distance"], rows, "Distance of made from real cells, column by column: "
              "0 alike, 1 nothing in common", numbers=(1,)),
        el("p", f"And {more} more columns.", cls="small") if more > 0 else None])


def _labels(found: Found) -> Html | None:
    told = found.told
    if not told["by_label"]:
        return None
    rows = [[data(name, 60), f"{float(share):.1%}"] for name, share in zip(
        told["labels"], told["by_label"]["shares"], strict=True)]
    return join([el("p", data(line, 400)) for line in _seen(told)] + [
        table(["label", "share of made pictures"], rows, "Labels that a classifier of real "
              "pictures sees in made ones", numbers=(1,))])


def _training(found: Found) -> Html | None:
    history = found.told["history"]
    drawn = [curves(history, names, ", ".join(names).replace("_", " ") + " by epoch")
             for names in _CURVES]
    drawn = [each for each in drawn if each is not None]
    if not drawn:
        return None
    steady = el("p", "In a pair that balances, the discriminator's accuracy stays between a half "
                "and one, and diversity and coverage come near 1.", cls="small") \
        if history and "accuracy" in history[0] else None
    return join([*drawn, steady])


def _cautions(found: Found) -> Html:
    said = [f"{each[:1].upper()}{each[1:]}." for each in found.warnings]
    said += ["Made rows are no new evidence: what is learnt from them can be no truer than the "
             "rows that they were made from, and rare cases come out rarer.",
             "That rows are made does not make them private: look at how near they come to rows "
             "learnt from, and give out none that equal one."]
    return bullets(data(line, 600) for line in said)


def percent(score: Score) -> str:
    """A share with its interval."""
    return f"{score.value:.0%} [{score.low:.0%}, {score.high:.0%}]"
