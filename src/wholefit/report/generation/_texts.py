"""The report of a writer of texts: how well it foretells others, and what it writes."""

from __future__ import annotations

from wholefit.evaluation import Score
from wholefit.report._html import Html, bullets, data, el, join
from wholefit.report.generation._sections import lead, percent
from wholefit.report.sections import Section
from wholefit.report.training_curves import curves
from wholefit.training.found import Found

_MOST_SHOWN, _MOST_LETTERS = 6, 400


def sections(found: Found) -> tuple[Section, ...]:
    """What this page has before the frame that all share."""
    return (
        Section("answer", "What was found", _answer),
        Section("texts", "What it writes", _written),
        Section("training", "How it learnt", _training),
        Section("cautions", "Before made texts are used", _cautions),
    )


def lines(found: Found) -> list[str]:
    """The same in plain sentences."""
    return [f"{found.said[:1].upper()}{found.said[1:]}.", *_scores(found),
            *(f"{each[:1].upper()}{each[1:]}." for each in found.warnings)]


def _scores(found: Found) -> list[str]:
    scores, out = found.chosen.scores, []
    if "bits_per_character" in scores:
        bits, alone = scores["bits_per_character"].value, float(found.told["by_frequency"])
        out.append(f"A character of texts that it had not read tells it "
                   f"{scores['bits_per_character']} bits: it wavers between {2 ** bits:.1f} "
                   f"characters, and one who knew only how frequent each is between "
                   f"{2 ** alone:.1f}.")
    if "told_apart" in scores:
        out.append(_apart(scores["told_apart"]))
    if "copied" in scores:
        held = found.told["copied_held"]
        out.append(f"{percent(scores['copied'])} of what it writes holds a run of 40 characters "
                   f"of a text learnt from; of texts set apart {float(held):.0%} do.")
    return out


def _apart(score: Score) -> str:
    how = "hardly" if score.value < 0.65 else "sometimes" if score.value < 0.85 else "mostly" \
        if score.value < 0.97 else "nearly always"
    return (f"A linear model tells what it writes from real texts {how} (AUC {score}, 0.5 is "
            "chance).")


def _answer(found: Found) -> Html:
    return lead(_scores(found) or [found.said])


def _written(found: Found) -> Html | None:
    made = [str(text) for text in found.told["made"][:_MOST_SHOWN]]
    if not made:
        return None
    drawn = [el("blockquote", data(text, _MOST_LETTERS), style="white-space:pre-wrap")
             for text in made]
    return join([*drawn, el("p", "Drawn by chance at temperature 1, none chosen; written when it "
                                 "had not read the texts set apart.", cls="small")])


def _training(found: Found) -> Html | None:
    return curves(found.told["history"], ("loss", "valid_loss"),
                  "loss, and loss on texts held out, by epoch")


def _cautions(found: Found) -> Html:
    said = [f"{each[:1].upper()}{each[1:]}." for each in found.warnings]
    said += ["It writes what is likely after what it has read: that is no knowledge, and none of "
             "it need be true.",
             "What stands in the texts can come out again, names and numbers among it: look before "
             "anything is given out."]
    return bullets(data(line, 600) for line in said)

