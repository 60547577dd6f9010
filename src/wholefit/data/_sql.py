"""Tables in databases: SQLite files through the standard library, the rest through SQLAlchemy."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from wholefit.base.errors import DataError, WholefitError, unknown
from wholefit.base.optional import need
from wholefit.data import _memory
from wholefit.data._dialect import unique_names

_CHUNK = 50_000


def read_sqlite(path: Path, name: str, table: str | None, query: str | None) -> pl.DataFrame:
    """A table or a query of a SQLite file, which is opened read-only."""
    _one_of(table, query)
    address = f"file:{quote(str(path.resolve()))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as link:
            link.execute("PRAGMA query_only = ON")
            link.text_factory = lambda raw: raw.decode("utf-8", "replace")
            if query is None:
                query = f'SELECT * FROM {_quoted(_table(_tables(link), table, name))}'
            cursor = link.execute(query)
            if cursor.description is None:
                raise DataError(f"{name}: the query gives no table: it must be a SELECT.")
            return _frame([d[0] for d in cursor.description], cursor)
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise DataError(f"{name} cannot be read as SQLite: {error}.") from error


def read_url(url: str, table: str | None, query: str | None) -> tuple[pl.DataFrame, str]:
    """A table or a query of a database by its SQLAlchemy URL, and a name without credentials."""
    _one_of(table, query)
    sql = need("sqlalchemy", extra="sql", user="reading databases")
    try:
        address = sql.make_url(url)
    except Exception as error:
        raise DataError("the database URL cannot be understood: it must look like "
                        "dialect://user:password@host/database.") from error
    name = _safe_name(address)
    try:
        engine = sql.create_engine(address)
    except ImportError as error:
        raise DataError(
            f"{name} needs the driver {error.name!r}, which is not installed.") from error
    except Exception as error:
        raise DataError(f"{name} cannot be opened: {type(error).__name__}.") from error
    try:
        with engine.connect() as link:
            if query is None:
                names = sql.inspect(link).get_table_names() + sql.inspect(link).get_view_names()
                chosen = _table(names, table, name)
                query = f"SELECT * FROM {link.dialect.identifier_preparer.quote(chosen)}"
            result = link.execute(sql.text(query))
            if not result.returns_rows:
                raise DataError(f"{name}: the query gives no table: it must be a SELECT.")
            return _frame(list(result.keys()), result), name
    except WholefitError:
        raise
    except Exception as error:  # every driver has its own family of errors
        first = _without_secrets(str(getattr(error, "orig", error)), address)
        raise DataError(f"{name} cannot be read: {first}") from None
    finally:
        engine.dispose()


def _safe_name(address: Any) -> str:
    """"postgresql: database", never user, password or host."""
    kind = address.get_backend_name()
    base = Path(address.database or "").name or "memory"
    return f"{kind}: {base}"


def _without_secrets(message: str, address: Any) -> str:
    first = message.strip().splitlines()[0] if message.strip() else "no reason given"
    for secret in (address.password, address.username):
        if secret:
            first = first.replace(str(secret), "***")
    return re.sub(r"//[^/@\s]+@", "//***@", first)


def _one_of(table: str | None, query: str | None) -> None:
    if table is not None and query is not None:
        raise DataError("table= and query= exclude each other: give one of them.")


def _tables(link: sqlite3.Connection) -> list[str]:
    found = link.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
                         "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name")
    return [row[0] for row in found]


def _table(names: list[str], table: str | None, name: str) -> str:
    if table is not None:
        if table not in names:
            raise unknown(f"table in {name}", table, names)
        return table
    if not names:
        raise DataError(f"{name} has no tables.")
    if len(names) > 1:
        shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        raise DataError(f"{name} has {len(names)} tables ({shown}): name one with table=.")
    return names[0]


def _quoted(table: str) -> str:
    return '"' + table.replace('"', '""') + '"'


def _frame(names: list[str], rows: Any) -> pl.DataFrame:
    """Rows in pieces, so that Python objects never pile up; piece types may differ."""
    pieces: list[list[pl.Series]] = []
    while chunk := rows.fetchmany(_CHUNK):
        pieces.append([_memory.objects(str(i), [row[i] for row in chunk])
                       for i in range(len(names))])
    if not pieces:
        return pl.DataFrame({str(i): [] for i in range(len(names))}, schema_overrides={
            str(i): pl.String for i in range(len(names))})
    columns = [_joined([piece[i] for piece in pieces]) for i in range(len(names))]
    frame = pl.DataFrame(columns)
    frame.columns = list(unique_names(names))
    return frame


def _joined(parts: list[pl.Series]) -> pl.Series:
    kinds = {p.dtype for p in parts if p.dtype != pl.Null}
    if len(kinds) > 1:
        wider: Any = pl.Float64 if all(k.is_numeric() for k in kinds) else pl.String
        parts = [p.cast(wider) for p in parts]
    elif kinds:
        kind = kinds.pop()
        parts = [p.cast(kind) if p.dtype == pl.Null else p for p in parts]
    return pl.concat(parts)
