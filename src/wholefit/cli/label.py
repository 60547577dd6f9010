"""`wholefit label`, `wholefit label-errors`: labels made by people, and labels doubted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Force, Groups, Jobs, Json, Seed
from wholefit.cli._places import check_free
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading

if TYPE_CHECKING:
    from wholefit.training.label_errors import LabelErrors

_WHAT, _HOW, _WEB, _ELSE = ("What is labelled", "How it is asked", "In a browser",
                            "Instead of labelling")
_FIRST = 20


def _in(panel: str, meaning: str, metavar: str | None = None, *names: str) -> Any:
    return typer.Option(*names, help=meaning, metavar=metavar, rich_help_panel=panel)


@command("label")
def label(
    sources: Annotated[list[str], typer.Argument(
        help="The table whose rows are labelled; for --agreement, journals of labels.",
        metavar="SOURCE")],
    column: Annotated[list[str] | None, _in(
        _WHAT, "Column to show; several are shown as a row.", "COLUMN")] = None,
    classes: Annotated[str | None, _in(
        _WHAT, "The labels, parted by commas: pos,neg. Their order is that of the keys.",
        "NAMES")] = None,
    images: Annotated[bool, _in(
        _WHAT, "The column holds paths of pictures, in SOURCE's folder (needs --web).",
        None, "--images")] = False,
    identifier: Annotated[str | None, _in(
        _WHAT, "Column of identifiers; without it, rows that show the same are one item.",
        "COLUMN", "--id")] = None,
    ordered: Annotated[bool | None, _in(
        _WHAT, "The classes have an order (bad,fair,good): agreement counts how far apart.",
        None, "--ordered/--unordered")] = None,
    guide: Annotated[Path | None, _in(
        _WHAT, "Text file of instructions, shown and kept with the labels.", "FILE")] = None,
    annotator: Annotated[list[str] | None, _in(
        _HOW, "Who labels; your user name. Several with --web: one link each.", "NAME")] = None,
    store: Annotated[list[Path] | None, _in(
        _HOW, "Journal of labels, begun or gone on with; SOURCE's name, in this folder, with "
        ".labels.jsonl. Several for --export.", "FILE")] = None,
    order: Annotated[str, _in(
        _HOW, "uncertain (what a model learning meanwhile is least sure of), random or as-is.",
        "WHICH")] = "uncertain",
    strategy: Annotated[str, _in(
        _HOW, "How unsure is counted: margin, least_confident or entropy.", "NAME")] = "margin",
    random_share: Annotated[float, _in(
        _HOW, "Share of questions drawn at random all the same, for honest estimates.",
        "SHARE")] = 0.2,
    overlap: Annotated[float, _in(
        _HOW, "Share of the items that every annotator is asked.", "SHARE")] = 1.0,
    again: Annotated[bool, _in(
        _HOW, "Ask what was skipped in earlier sessions once more.", None, "--again")] = False,
    assist: Annotated[bool, _in(
        _HOW, "Show the model's guess with its probability; it sways people, so it is hidden "
        "unless asked for.", None, "--assist")] = False,
    model: Annotated[str | None, _in(
        _HOW, "What guesses: a model of `wholefit models`, or none.", "MODEL")] = None,
    web: Annotated[bool, _in(_WEB, "Label on a page in the browser, on this machine only.",
                             None, "--web")] = False,
    port: Annotated[int, _in(_WEB, "Port of the page; a free one.", "N")] = 0,
    agreement: Annotated[bool, _in(
        _ELSE, "Say how far the annotators of the journals SOURCE... agree.", None,
        "--agreement")] = False,
    adjudicate: Annotated[bool, _in(
        _ELSE, "Go through the items with different labels, and say the last word.", None,
        "--adjudicate")] = False,
    progress: Annotated[bool, _in(
        _ELSE, "Say how far it is, how good the guesses are, and what more labels would bring.",
        None, "--progress")] = False,
    export: Annotated[Path | None, _in(
        _ELSE, "Write SOURCE with one label a row, and a sheet on how it was made.",
        "FILE")] = None,
    consensus: Annotated[str, _in(
        _ELSE, "How several labels become one: majority or dawid-skene.", "WAY")] = "majority",
    force: Annotated[bool, _in(_ELSE, "Overwrite existing files.", None, "--force")] = False,
    as_json: Annotated[bool, _in(_ELSE, "JSON, for machines.", None, "--json")] = False,
    reading: Reading = READ,
) -> None:
    """Label the rows of a table, one after the other, by single keys; nothing is lost.

    Every answer is on the disk before the next question, in a journal that the same command
    goes on with. Two journals of two people are compared, and joined at export.

    wholefit label texts.csv --column text --classes pos,neg

    wholefit label --agreement ann.jsonl bob.jsonl
    """
    from wholefit.cli import _labelling, _terminal
    from wholefit.cli._ask import Ask

    ask = Ask(
        sources, stores=store or [], column=column, classes=classes, images=images,
        id=identifier, ordered=ordered, guide=guide, people=annotator or [], order=order,
        strategy=strategy, random_share=random_share, overlap=overlap, again=again,
        assist=assist, model=model, json=as_json,
        reading=reading)
    wanted = [name for name, asked in (
        ("--agreement", agreement), ("--adjudicate", adjudicate), ("--progress", progress),
        ("--export", export is not None)) if asked]
    if len(wanted) > 1:
        raise typer.BadParameter(f"{' and '.join(wanted)} are done one at a time.")
    if agreement:
        _labelling.agree(ask)
    elif export is not None:
        _labelling.export(ask, export, consensus, force)
    elif progress:
        _labelling.how_far(ask)
    elif web:
        _labelling.in_browser(ask, port)
    else:
        _terminal.in_terminal(ask, adjudicate)


@command("label-errors")
def label_errors(
    source: Annotated[str, typer.Argument(
        help="File, folder, database URL, or - for standard input.", metavar="SOURCE")],
    target: Annotated[str | None, typer.Option(
        help="Column whose values are doubted.", metavar="COLUMN")] = None,
    task: Annotated[str | None, typer.Option(
        help="classification or regression; the target decides.", metavar="NAME")] = None,
    models: Annotated[str | None, typer.Option(
        help="What judges, cross-validated; a linear model and a forest.",
        metavar="MODELS")] = None,
    out: Annotated[Path | None, typer.Option(
        help="Write the whole list here (.csv, .parquet, ...).", metavar="FILE")] = None,
    show: Annotated[int, typer.Option(help="Rows of the list to show.", metavar="N")] = _FIRST,
    folds: Annotated[int, typer.Option(help="Folds of the cross-validation.", metavar="N")] = 5,
    repeats: Annotated[int, typer.Option(
        help="How often the folds are drawn anew.", metavar="N")] = 1,
    score: Annotated[str, typer.Option(
        help="What ranks classes: normalised_margin or self_confidence.",
        metavar="NAME")] = "normalised_margin",
    groups: Groups = None,
    jobs: Jobs = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    reading: Reading = READ,
) -> None:
    """Which rows have a wrong target, probably: a list to read, most suspect first.

    No row is judged by a model that learnt it. Classes by confident learning, numbers by
    residuals. A rare but true row looks like a wrong one: read before you mend.

    wholefit label-errors churn.csv --target churn --out doubts.csv
    """
    import wholefit as wf
    from wholefit.data.write import write

    if out is not None:
        check_free([out], source, force)
    with told(as_json) as said:
        found = wf.label_errors(
            source, target=target, task=task, models=models, folds=folds, repeats=repeats,
            score=score, groups=groups, jobs=jobs, seed=seed,
            **reading)
    for sentence in said:
        if sentence.startswith("warning"):
            _show.aside(sentence)
    if out is not None:
        write(found.ranked(flagged=False), out, force=force)
    if as_json:
        _show.as_json(found.to_json(max(show, 0)))
    else:
        _tell(found, max(show, 0), out)


def _tell(found: LabelErrors, most: int, out: Path | None) -> None:
    """The summary and the first rows of the list."""
    _show.say(f"{len(found):,} of {len(found.rows):,} rows look wrong by {found.target!r}; "
              f"{found.how}")
    for sentence in found.left:
        _show.say(f"not judged: {sentence}")
    if found.noise is not None:
        _show.say(f"estimated share of wrong labels: {found.noise} (hard rows count as wrong "
                  "where classes overlap: an upper guess)")
    shown = found.ranked(most)
    if shown.height:
        _show.say()
        _show.table(["row", "given", "probably", "score"],
                    [[f"{row['row']:,}", _cell(row["given"]), _cell(row["suggested"]),
                      f"{row['score']:.3f}"] for row in shown.iter_rows(named=True)])
    if len(found) > shown.height:
        _show.say(f"and {len(found) - shown.height:,} more (--show, or --out for all)")
    if out is not None:
        _show.say(f"every judged row, most suspect first, written to {out}")


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
