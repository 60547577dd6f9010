"""What a page knows of a model beyond its fit: parts asked of it anew, each a record or a reason.

`api` asks (`result.diagnose(rows)`, `result.importance(rows)`, ...) and hands the answers over as
an `Understanding`; here they are put into chapters, each drawn by the folder of its topic. What
could not be computed is said in a sentence; nothing is left out in silence.
"""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from wholefit.evaluation import failures
from wholefit.report import _bars, words
from wholefit.report._facts import Reported
from wholefit.report._html import Html, bullets, code, data, details, el, join, table

_MOST_BARS, _FEW_ROWS = 12, 8
# A table as `_html.table` makes it, and its caption; tables hold no others.
_TABLE = re.compile(r'<div class="scroll[^"]*"[^>]*><table[^>]*><caption>(.*?)</caption>'
                    r".*?</table></div>", re.DOTALL)


@dataclass(frozen=True)
class Part:
    """One thing that was asked: its topic names the folder that draws it.

    `what` is the thing in words ("The effect of age"); `record` what came out, or `why_not` the
    sentence that says why nothing did.
    """

    topic: str
    what: str
    record: Any = None
    why_not: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        if self.why_not:
            return {"topic": self.topic, "what": self.what, "why_not": self.why_not}
        return {"topic": self.topic, "what": self.what, "found": self.record.to_json()}

    @property
    def said(self) -> str:
        """The part in plain sentences."""
        return f"{self.what} could not be computed: {self.why_not}" if self.why_not else \
            str(self.record.to_text())


@dataclass(frozen=True)
class Understanding:
    """Everything that was asked for a page; `rows` counts the held-out rows, None without any.

    `protected` are the columns that groups of people were made by; `values` says whether the page
    may show single rows.
    """

    parts: tuple[Part, ...] = ()
    rows: int | None = None
    source: str = ""
    protected: tuple[str, ...] = ()
    values: bool = False
    scores: dict[str, Any] = field(default_factory=dict)

    def of(self, *topics: str) -> list[Part]:
        """The parts of these topics, in the order of the topics."""
        return [part for topic in topics for part in self.parts if part.topic == topic]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"rows": self.rows, "source": self.source, "protected": list(self.protected),
                "scores": {name: score.to_json() for name, score in self.scores.items()},
                "parts": [part.to_json() for part in self.parts]}


NOTHING = Understanding()
# Chapters of a page: the name in its address, its heading, its topics.
CHAPTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "fails": ("Where it fails", ("failures", "images", "curves")),
    "why": ("Why it answers as it does", ("importance", "effects", "shares",
                                          "attributions", "counterfactuals", "saliency")),
    "inside": ("Inside the model", ("inside",)),
    "hold": ("Would it hold?", ("stress",)),
    "fairness": ("Is it fair?", ("fairness",)),
}
NEXT = ("advice",)
# Topics of several parts, one at a time where there is a script.
_NAMED = ("effects", "attributions")


def chapter(result: Reported, known: Understanding, name: str) -> Html | None:
    """A chapter of the page; None where neither the fit nor the rows say anything of it."""
    topics = CHAPTERS[name][1]
    pieces = [*(_KEPT[name](result, known) if name in _KEPT else ()),
              *(piece for topic in topics for piece in _topic(known, topic))]
    return join(pieces) if pieces else None


def advised(known: Understanding) -> list[Html]:
    """What the evidence advises."""
    return [drawn(part) for part in known.of(*NEXT)]


def drawn(part: Part) -> Html:
    """A part as its folder draws it; its sentences where there is no picture of it."""
    if part.why_not:
        return el("p", data(part.said, 800), cls="could-not")
    try:
        room = importlib.import_module(f"wholefit.report.{part.topic}")
    except ModuleNotFoundError:
        return _told(part)
    inner: Html | None = room.section(part.record)
    shown = _told(part) if inner is None else _folded(inner)
    return Html(words.spelled(shown, str(getattr(part.record, "metric", ""))))


def _folded(inner: Html) -> Html:
    """Long tables folded away under their caption: the pictures above them say the most of it."""
    def fold(found: re.Match[str]) -> str:
        rows = found[0].count("<tr") - 1
        opened = inner.count("<details", 0, found.start()) > inner.count(
            "</details>", 0, found.start())
        if rows <= _FEW_ROWS or opened:
            return found[0]
        return details(Html(f"{found[1]} ({rows} rows)"), Html(found[0]))

    return Html(_TABLE.sub(fold, inner))


def _told(part: Part) -> Html:
    return bullets(data(line, 900) for line in part.said.splitlines() if line.strip())


def _topic(known: Understanding, topic: str) -> Iterator[Html]:
    parts = known.of(topic)
    if topic in _NAMED and len([part for part in parts if not part.why_not]) > 1:
        yield _switched(parts)
    else:
        yield from map(_headed, parts)


def _headed(part: Part) -> Html:
    """A part under its name, where its own section does not begin with one."""
    inner = drawn(part)
    if part.why_not or part.topic not in (*_NAMED, "importance"):
        return inner
    if inner.startswith("<h3"):
        return join([el("p", data(part.what, 120), cls="small"), inner]) \
            if part.topic == "attributions" else inner
    return join([el("h3", data(part.what, 120)), inner])


def _switched(parts: Sequence[Part]) -> Html:
    """One at a time where there is a script, one below the other where there is none."""
    shown = (el("div", _headed(part), data_choice=part.what[:80]) for part in parts
             if not part.why_not)
    return join([el("div", *shown, cls="switch", data_of="Show"),
                 *(drawn(part) for part in parts if part.why_not)])


# ---- what the fit kept ------------------------------------------------------------------


def _leans(result: Reported, known: Understanding) -> list[Html]:
    """What the answers lean on, as the fit kept it; held-out rows tell it better."""
    if any(not part.why_not for part in known.of("importance")):
        return []
    kept = result.exhibits.get("reliance")
    if kept is None:
        return [] if known.rows is not None else [_unkept("what its answers lean on")]
    if "why_not" in kept:
        said = f"What its answers lean on could not be computed: {kept['why_not']}"
        return [el("p", data(said, 600), cls="could-not")]
    rows = [(str(name), float(a), float(b), float(c)) for name, a, b, c in kept["columns"]]
    if not rows:
        return [el("p", f"No column moves its answers, among {kept['rows']:,} rows: it gives "
                   "every row the same.")]
    unit = "share of the probability that moves to other classes" if result.classes else \
        f"in units of {result.target}"
    title = "How far the answer moves, on average, when a row is given another row's value"
    return [el("h3", "What its answers lean on"),
            el("p", f"{title} of the column ({unit}), with the interval of the mean over "
               f"{kept['rows']:,} rows that it learnt from. It says what the model uses, not what "
               "the column is worth, and nothing about causes. Where two columns say the same, "
               "either may bear the weight."),
            _bars.ranked(rows[:_MOST_BARS], title),
            *_lean_rest(rows, kept["others"])]


def _lean_rest(rows: Sequence[tuple[str, float, float, float]], others: int) -> Iterator[Html]:
    if len(rows) > _MOST_BARS:
        cells = [[data(name, 60), *_bars.cells(*three)] for name, *three in rows]
        yield details(f"All {len(rows)} as a table", table(
            ["column", "mean move", "interval"], cells, "How far each column moves the answer",
            numbers=(1, 2)))
    if others:
        yield el("p", f"{others:,} more columns move it less than these, or not at all.",
                 cls="small")


def _failed(result: Reported, known: Understanding) -> list[Html]:
    """Where it fails on out-of-fold answers, unless held-out rows say it better."""
    part = kept_failures(result, known)
    if part is not None:
        return [drawn(part)]
    return [] if known.rows is not None else [_unkept("where it fails")]


def kept_failures(result: Reported, known: Understanding) -> Part | None:
    """Where out-of-fold answers fail, as a part; None where it was not kept, or rows say it."""
    kept = result.exhibits.get("failures")
    if kept is None or known.of("failures"):
        return None
    found = failures.checked(kept)
    part = None if found is None else Part("failures", "Where it fails", found)
    return part if part is not None and _tells(part) else None


def _tells(part: Part) -> bool:
    """Whether what a file kept can be told and drawn at all: its numbers may be anyone's."""
    try:
        return bool(part.said) and bool(drawn(part))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return False


def _fair(result: Reported, known: Understanding) -> list[Html]:
    """How to ask, where nobody did."""
    if known.rows is None or known.protected:
        return []
    return [el("p", "Not asked. Name the columns that make groups of people, in the held-out "
               "rows, to have each measure by group with its interval:"),
            code(f"wholefit report MODEL.wf --rows {shlex.quote(known.source or 'HELD.csv')} "
                 "--protected COLUMN")]


def _unkept(what: str) -> Html:
    return el("p", f"This model file does not hold {what}: give held-out rows to have it "
              "computed.", cls="could-not")


_KEPT = {"why": _leans, "fails": _failed, "fairness": _fair}


def unasked(known: Understanding) -> list[Html]:
    """What a page made without rows leaves open, and how to have it."""
    if known.rows is not None:
        return []
    return [el("p", "This page was made from what the fit kept, without rows. With rows that have "
               "a known target and were not learnt from, it also shows the slices where the model "
               "fails, what each column is worth, how it moves the answer, whether the model "
               "would hold if the data changed and, with columns that make groups of people, "
               "whether it is fair:"),
            code("wholefit report MODEL.wf --rows HELD.csv --protected COLUMN --force")]
