"""Options that say how a source is read, shared by the commands that read one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

_PANEL = "How the source is read (each is found out where it is left out)"


def _option(meaning: str, metavar: str) -> Any:
    return typer.Option(help=meaning, metavar=metavar, rich_help_panel=_PANEL)


Delimiter = Annotated[str | None, _option("Between the cells of a line; or the word tab.", "TEXT")]
Encoding = Annotated[str | None, _option("Of the letters, e.g. latin-1.", "NAME")]
NaValues = Annotated[str | None, _option("Words that mean missing, parted by commas.", "WORDS")]
Sheet = Annotated[str | None, _option("Of a workbook.", "NAME")]
Table = Annotated[str | None, _option("Of a database, or a file in a zip archive.", "NAME")]
Query = Annotated[str | None, _option("SQL whose answer is the table.", "SQL")]


def reading(
    delimiter: str | None, encoding: str | None, na_values: str | None, sheet: str | None,
    table: str | None, query: str | None,
) -> dict[str, Any]:
    """The options of `wf.read` that were given."""
    given = {
        "delimiter": "\t" if delimiter in ("\\t", "tab") else delimiter, "encoding": encoding,
        "na_values": None if na_values is None else na_values.split(","), "sheet": sheet,
        "table": table, "query": query,
    }
    return {name: value for name, value in given.items() if value is not None}
