"""Options that say how a source is read, shared by the commands that read one.

A command that reads a source has a parameter `reading: Reading = READ`, in the place of which its
options have these; it gets those that were given, as the options of `wf.read`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

_PANEL = "How the source is read (each is found out where it is left out)"


def _option(meaning: str, metavar: str) -> Any:
    return typer.Option(help=meaning, metavar=metavar, rich_help_panel=_PANEL)


_OPTIONS: dict[str, Any] = {
    "format": Annotated[str | None, _option(
        "csv, json, parquet ...; paragraphs: each paragraph of a text file is a row.", "NAME")],
    "delimiter": Annotated[str | None, _option("Between the cells of a line; or the word tab.",
                                               "TEXT")],
    "encoding": Annotated[str | None, _option("Of the letters, e.g. latin-1.", "NAME")],
    "na_values": Annotated[str | None, _option("Words that mean missing, parted by commas.",
                                               "WORDS")],
    "sheet": Annotated[str | None, _option("Of a workbook.", "NAME")],
    "table": Annotated[str | None, _option("Of a database, or a file in a zip archive.", "NAME")],
    "query": Annotated[str | None, _option("SQL whose answer is the table.", "SQL")],
    "image_limit": Annotated[int | None, _option(
        "Longer side in pixels that pictures are shrunk to; 128.", "N")],
    "image_cache": Annotated[str | None, _option("Folder that keeps decoded pictures.", "FOLDER")],
    "image_folder": Annotated[str | None, _option(
        "Where the pictures lie that a table names.", "FOLDER")],
    "arrays": Annotated[str | None, _option(
        "What a .npy or .npz of three axes holds: pictures or series (n, steps, channels).",
        "KIND")],
}

Reading = dict[str, Any]
READ: Reading = {}


def with_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with the options of reading in the place of its parameter `reading`, if any."""
    signature = inspect.signature(function, eval_str=True)
    if "reading" not in signature.parameters:
        return function
    several = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=of)
               for name, of in _OPTIONS.items()]
    flat = [one for each in signature.parameters.values()
            for one in (several if each.name == "reading" else
                        [each.replace(kind=inspect.Parameter.KEYWORD_ONLY)])]

    @functools.wraps(function)
    def called(**options: Any) -> Any:
        given = {name: options.pop(name) for name in _OPTIONS}
        return function(reading=_read(**given), **options)

    called.__signature__ = signature.replace(parameters=flat)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in flat}
    return called


def _read(**options: Any) -> dict[str, Any]:
    given = {name: value for name, value in options.items() if value is not None}
    if given.get("delimiter") in ("\\t", "tab"):
        given["delimiter"] = "\t"
    if "na_values" in given:
        given["na_values"] = given["na_values"].split(",")
    return given
