"""From answers to the bytes of a reply: the shape that was asked, in the format accepted."""

from __future__ import annotations

from typing import Any

from wholefit.serving import _json, bodies
from wholefit.serving._model import Answers
from wholefit.serving.problems import Refused

MEDIA = {
    "json": b"application/json", "lines": b"application/x-ndjson",
    "csv": b"text/csv; charset=utf-8",
    "parquet": b"application/vnd.apache.parquet",
    "arrow": b"application/vnd.apache.arrow.stream",
    "feather": b"application/vnd.apache.arrow.file",
}
_KINDS = {
    "application/json": "json", "text/json": "json", "application/problem+json": "json",
    **dict.fromkeys(bodies.LINES, "lines"), **bodies.TABLES,
}
TABLES = frozenset(bodies.TABLES.values())


def accepted(accept: str, own: str) -> str:
    """The format to answer in: what an Accept header likes best, `own` where anything will do.

    Refused (406) where it names none that there is.
    """
    if not accept or accept == "*/*":
        return own
    liked = []
    for at, part in enumerate(accept[:1_000].split(",")):
        media, *parameters = (word.strip().lower() for word in part.split(";"))
        said = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        try:
            liked.append((-float(said), at, media))
        except ValueError:
            liked.append((0.0, at, media))
    for quality, _, media in sorted(liked):
        if quality == 0:
            continue
        if media in ("*/*", "application/*") or (media == "text/*" and own == "csv"):
            return own
        if media in _KINDS:
            return _KINDS[media]
    raise Refused(406, f"answers come as {', '.join(dict.fromkeys(_KINDS))}; got Accept: "
                  f"{accept[:200]!r}.")


def of_answers(
    answers: Answers, shape: str, kind: str, beside: dict[str, Any]
) -> tuple[bytes, bytes]:
    """Body and media type of answers by column; `beside` is told with {"rows": [...]}."""
    if kind in TABLES:
        return of_frame(_framed(answers), kind)
    rows = in_rows(answers)
    if kind == "lines":
        return b"".join(_json.dumps(row) + b"\n" for row in rows), MEDIA["lines"]
    if shape == "object":
        return _json.dumps(rows[0] if len(rows) == 1 else {"rows": rows}), MEDIA["json"]
    if shape == "rows":
        return _json.dumps({**beside, "rows": rows}), MEDIA["json"]
    if shape == "instances":
        return _json.dumps({"predictions": rows, **beside}), MEDIA["json"]
    return _json.dumps(rows), MEDIA["json"]


def in_rows(answers: Answers) -> list[dict[str, Any]]:
    """Columns of answers as one object a row."""
    names = list(answers)
    if names and len(answers[names[0]]) == 1:
        return [{name: values[0] for name, values in answers.items()}]
    return [dict(zip(names, row, strict=True)) for row in zip(*answers.values(), strict=True)]


def of_frame(frame: Any, kind: str) -> tuple[bytes, bytes]:
    """Body and media type of a frame of answers."""
    import io

    if kind == "json":
        return _json.dumps(frame.to_dicts()), MEDIA["json"]
    if kind == "lines":
        return b"".join(_json.dumps(row) + b"\n" for row in frame.to_dicts()), MEDIA["lines"]
    sink = io.BytesIO()
    if kind == "csv":
        _flat(frame).write_csv(sink)
    elif kind == "parquet":
        frame.write_parquet(sink)
    elif kind == "arrow":
        frame.write_ipc_stream(sink)
    else:
        frame.write_ipc(sink)
    return sink.getvalue(), MEDIA[kind]


def _framed(answers: Answers) -> Any:
    """Columns of answers as a frame; what has no type of a table is told as JSON text."""
    import polars as pl

    return pl.DataFrame([_column(name, values) for name, values in answers.items()])


def _column(name: str, values: list[Any]) -> Any:
    import polars as pl

    if any(isinstance(value, (dict, list)) for value in values):
        return pl.Series(name, [None if value is None else _json.dumps(value).decode()
                                for value in values], dtype=pl.String)
    try:
        return pl.Series(name, values)
    except (TypeError, pl.exceptions.PolarsError, OverflowError):
        return pl.Series(name, [None if value is None else str(value) for value in values],
                         dtype=pl.String)


def _flat(frame: Any) -> Any:
    """The frame without nested columns and bytes, which CSV has no way to write: JSON text."""
    import polars as pl

    nested = [name for name, kind in frame.schema.items() if kind.is_nested() or kind == pl.Binary]
    return frame.with_columns([
        pl.Series(name, [None if each is None else _json.dumps(each).decode()
                         for each in frame.get_column(name).to_list()], dtype=pl.String)
        for name in nested])
