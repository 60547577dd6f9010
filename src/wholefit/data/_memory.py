"""Tables that are in memory already: polars, pandas, pyarrow, numpy, dicts and lists of dicts.

A guest is recognised by the module that its type comes from: neither pandas nor pyarrow is
imported here for anyone who has not imported it. pandas is converted column by column through
numpy, so pyarrow is not needed, and versions 2 and 3 give the same.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError
from wholefit.base.wording import first_line
from wholefit.data._dialect import unique_names


def guest_of(source: Any) -> str | None:
    """Which kind of in-memory table `source` is, or None if it is none."""
    if isinstance(source, (pl.DataFrame, pl.LazyFrame, pl.Series)):
        return "polars"
    module = type(source).__module__.partition(".")[0]
    if module == "pandas":
        return "pandas"
    if module == "pyarrow":
        return "pyarrow"
    if isinstance(source, np.ndarray):
        return "numpy"
    if isinstance(source, Mapping):
        return "dict"
    if isinstance(source, (list, tuple)):
        return "dict"
    return None


def from_memory(source: Any, guest: str) -> pl.DataFrame:
    """`source` as a polars frame; text is left as text."""
    readers = {"polars": _polars, "pandas": _pandas, "pyarrow": _pyarrow, "numpy": _numpy,
               "dict": _dict}
    try:
        return readers[guest](source)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"the {guest} table cannot be read: {first_line(error)}.") from error


def _polars(source: Any) -> pl.DataFrame:
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    return source.to_frame() if isinstance(source, pl.Series) else source.clone()


def _pyarrow(source: Any) -> pl.DataFrame:
    if hasattr(source, "read_all"):
        source = source.read_all()
    found = pl.from_arrow(source)
    return found.to_frame() if isinstance(found, pl.Series) else found


# numpy, dicts, lists --------------------------------------------------------------------------

def _numpy(source: np.ndarray) -> pl.DataFrame:
    if source.dtype.names:
        if source.ndim != 1:
            raise DataError(f"a structured numpy array must be 1-D; got {source.ndim}-D.")
        return pl.DataFrame([_series(n, np.ascontiguousarray(source[n]))
                             for n in source.dtype.names])
    if source.ndim == 1:
        source = source.reshape(-1, 1)
    if source.ndim != 2:
        raise DataError(f"a numpy table must be 2-D (rows, columns); got shape {source.shape}.")
    return pl.DataFrame([_series(f"x{i}", np.ascontiguousarray(source[:, i]))
                         for i in range(source.shape[1])])


def _dict(source: Any) -> pl.DataFrame:
    if isinstance(source, Mapping):
        return _columns(source)
    if len(source) == 0:
        raise DataError("the list is empty: there is no table in it.")
    if all(isinstance(row, Mapping) for row in source):
        names = list(dict.fromkeys(str(key) for row in source for key in row))
        rows = [{str(k): v for k, v in row.items()} for row in source]
        return pl.DataFrame([_series(n, [row.get(n) for row in rows]) for n in names])
    if all(isinstance(row, (list, tuple)) for row in source):
        width = max(map(len, source))
        if min(map(len, source)) != width:
            raise DataError("a list of rows must have rows of one length; "
                            f"got {min(map(len, source))} to {width} values.")
        return pl.DataFrame([_series(f"x{i}", [row[i] for row in source]) for i in range(width)])
    raise DataError("a list must hold dicts (one for each row) or rows of one length; "
                    f"got {type(source[0]).__name__}.")


def _columns(source: Mapping[Any, Any]) -> pl.DataFrame:
    """A dict of columns; single values are repeated, or make one row if there is nothing else."""
    lengths = {str(k): len(v) for k, v in source.items() if _is_column(v)}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{k!r} {n}" for k, n in list(lengths.items())[:5])
        raise DataError(f"the columns of a dict must have one length; got {shown}.")
    rows = next(iter(lengths.values()), 1)
    return pl.DataFrame([_series(str(k), v if _is_column(v) else [v] * rows)
                         for k, v in source.items()])


def _is_column(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes, Mapping))


def _series(name: str, values: Any) -> pl.Series:
    """One column from a numpy array or a sequence of Python values."""
    if isinstance(values, pl.Series):
        return values.alias(name)
    if type(values).__module__.partition(".")[0] == "pandas":
        return _pandas_column(name, values)
    if isinstance(values, np.ndarray) and values.dtype != object:
        return _array(name, values)
    return objects(name, list(values))


def _array(name: str, values: np.ndarray) -> pl.Series:
    if np.ma.isMaskedArray(values):
        return objects(name, values.tolist())
    kind = values.dtype.kind
    if kind in "SV":
        return pl.Series(name, [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v)
                                for v in values.tolist()], dtype=pl.String)
    if kind == "U":
        return pl.Series(name, values.tolist(), dtype=pl.String)
    if kind in "mM":
        return _times(name, values)
    if kind == "c":
        raise DataError(f"column {name!r} holds complex numbers: give real and imaginary parts "
                        "as two columns.")
    if values.dtype == np.float16 or values.dtype.itemsize > 8:
        values = values.astype(np.float64)
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    return pl.Series(name, np.ascontiguousarray(values))


def _times(name: str, values: np.ndarray, zone: str | None = None) -> pl.Series:
    """datetime64 or timedelta64 of any unit, NaT missing."""
    missing = np.isnat(values)
    unit = "datetime64[us]" if values.dtype.kind == "M" else "timedelta64[us]"
    whole = values.astype(unit).astype(np.int64)
    series = pl.Series(name, np.where(missing, 0, whole))
    kind: Any = pl.Datetime("us") if values.dtype.kind == "M" else pl.Duration("us")
    series = series.cast(kind)
    if zone is not None:
        series = series.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    return _masked(series, missing)


def _masked(series: pl.Series, missing: np.ndarray) -> pl.Series:
    if not missing.any():
        return series
    frame = pl.DataFrame({"v": series, "m": pl.Series(missing)})
    return frame.select(
        pl.when(pl.col("m")).then(None).otherwise(pl.col("v")).alias(series.name)).to_series()


_WIDEST = 2**63
_FEW = 256
"""Rows up to which a column of text is taken sooner as a list than through Arrow."""
_LISTS = (list, tuple, set, frozenset, np.ndarray)


def objects(name: str, values: Sequence[Any]) -> pl.Series:
    """Python values: one type if they share one, else text; None, NaN and NaT are missing."""
    if (plain := _plain(name, values)) is not None:
        return plain
    cells = [None if _is_missing(v) else _native(v) for v in values]
    kinds = {type(v) for v in cells if v is not None}
    if kinds <= {int, float} and kinds and any(type(v) is int and abs(v) >= 2**63 for v in cells):
        return pl.Series(name, [None if v is None else str(v) for v in cells], dtype=pl.String)
    if kinds == {int, float}:
        return pl.Series(name, [None if v is None else float(v) for v in cells], dtype=pl.Float64)
    if kinds and kinds <= set(_LISTS):
        cells, kinds = [None if v is None else _listed(v) for v in cells], {list}
    if len(kinds) > 1:
        return pl.Series(name, [_text(v) for v in cells], dtype=pl.String)
    try:
        return pl.Series(name, cells, strict=False)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
        return pl.Series(name, [_text(v) for v in cells], dtype=pl.String)


def _plain(name: str, values: Sequence[Any]) -> pl.Series | None:
    """The column of values that are all text, or all of one kind of number, but for missing ones.

    What most columns are: told by the set of their types, without a look at each cell in Python.
    None where that does not tell; then each cell is looked at.
    """
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {str, float}:  # as pandas has text: NaN where there is none
        values = [None if type(v) is float and v != v else v for v in values]
        kinds = set(map(type, values)) - {type(None)}
    try:
        if kinds == {str}:
            return pl.Series(name, values, dtype=pl.String)
        if kinds == {float}:
            found = pl.Series(name, values, dtype=pl.Float64).fill_nan(None)
            return found if found.null_count() < len(found) else None
        if kinds == {int} and all(v is None or -_WIDEST < v < _WIDEST for v in values):
            return pl.Series(name, values, dtype=pl.Int64)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
        pass  # letters that no encoding has, for one: what follows says so
    return None


def _listed(value: Any) -> list[Any]:
    """What is in a cell that holds several, of one type; a set in order, to be the same again."""
    held = sorted(value, key=str) if isinstance(value, (set, frozenset)) else list(value)
    plain = [None if _is_missing(each) else _native(each) for each in held]
    return plain if len({type(each) for each in plain} - {type(None)}) < 2 else [
        _text(each) for each in plain]


def _native(value: Any) -> Any:
    """A numpy or pandas scalar as the Python value it stands for."""
    if isinstance(value, np.str_):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    as_datetime = getattr(value, "to_pydatetime", None) or getattr(value, "to_pytimedelta", None)
    return as_datetime() if as_datetime is not None else value


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _is_missing(value: Any) -> bool:
    if value is None or (isinstance(value, float) and value != value):
        return True
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (np.floating, np.datetime64, np.timedelta64)) and bool(value != value)


# pandas ---------------------------------------------------------------------------------------

def _pandas(source: Any) -> pl.DataFrame:
    if type(source).__name__ == "Series":
        source = source.to_frame(name=source.name if source.name is not None else "x0")
    if not hasattr(source, "columns"):
        raise DataError(f"a pandas {type(source).__name__} is not a table; give a DataFrame.")
    names = [_pandas_name(c) for c in source.columns]
    columns = [_pandas_column(str(at), column) for at, (_, column) in enumerate(source.items())]
    frame = pl.DataFrame(columns)
    frame.columns = list(unique_names(names))
    return frame


def _pandas_name(name: Any) -> str:
    return ".".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _pandas_column(name: str, column: Any) -> pl.Series:
    """One pandas Series, by the kind of its dtype; nothing here needs pyarrow."""
    kind = column.dtype
    word = str(kind).lower()
    if isinstance(kind, np.dtype):
        values = column.to_numpy()
        return objects(name, values.tolist()) if kind.kind == "O" else _array(name, values)
    if getattr(kind, "storage", "") == "pyarrow" and len(column) > _FEW:
        found = pl.from_arrow(column.array.__arrow_array__())  # lies as polars wants it
        if isinstance(found, pl.Series) and found.dtype == pl.String \
                and found.null_count() < len(found):
            return found.alias(name)
    if word.startswith("str"):
        return objects(name, column.tolist())
    if word == "category":
        return _pandas_category(name, column)
    if word.startswith("datetime64"):
        zone = str(kind.tz)
        plain = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return _times(name, plain, zone if "/" in zone or zone == "UTC" else "UTC")
    missing = np.asarray(column.isna(), dtype=bool)
    if word.startswith(("int", "uint", "float", "double")) and "interval" not in word:
        whole = word.startswith(("int", "uint"))
        filled = column.fillna(0).to_numpy(dtype="int64" if whole else "float64")
        return _masked(pl.Series(name, filled), missing)
    if word.startswith("bool"):
        return _masked(pl.Series(name, column.fillna(False).to_numpy(dtype=bool)), missing)
    return objects(name, column.astype(object).tolist())


def _pandas_category(name: str, column: Any) -> pl.Series:
    """Codes into levels, without touching each cell in Python."""
    levels = objects(name, list(column.cat.categories))
    codes = np.asarray(column.cat.codes)
    if levels.len() == 0:
        return pl.Series(name, [None] * len(codes), dtype=pl.String)
    picked = levels.gather(pl.Series(np.maximum(codes, 0).astype(np.int64)))
    return _masked(picked, codes < 0)


# The way back ---------------------------------------------------------------------------------

def to_guest(frame: pl.DataFrame, guest: str) -> Any:
    """`frame` in the guest's own type; see `wholefit.data.write.give_back`."""
    if guest == "pandas":
        return _to_pandas(frame)
    if guest == "pyarrow":
        return frame.to_arrow() if "pyarrow" in sys.modules else frame
    if guest == "numpy":
        return frame.to_numpy()
    if guest == "dict":
        return frame.to_dict(as_series=False)
    return frame


def _to_pandas(frame: pl.DataFrame) -> Any:
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return frame
    columns = {name: _to_pandas_column(pandas, frame[name]) for name in frame.columns}
    return pandas.DataFrame(columns, columns=frame.columns)


def _to_pandas_column(pandas: Any, column: pl.Series) -> Any:
    kind = column.dtype
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        plain = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy()
        stamped = pandas.Series(plain).dt.tz_localize("UTC")
        return stamped.dt.tz_convert(kind.time_zone)
    if kind == pl.Date:
        return pandas.Series(column.cast(pl.Datetime("us")).to_numpy())
    if isinstance(kind, (pl.Datetime, pl.Duration)):
        return pandas.Series(column.to_numpy())
    if kind.is_numeric() and not kind.is_decimal():
        return pandas.Series(column.to_numpy(writable=True))
    if kind == pl.Boolean and column.null_count() == 0:
        return pandas.Series(column.to_numpy(writable=True))
    cells = np.empty(column.len(), dtype=object)
    cells[:] = column.to_list()
    if kind in (pl.String, pl.Categorical, pl.Enum):
        return pandas.Series(cells, dtype="object" if pandas.__version__ < "3" else "str")
    return pandas.Series(cells, dtype=object)
