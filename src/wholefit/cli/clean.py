"""`wholefit clean`: a table by a recipe or by a few flags, and everything that was changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._places import check_free
from wholefit.cli._reading import READ, Reading

if TYPE_CHECKING:
    from wholefit.api.cleaning import Cleaned

_STEPS, _OUT = "What is done (in this order; without any of it, what the table shows)", "Output"
_FILLS = ("mean", "median", "mode")
_DIFF = 20


def _step(meaning: str, metavar: str) -> Any:
    return typer.Option(help=meaning, metavar=metavar, rich_help_panel=_STEPS)


def _out(meaning: str, metavar: str) -> Any:
    return typer.Option(help=meaning, metavar=metavar, rich_help_panel=_OUT)


def _flag(name: str, meaning: str, panel: str) -> Any:
    return typer.Option(name, help=meaning, rich_help_panel=panel)


@command("clean")
def clean(
    source: Annotated[str, typer.Argument(
        help="File, folder, database URL, or - for standard input.", metavar="SOURCE")],
    recipe: Annotated[Path | None, _step("A recipe, .toml or .json.", "FILE")] = None,
    rename: Annotated[list[str] | None, _step("Another name; may be repeated.",
                                              "OLD=NEW")] = None,
    drop: Annotated[str | None, _step("Columns to leave out, parted by commas.",
                                      "COLUMNS")] = None,
    tidy: Annotated[bool, _flag("--tidy", "Spaces, letters and types of text.", _STEPS)] = False,
    spellings: Annotated[bool, _flag(
        "--spellings", "Merge categories that are written in several ways.", _STEPS)] = False,
    sentinel: Annotated[list[str] | None, _step(
        "A value that stands for missing, e.g. -999 or age=-1; may be repeated.",
        "[COLUMN=]VALUE")] = None,
    derive: Annotated[list[str] | None, _step(
        "A column computed from others; may be repeated.", "COLUMN=FORMULA")] = None,
    where: Annotated[list[str] | None, _step(
        "Keep rows in which this holds, e.g. 'age >= 18'; may be repeated.",
        "CONDITION")] = None,
    dedupe: Annotated[bool, _flag("--dedupe", "Keep one of rows that are the same.",
                                  _STEPS)] = False,
    keys: Annotated[str | None, _step(
        "With --dedupe: columns that make rows the same, parted by commas.", "COLUMNS")] = None,
    alike: Annotated[float, _step(
        "With --dedupe: below 1, the text of the keys need only be so alike.", "SHARE")] = 1.0,
    keep: Annotated[str, _step("With --dedupe: first, last or most_complete.",
                               "WHICH")] = "first",
    outliers: Annotated[list[str] | None, _step(
        "flag, clip, missing or drop, of numbers or of one column; may be repeated.",
        "[COLUMN=]ACTION")] = None,
    method: Annotated[str, _step("How outliers are found: iqr, zscore, robust or forest.",
                                 "NAME")] = "iqr",
    missing: Annotated[list[str] | None, _step(
        "mean, median, mode, knn, iterative, indicator, drop, drop_columns, or constant:VALUE; "
        "of all columns or of one; may be repeated.", "[COLUMN=]WAY")] = None,
    target: Annotated[str | None, _step("A column that is only changed where it is named.",
                                        "COLUMN")] = None,
    reading: Reading = READ,
    out: Annotated[str | None, _out(
        "File to write, of the kind that its ending names; - is CSV on standard output.",
        "FILE")] = None,
    propose: Annotated[Path | None, _out(
        "Write the recipe that was followed here, .toml or .json.", "FILE")] = None,
    report: Annotated[Path | None, _out("Write every change here, as JSON.", "FILE")] = None,
    dry_run: Annotated[bool, _flag("--dry-run", "Write nothing; show changed cells.",
                                   _OUT)] = False,
    force: Annotated[bool, _flag("--force", "Overwrite existing files.", _OUT)] = False,
    as_json: Annotated[bool, _flag("--json", "Print one JSON object, for machines.",
                                   _OUT)] = False,
) -> None:
    """Clean a table, and say what was changed and in how many rows.

    With --recipe, its steps are done; with flags, theirs; with neither, a careful recipe is drawn
    up from what the table shows (--propose writes it, to be edited). --dry-run writes nothing.

    wholefit clean data.csv --missing median --dedupe --out clean.csv
    """
    import wholefit as wf
    from wholefit.api.cleaning import save_report

    steps = [*_renamed(rename), *_dropped(drop), *(_TIDY if tidy else []),
             *([{"do": "spellings"}] if spellings else []), *_sentinels(sentinel),
             *_derived(derive), *({"do": "filter", "where": each} for each in where or []),
             *_deduped(dedupe, keys, alike, keep), *_outliers(outliers, method),
             *(_missing(each) for each in missing or [])]
    if recipe is not None and steps:
        raise typer.BadParameter("--recipe says all steps: leave the other steps out, or add them "
                                 "to the recipe.")
    if out == "-" and as_json:
        raise typer.BadParameter("--json and --out - both print: say one of them.")
    written = [Path(path) for path in (out, propose, report) if path and str(path) != "-"]
    check_free([] if dry_run else written, source, force)
    done = wf.clean(source, recipe if recipe is not None else steps or None, target=target,
                    dry_run=dry_run,
                    **reading)
    if not dry_run:
        if propose is not None:
            done.recipe.save(propose, force=force)
        if out is not None:
            _write(done, out, force)
        if report is not None:
            save_report(done, report, force=force)
    if as_json:
        _show.as_json(done.to_json())
    else:
        _tell(done, out, [str(path) for path in (propose, report) if path], dry_run)


_TIDY: list[dict[str, Any]] = [{"do": "whitespace"}, {"do": "unicode"}, {"do": "types"}]


def _write(done: Cleaned, out: str, force: bool) -> None:
    from wholefit.data.write import write

    write(done.after, out, force=force)


def _tell(done: Cleaned, out: str | None, files: list[str], dry_run: bool) -> None:
    """What was changed; on standard error where standard output is the table."""
    say = _show.aside if out == "-" else _show.say
    for line in done.to_text().splitlines():
        say(_show.wrapped(line))
    if dry_run:
        _show_diff(done)
        return
    if out is not None and out != "-":
        say(f"{done.after.height:,} rows written to {out}")
    for path in files:
        say(f"written: {path}")
    if out is None and not files:
        say("nothing was written: --out FILE writes the table, --propose FILE the recipe.")


def _show_diff(done: Cleaned) -> None:
    diff = done.diff(_DIFF)
    if not diff.height:
        return
    _show.say()
    rows = [[f"{row:,}", column, _cell(before), _cell(after)]
            for row, column, before, after in diff.iter_rows()]
    _show.table(["row", "column", "before", "after"], rows)
    _show.say(f"{diff.height} of the changed cells, of rows that stay.")


def _cell(text: str | None) -> str:
    if text is None:
        return "(missing)"
    shown = text if text == " ".join(text.split()) else repr(text)
    return shown if len(shown) <= 40 else shown[:37] + "..."


# Flags to steps -------------------------------------------------------------------------------

def _parted(word: str, option: str, *, must: bool = False) -> tuple[str | None, str]:
    """COLUMN=VALUE in two; the first part is None where there is no =."""
    name, equals, value = word.partition("=")
    if (must and not equals) or (equals and not (name.strip() and value.strip())):
        raise typer.BadParameter(f"{option} must be NAME=VALUE; got {word!r}.")
    return (name.strip(), value.strip()) if equals else (None, word.strip())


def _renamed(words: list[str] | None) -> list[dict[str, Any]]:
    names = dict(_parted(word, "--rename", must=True) for word in words or [])
    return [{"do": "rename", "names": names}] if names else []


def _dropped(words: str | None) -> list[dict[str, Any]]:
    return [{"do": "drop", "columns": words.split(",")}] if words else []


def _sentinels(words: list[str] | None) -> list[dict[str, Any]]:
    made = []
    for word in words or []:
        column, value = _parted(word, "--sentinel")
        made.append({"do": "replace", "values": _both(value),
                     **({"columns": [column]} if column else {})})
    return made


def _both(value: str) -> list[Any]:
    """The value as the number it spells, and as text, for columns of either."""
    try:
        number = json.loads(value)
    except ValueError:
        return [value]
    plain = isinstance(number, (int, float)) and not isinstance(number, bool)
    return [number, value] if plain else [value]


def _derived(words: list[str] | None) -> list[dict[str, Any]]:
    made = []
    for word in words or []:
        column, formula = _parted(word, "--derive", must=True)
        made.append({"do": "derive", "column": column, "formula": formula})
    return made


def _deduped(dedupe: bool, keys: str | None, alike: float, keep: str) -> list[dict[str, Any]]:
    if not dedupe:
        if keys or alike != 1.0:
            raise typer.BadParameter("--keys and --alike belong to --dedupe: say that too.")
        return []
    given = {"keys": keys.split(",")} if keys else {}
    return [{"do": "deduplicate", "alike": alike, "keep": keep, **given}]


def _outliers(words: list[str] | None, method: str) -> list[dict[str, Any]]:
    made = []
    for word in words or []:
        column, action = _parted(word, "--outliers")
        made.append({"do": "outliers", "action": action, "method": method,
                     **({"columns": [column]} if column else {})})
    return made


def _missing(word: str) -> dict[str, Any]:
    column, way = _parted(word, "--missing")
    of: dict[str, Any] = {"columns": [column]} if column else {}
    named = {"knn": "fill_neighbours", "iterative": "fill_iterative", "indicator": "indicator",
             "drop": "drop_missing_rows", "drop_columns": "drop_missing_columns"}
    if way in _FILLS:
        return {"do": "fill", "strategy": way, **of}
    if way in named:
        return {"do": named[way], **of}
    if way.startswith("constant:"):
        value = _both(way.removeprefix("constant:"))[0]
        return {"do": "fill", "strategy": "constant", "value": value, **of}
    from wholefit.base.errors import unknown

    raise unknown("way with missing values", way, [*_FILLS, *named, "constant:VALUE"])
