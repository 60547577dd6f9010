"""What `wholefit label` does besides asking in the terminal: the page, and what came of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wholefit.base.errors import DataError, ParameterError, WholefitError
from wholefit.cli import _show
from wholefit.cli._ask import Ask, user
from wholefit.cli._places import check_free
from wholefit.cli._progress import told

if TYPE_CHECKING:
    from wholefit.evaluation import Score
    from wholefit.training.labelling import Session

_TARGETS = (0.8, 0.9, 0.95, 0.98)
_NEVER = 1_000_000


def in_browser(ask: Ask, port: int) -> None:
    """Serve the page until Ctrl-C."""
    from wholefit.web.labelling import serve

    people, said = ask.people or [user()], list[str]()
    if len(set(people)) < len(people):
        raise ParameterError("each annotator is named once.")
    with ask.open(said) as session:
        for sentence in said:
            _show.say(sentence)
        try:
            server = serve(session, people, port=port, assist=ask.assist)
        except (OSError, OverflowError) as error:
            raise WholefitError(f"port {port} cannot be had ({error}); leave --port out to take "
                                "a free one.") from error
        for who, link in server.links.items():
            _show.say(f"{who}: {link}")
        _show.say("whoever has a link is taken for its annotator; it works on this machine only. "
                  "Ctrl-C ends it, and all is kept.")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            _show.say()
        finally:
            server.server_close()
        _show.say(f"{len(session.consensus()[0]):,} items have a label. All is kept in "
                  f"{session.store.path}; the same command goes on.")


# ---- instead of labelling ---------------------------------------------------------------


def agree(ask: Ask) -> None:
    """Coefficients of the journals' annotators."""
    import wholefit as wf

    found = wf.agreement(*ask.sources, *ask.stores)
    if ask.json:
        _show.as_json(found.to_json())
        return
    if len(found.annotators) < 2:
        _show.say(f"{', '.join(found.annotators) or 'nobody'} answered {found.items:,} items: "
                  "agreement takes two annotators.")
        return
    _show.say(f"{', '.join(found.annotators)}: {found.items:,} items, {found.shared:,} of them "
              "answered by two or more")
    _show.say()
    rows = [["Krippendorff's alpha", found.alpha], ["Fleiss' kappa", found.fleiss],
            ["equal answers", found.same]]
    rows += [[f"Cohen's kappa, {a} and {b}", kappa] for (a, b), kappa in found.pairs.items()]
    _score_table([(str(name), score) for name, score in rows])  # type: ignore[misc]


def export(ask: Ask, out: Path, consensus: str, force: bool) -> None:
    """The table with its labels, and the sheet beside it."""
    import wholefit as wf
    from wholefit.data.write import write

    sheet = out.with_name(f"{out.name.split('.')[0]}.sheet.md")
    check_free([out, sheet], ask.source(), force)
    stores = ask.stores or [ask.beside()]
    with told(True) as said:
        found = wf.labelled(ask.source(), *stores, consensus=consensus, **ask.reading)
    for sentence in said:
        _show.aside(sentence)
    write(found.frame, out, force=force)
    sheet.write_text(found.sheet, encoding="utf-8")
    if ask.json:
        _show.as_json({"rows": found.frame.height, "items": found.counts, "saved": str(out),
                       "sheet": str(sheet)})
        return
    counts = ", ".join(f"{count:,} {name}" for name, count in found.counts.items())
    _show.say(f"{found.frame.height:,} rows written to {out} (items: {counts}); how they were "
              f"labelled to {sheet}")


def how_far(ask: Ask) -> None:
    """Counts, the quality of the guesses, and what more labels would bring."""
    said: list[str] = []
    with ask.open(said) as session:
        facts = _facts(session)
    if ask.json:
        _show.as_json({name: part for name, part in facts.items()
                       if name not in ("curve_object", "quality_scores")})
        return
    for who, far in facts["annotators"].items():
        classes = ", ".join(f"{name} {count:,}" for name, count in far["classes"].items())
        _show.say(f"{who}: {far['labelled']:,} of {far['items']:,} labelled ({classes}), "
                  f"{far['skipped']:,} skipped")
    _show.say(f"{facts['disagreements']:,} disagreements to settle (--adjudicate)")
    quality = facts["quality_scores"]
    if quality:
        _show.say()
        names = {"all": "guesses that the answer confirmed", "random": "of items drawn at random",
                 "blind": "of guesses not shown", "shown": "of guesses shown",
                 "kappa": "kappa, of items drawn at random",
                 "confidence": "confidence that those claimed"}
        _score_table([(names[name], score) for name, score in quality.items()])
    _show.say()
    _curve_lines(facts)


def _facts(session: Session) -> dict[str, Any]:
    from wholefit.training.labels_needed import guess_quality, learning_curve

    quality = guess_quality(session.store.every_answer())
    found: dict[str, Any] = {
        "annotators": {who: session.progress(who) for who in session.store.annotators},
        "disagreements": len(session.disagreements()), "quality_scores": quality,
        "quality": {name: score.to_json() for name, score in quality.items()},
        "curve": None, "why_no_curve": None, "curve_object": None}
    try:
        if session.assistant is None:
            raise DataError("nothing guesses, so there is no learning curve.")
        curve = learning_curve(session.assistant.learner, *session.consensus(), session.fair())
        found |= {"curve": curve.to_json(), "curve_object": curve,
                  "needed": {str(goal): curve.needed(goal) for goal in _TARGETS}}
    except DataError as error:
        found["why_no_curve"] = str(error)
    return found


def _curve_lines(facts: dict[str, Any]) -> None:
    curve = facts["curve_object"]
    if curve is None:
        _show.say(facts["why_no_curve"])
        return
    _show.say(f"share of right guesses, judged on {curve.judged:,} items drawn at random:")
    _score_table([(f"{labels:,} labels", score) for labels, score in curve.points])
    if curve.law is None:
        _show.say("more labels have not helped so far: the curve does not say how many more "
                  "would.")
        return
    labels, best = curve.points[-1]
    for goal in [goal for goal in _TARGETS if goal > best.value][:2]:
        _show.say(f"{goal:.0%} right: {_more(curve.needed(goal), labels)}")
    _show.say("(a curve that reaches beyond what was seen is a guide, no promise)")


def _more(needed: tuple[float, float, float], labels: int) -> str:
    """How many more labels, and how sure that is."""
    value, low, high = (_round(number - labels) for number in needed)
    if value is None:
        least = "" if low is None else f" (at the very best, {low:,} more labels would do)"
        return f"this curve does not reach it{least}"
    if high is None:
        return f"about {value:,} more labels (at least {low:,}, and perhaps never)"
    return f"about {value:,} more labels ({low:,} to {high:,})"


def _round(number: float) -> int | None:
    """Labels in round numbers; None where there is no end of them."""
    if not number < _NEVER:
        return None
    return max(0, int(round(number, -2 if number > 1000 else -1)))


def _score_table(rows: list[tuple[str, Score]]) -> None:
    _show.table(["", "value [95% interval]", "how"],
                [[name, str(score), score.how] for name, score in rows])
