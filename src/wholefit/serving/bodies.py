"""From the bytes of a request to rows, or a table, and what is wanted of them.

JSON is one object (a row), a list of rows, `{"rows": [...]}` with what is wanted beside them,
`{"instances": [...]}` (the words of KServe, Vertex AI and TensorFlow Serving), or
`{"columns": {name: [...]}}`. CSV, Parquet and Arrow are tables. A form, a plain text and a picture
are one row each, for models whose columns they fit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wholefit.base.errors import unknown
from wholefit.serving import _json
from wholefit.serving._model import Input, Row, Wants
from wholefit.serving.problems import Refused

TABLES = {
    "text/csv": "csv", "application/csv": "csv",
    "application/vnd.apache.parquet": "parquet", "application/parquet": "parquet",
    "application/x-parquet": "parquet",
    "application/vnd.apache.arrow.stream": "arrow", "application/vnd.apache.arrow.file": "feather",
}
LINES = ("application/x-ndjson", "application/jsonl", "application/x-jsonlines",
         "application/jsonlines")
_JSON = ("", "application/json", "text/json")
_WANTS = ("proba", "level", "explain", "least")
_SWITCHES = {"1": True, "true": True, "yes": True, "on": True, "": True,
             "0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True)
class Asked:
    """What a body asks: `rows`, or a table still packed (`table`, its format), and the wants.

    `shape` is the shape that the answer keeps: "object", "list", "rows", "instances", "lines",
    or "table".
    """

    rows: list[Row]
    shape: str
    wants: Wants
    table: str | None = None


def read(body: bytes, media: str, header: str, wants: Wants, inputs: Sequence[Input],
         rowwise: bool, most: int) -> Asked:
    """What a body of that media type asks.

    `header` is the whole Content-Type, `rowwise` whether the verb answers rows one by one, `most`
    the rows allowed. Refused (400, 413, 415) says what is wrong with it.
    """
    if media in _JSON or media.endswith("+json"):
        asked = _of_json(body, wants, inputs, rowwise)
    elif media in TABLES:
        return Asked([], "table", wants, TABLES[media])
    elif media in LINES:
        asked = Asked(_lines(body), "lines", wants)
    else:
        asked = Asked(_of_form(body, media, header, inputs), "rows", wants)
        asked = replace(asked, shape="object" if len(asked.rows) == 1 else "rows")
    check_rows(len(asked.rows), most)
    return asked


def check_rows(rows: int, most: int) -> None:
    """Refused (413) where there are too many."""
    if rows > most:
        raise Refused(413, f"a request must hold at most {most:,} rows; got {rows:,}: send them in "
                      "parts.", rows_allowed=most)


def wants_of(wants: Wants, query: Mapping[str, str]) -> Wants:
    """What the words after ? want; other words than those of every verb are options of this one."""
    said: dict[str, Any] = {name: _literal(value) for name, value in query.items()}
    for name in ("proba", "explain"):
        if name in query and query[name].lower() in _SWITCHES:
            said[name] = _SWITCHES[query[name].lower()]
    return _wanting(wants, said)


def _wanting(wants: Wants, said: Mapping[str, Any]) -> Wants:
    """Wants with these members changed, checked."""
    changes = {name: said[name] for name in _WANTS if name in said}
    for name, value in changes.items():
        switch = name in ("proba", "explain")
        good = isinstance(value, bool) if switch else (
            isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1)
        if not good and not (value is None and not switch):
            rule = "true or false" if switch else "a number between 0 and 1"
            raise Refused(400, f"{name} must be {rule}; got {value!r}."[:300])
    others = {name: value for name, value in said.items() if name not in _WANTS}
    return replace(wants, **changes, options={**wants.options, **others} if others
                   else wants.options)


def _literal(value: str) -> Any:
    for kind in (int, float):
        try:
            return kind(value) if len(value) < 40 else value
        except ValueError:
            continue
    return value


# ---- JSON -------------------------------------------------------------------------------

def _of_json(body: bytes, wants: Wants, inputs: Sequence[Input], rowwise: bool) -> Asked:
    value = _loaded(body)
    if not rowwise:
        return _of_options(value, wants)
    if type(value) is list:
        return Asked(_rows(value), "list", wants)
    if type(value) is not dict:
        raise Refused(400, "the body must be an object (a row by column names), a list of them, or "
                      f"{{\"rows\": [...]}}; got {type(value).__name__}.")
    for word in ("rows", "instances"):
        if type(value.get(word)) is list and not _is_column(word, inputs):
            return _envelope(value, word, wants)
    if type(value.get("columns")) is dict and not _is_column("columns", inputs):
        rest = {name: each for name, each in value.items() if name != "columns"}
        return Asked(_turned(value["columns"]), "rows", _beside(wants, rest))
    return Asked([value], "object", wants)


def _envelope(value: dict[str, Any], word: str, wants: Wants) -> Asked:
    if len(value) == 1:
        return Asked(_rows(value[word]), word, wants)
    said = {name: each for name, each in value.items() if name != word}
    # KServe and Vertex AI put what is wanted there.
    parameters = said.pop("parameters", None)
    if isinstance(parameters, dict):
        said.update(parameters)
    said.pop("signature_name", None)
    return Asked(_rows(value[word]), word, _beside(wants, said))


def _beside(wants: Wants, said: Mapping[str, Any]) -> Wants:
    for name in said:
        if name not in _WANTS:
            raise Refused(400, str(unknown("member beside the rows", name, _WANTS)))
    return _wanting(wants, said)


def _of_options(value: Any, wants: Wants) -> Asked:
    """A verb that does not answer row by row: the body's members are its options."""
    if type(value) is list:
        if value and all(type(row) is dict for row in value):
            return Asked(value, "rows", wants)
        return Asked([], "rows", replace(wants, options={**wants.options, "list": value}))
    if type(value) is not dict:
        raise Refused(400, f"the body must be an object or a list; got {type(value).__name__}.")
    said = dict(value)
    rows = said.pop("rows", None)
    if rows is not None and type(rows) is not list:
        raise Refused(400, f"rows must be a list of objects; got {type(rows).__name__}.")
    return Asked(_rows(rows or []), "rows", _wanting(wants, said) if said else wants)


def _loaded(body: bytes) -> Any:
    if not body:
        raise Refused(400, "the body is empty: it must be JSON, CSV, Parquet or Arrow, as its "
                      "Content-Type says.")
    try:
        return _json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is no JSON: {str(error)[:200]}.") from None


def _rows(value: list[Any]) -> list[Row]:
    for at, row in enumerate(value, 1):
        if type(row) is not dict:
            raise Refused(400, "each row must be an object of column names and values; got "
                          f"{type(row).__name__} (row {at:,}).", rows=[at])
    return value


def _turned(columns: dict[str, Any]) -> list[Row]:
    """Columns as rows; they must be lists of one length."""
    lengths = {len(each) if type(each) is list else -1 for each in columns.values()}
    if len(lengths) != 1 or -1 in lengths:
        raise Refused(400, "columns must be an object of lists of one length: "
                      "{\"columns\": {\"age\": [31, 40], \"town\": [\"Ely\", \"Wells\"]}}.")
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _is_column(word: str, inputs: Sequence[Input]) -> bool:
    return any(each.name == word for each in inputs)


def _lines(body: bytes) -> list[Row]:
    found = []
    for at, line in enumerate(body.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(_json.loads(line))
        except (ValueError, RecursionError) as error:
            raise Refused(400, f"line {at:,} of the body is no JSON: {str(error)[:200]}.",
                          rows=[at]) from None
    return _rows(found)


def check_depth(rows: Collection[Row]) -> None:
    """Refused (400) where values lie too deep in each other."""
    if any(_json.deeper(row) for row in rows):
        raise Refused(400, f"values must be nested at most {_json.DEEPEST} deep.")


# ---- one row in other clothes ------------------------------------------------------------

def _of_form(body: bytes, media: str, header: str, inputs: Sequence[Input]) -> list[Row]:
    if media == "multipart/form-data":
        from wholefit.serving.forms import multipart

        return multipart(body, header)
    if media == "application/x-www-form-urlencoded":
        from wholefit.serving.forms import urlencoded

        return urlencoded(body)
    if media.startswith("image/") or media == "application/octet-stream":
        return [{_only("image", inputs, media): body}]
    if media == "text/plain":
        name = _only("text", inputs, media)
        try:
            return [{name: body.decode("utf-8")}]
        except UnicodeDecodeError as error:
            raise Refused(400, f"the text must be UTF-8: {error}.") from None
    known = ", ".join(["application/json", "application/x-ndjson", *list(TABLES)[::2],
                       "multipart/form-data"])
    raise Refused(415, f"the body's type must be one of {known}; got {media[:80]!r}.",
                  headers=[(b"accept-post", known.encode())])


def _only(role: str, inputs: Sequence[Input], media: str) -> str:
    """The one column of that role, where a bare body can only be its value."""
    learnt = [each for each in inputs if each.role != "identifier"]
    if len(learnt) != 1 or learnt[0].role != role:
        raise Refused(415, f"a body of type {media!r} is for models of one {role} column; this one "
                      f"has {len(learnt):,} columns: send JSON or a form.")
    return learnt[0].name


# ---- tables -------------------------------------------------------------------------------

def table(body: bytes, kind: str, most: int) -> Any:
    """The frame that a packed table holds; Refused (400, 413) where it is none, or too long.

    Takes long enough to belong on a worker thread.
    """
    import polars as pl

    from wholefit.base.errors import DataError

    if not body:
        raise Refused(400, f"the body is empty: it must be {kind}.")
    try:
        frame = _READERS[kind](body, most + 1)
    except Refused:
        raise
    except DataError as error:
        raise Refused(400, str(error)) from None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError,
            TypeError, OverflowError, MemoryError) as error:
        first = (str(error).strip().splitlines() or ["no more is known"])[0][:200]
        raise Refused(400, f"the body is no readable {kind} ({first}).") from None
    check_rows(frame.height, most)
    return frame


def _csv(body: bytes, rows: int) -> Any:
    import io

    from wholefit import data

    return data.read(io.BytesIO(body), format="csv").frame


def _parquet(body: bytes, rows: int) -> Any:
    import io

    import polars as pl

    return pl.read_parquet(io.BytesIO(body), n_rows=rows, use_statistics=False)


def _arrow(body: bytes, rows: int) -> Any:
    import io

    import polars as pl

    return pl.read_ipc_stream(io.BytesIO(body), n_rows=rows)


def _feather(body: bytes, rows: int) -> Any:
    import io

    import polars as pl

    return pl.read_ipc(io.BytesIO(body), n_rows=rows)


_READERS: dict[str, Callable[[bytes, int], Any]] = {
    "csv": _csv, "parquet": _parquet, "arrow": _arrow, "feather": _feather}
