"""The report of a model of pairs: how near what it writes comes, and what it writes."""

from __future__ import annotations

from wholefit.evaluation import Score
from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report.sections import Section
from wholefit.report.training_curves import curves
from wholefit.training.found import Found
from wholefit.training.record import Entry

_MOST_SHOWN, _LETTERS = 8, 300
_BASELINES = ("nearest_pair", "frequent_target")


def sections(found: Found) -> tuple[Section, ...]:
    """What this page has before the frame that all share."""
    return (
        Section("answer", "What was found", _answer),
        Section("texts", "What it writes", _written),
        Section("training", "How it learnt", _training),
        Section("cautions", "Before its texts are used", _cautions),
    )


def lines(found: Found) -> list[str]:
    """The same in plain sentences."""
    return [f"{found.said[:1].upper()}{found.said[1:]}.", *_scores(found),
            *(f"{each[:1].upper()}{each[1:]}." for each in found.warnings)]


def _scores(found: Found) -> list[str]:
    scores, out = found.chosen.scores, []
    if "exact_match" in scores:
        out.append(f"Of texts whose sources it had not read it wrote {_percent(_of(scores))} as "
                   "they were wanted, sign for sign.")
    if "chrf" in scores and "bleu" in scores:
        out.append(f"What it wrote holds the wanted runs of characters by chrF {scores['chrf']} "
                   f"and the wanted runs of words by BLEU {scores['bleu']}; 1 is all of them.")
    out += _beside(found)
    known = found.told["known"]
    if known is not None:
        out.append(f"{float(known):.0%} of the wanted texts stand, word for word, among those that "
                   "were learnt from.")
    return out


def _of(scores: dict[str, Score]) -> Score:
    return scores["exact_match"]


def _beside(found: Found) -> list[str]:
    """What the baselines reach, and whether the model is worth more than copying."""
    chosen = found.chosen
    others = [entry for entry in found.leaderboard
              if entry.model in _BASELINES and found.metric in entry.scores]
    if not others or found.metric not in chosen.scores:
        return []
    told = "; ".join(f"{_words(entry)} {entry.scores[found.metric]}" for entry in others
                     if entry is not chosen)
    if chosen.model in _BASELINES:
        tried = any(entry.model not in _BASELINES and entry.scores for entry in found.leaderboard)
        return [f"No model was found to be better than {_words(chosen)}, by {found.metric}."
                if tried else "No model was tried that writes texts of its own: this one copies."]
    return [f"For comparison, {found.metric} of {told}."]


def _words(entry: Entry) -> str:
    return "copying the target of the source most alike" if entry.model == "nearest_pair" \
        else "always writing the most frequent target"


def _percent(score: Score) -> str:
    return f"{score.value:.0%} [{score.low:.0%}, {score.high:.0%}]"


def _answer(found: Found) -> Html:
    first, *rest = _scores(found) or [found.said]
    return join([el("p", data(first, 900), cls="lead"),
                 bullets(data(line, 900) for line in rest) if rest else None])


def _written(found: Found) -> Html | None:
    rows = [[data(str(text), _LETTERS) for text in each] + [
        "yes" if str(each[1]).strip() == str(each[2]).strip() else "no"]
        for each in found.told["shown"][:_MOST_SHOWN] if len(each) == 3]
    if not rows:
        return None
    return join([
        table(["text", "wanted", "written", "the same"], rows, "Pairs that it had not read, drawn "
              "by chance, none chosen"),
        el("p", "Longer texts are cut here. The model file holds these pairs.", cls="small")])


def _training(found: Found) -> Html | None:
    return curves(found.told["history"], ("loss", "valid_loss"),
                  "loss, and loss on pairs held out, by epoch")


def _cautions(found: Found) -> Html:
    said = [f"{each[:1].upper()}{each[1:]}." for each in found.warnings]
    said += ["It writes what is likely for a text like those it learnt from: a text of another "
             "kind, or a word never seen, gets an answer too, and none of it need be true.",
             "chrF and BLEU count runs that two texts share. They do not see whether a text means "
             "what was meant: let a person who knows both sides read some."]
    if found.told["keeps_texts"]:
        said.append("The model file holds the pairs that it learnt from, word for word.")
    return bullets(data(line, 600) for line in said)
