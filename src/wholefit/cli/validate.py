"""`wholefit expect`, `validate`, `drift`: what rows should be like, and whether new ones are."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wholefit.base.errors import WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Force, Json
from wholefit.cli._places import check_free
from wholefit.cli._reading import READ, Reading

if TYPE_CHECKING:
    from wholefit.data.validate import Validation
    from wholefit.evaluation.drift import Drift

Target = Annotated[str | None, typer.Option(
    help="The column to predict: new rows need not have it.", metavar="COLUMN")]
New = Annotated[str, typer.Argument(
    help="The new rows: a file, a database URL, or - for standard input.", metavar="NEW")]
Level = Annotated[float, typer.Option(
    help="Chance of one false alarm among all columns.", metavar="NUMBER")]
Threshold = Annotated[float, typer.Option(
    help="Smallest distance that matters, as a share of rows.", metavar="NUMBER")]
Correction = Annotated[str, typer.Option(
    help="For many columns: holm, bonferroni, bh or none.", metavar="NAME")]


@command("expect")
def expect(
    source: Annotated[str, typer.Argument(
        help="Rows that are as they should be: a file, or - for standard input.",
        metavar="SOURCE")],
    out: Annotated[str, typer.Option(
        help="TOML file to write; - prints it.", metavar="FILE")] = "-",
    force: Force = False,
    target: Target = None,
    confidence: Annotated[float, typer.Option(
        help="Chance that new rows of the same kind pass.", metavar="NUMBER")] = 0.99,
    rules: Annotated[bool, typer.Option(
        "--rules/--no-rules", help="Look for rules across columns.")] = True,
    reading: Reading = READ,
) -> None:
    """Infer what rows like these should be like, as TOML to edit and to validate new rows by."""
    import wholefit as wf

    if out != "-":
        check_free([Path(out)], source, force)
    found = wf.expect(source, target, confidence=confidence, rules=rules,
                      **reading)
    if out == "-":
        for line in found.to_toml().splitlines():
            _show.say(line)
        return
    found.save(out, force=force)
    _show.say(f"{len(found.columns):,} columns and {len(found.rules):,} rules written to {out}; "
              f"edit it, then: wholefit validate NEW --against {out}")


@command("validate")
def validate(
    new: New,
    against: Annotated[str, typer.Option(
        help="What they should be like: a file of expectations (.toml), other rows, or a model "
             "(.wf).", metavar="FILE")],
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are errors too.")] = False,
    drift: Annotated[bool, typer.Option(
        "--drift/--no-drift", help="Judge drift too, where there is something to compare with.",
    )] = True,
    target: Target = None,
    level: Level = 0.05,
    threshold: Threshold = 0.1,
    correction: Correction = "holm",
    report: Annotated[Path | None, typer.Option(
        help="Also write one HTML page.", metavar="FILE")] = None,
    force: Force = False,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Hold new rows against expectations, other rows or a model; exit code 1 if they do not fit.

    Each violation comes with how many rows it concerns, examples, and the way out.
    """
    import wholefit as wf

    if report is not None:
        check_free([report], new, force)
    _two_inputs(new, against)
    options: Any = {"level": level, "threshold": threshold, "correction": correction}
    found = wf.validate(new, against, target=target, strict=strict,
                        drift=options if drift else False,
                        **reading)
    if report is not None:
        from wholefit.report.validation import write

        write(found, report, force=force)
    if as_json:
        _show.as_json(found.to_json())
    else:
        _show_validation(found)
        if report is not None:
            _show.say(f"saved {report}")
    if not found.ok:
        raise typer.Exit(1)


@command("drift")
def drift(
    new: New,
    against: Annotated[str, typer.Option(
        help="What they are compared with: other rows, or a model (.wf).", metavar="FILE")],
    target: Target = None,
    level: Level = 0.05,
    threshold: Threshold = 0.1,
    correction: Correction = "holm",
    whole: Annotated[bool, typer.Option(
        "--whole/--no-whole", help="Also compare the tables as a whole.")] = True,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Compare how the columns of two sets of rows are distributed; exit code 1 if any drifted.

    A column has drifted if its p-value, corrected for the number of columns, is below --level
    and its distance is at least --threshold; the tables differ as a whole if the energy distance
    of 500 rows of each has p < 0.01.
    """
    import wholefit as wf

    _two_inputs(new, against)
    found = wf.drift(new, against, target=target, level=level, threshold=threshold,
                     correction=correction, whole=whole,
                     **reading)
    if as_json:
        _show.as_json(found.to_json())
    else:
        _show_drift(found)
    if not found.ok:
        raise typer.Exit(1)


def _two_inputs(new: str, against: str) -> None:
    if new == against == "-":
        raise WholefitError("standard input can be read once: name a file for one of the two.")


def _show_validation(found: Validation) -> None:
    for line in found.to_text().splitlines():
        _show.say(line)
    if found.drift is not None and found.drift.shifts:
        _show.say()
        _show_drift(found.drift)


def _show_drift(found: Drift) -> None:
    _show.say(found.said)
    judged = [shift for shift in found.shifts if shift.verdict != "not judged"]
    if judged:
        _show.say()
        header = ["column", "verdict", "distance", "p, corrected", "what changed", "compared",
                  "PSI", "JS", "L-inf"]
        rows = [[shift.column, shift.verdict, _number(shift.distance, ".3f"),
                 shift.p_said, shift.said, shift.kind,
                 _number(shift.psi, ".3f"), _number(shift.jensen_shannon, ".3f"),
                 _number(shift.l_infinity, ".3f")] for shift in judged]
        kept = range(5) if _show.narrow() else range(9)
        _show.table([header[at] for at in kept], [[row[at] for at in kept] for row in rows])
    for note in found.notes:
        _show.say(f"{note[:1].upper()}{note[1:]}.")
    skipped = [f"{shift.column} ({shift.said})" for shift in found.shifts
               if shift.verdict == "not judged"]
    if skipped:
        _show.say()
        _show.say(f"Not judged: {', '.join(skipped[:20])}"
                  + (f" and {len(skipped) - 20} more" if len(skipped) > 20 else "") + ".")


def _number(value: float, form: str) -> str:
    return "" if math.isnan(value) else format(value, form)
