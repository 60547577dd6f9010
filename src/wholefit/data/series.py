"""Arrays of series: (n, steps, channels), each row a series, as a column for each number.

    wf.fit((X, y), arrays="series", models="series_network")
    wf.fit("windows.npz", arrays="series")

An array of three axes may be grey pictures or series, and its numbers do not say which: series are
asked for by `arrays="series"`. The columns are called "t0_c0", "t0_c1", ... (step and channel), and
their format, "series STEPSxCHANNELS", tells networks where a step begins and later data what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from wholefit.base import steps as steps_
from wholefit.base.errors import DataError, SchemaError, unknown
from wholefit.data import _memory
from wholefit.data.images.folder import LABEL
from wholefit.data.table import Table

KINDS = ("pictures", "series")
MOST = 20_000
"""Numbers of a series: a column each."""


def stated(arrays: str | None) -> str | None:
    """What arrays of three axes were said to be; UnknownNameError for another word."""
    if arrays is not None and arrays not in KINDS:
        raise unknown("kind of arrays", str(arrays), KINDS)
    return arrays


def of_memory(source: Any) -> Table | None:
    """The table of an array, a pair (series, labels) or a dict with one such array; else None."""
    if isinstance(source, np.ndarray) and source.ndim >= 3:
        return _table(source, {}, "memory (numpy)", "numpy")
    if isinstance(source, Mapping):
        return _of_dict(source)
    if is_pair(source):
        return _table(source[0], {LABEL: source[1]}, "memory (numpy)", "numpy", target=LABEL)
    return None


def is_pair(source: Any) -> bool:
    """True for (array of three axes or more, labels)."""
    return isinstance(source, (list, tuple)) and len(source) == 2 and \
        isinstance(source[0], np.ndarray) and source[0].ndim >= 3 and np.ndim(source[1]) == 1


def of_members(name: str, series: np.ndarray, labels: np.ndarray | None) -> Table:
    """The table of what a .npy or .npz file of that name holds."""
    if labels is None:
        return _table(series, {}, name, "file")
    return _table(series, {LABEL: labels}, name, "file", target=LABEL)


def check_alike(table: Table, wanted: tuple[int, int]) -> None:
    """SchemaError where new series have other steps or channels than those learnt from."""
    found = steps_.shape_of(table.formats.values())
    if found is not None and found != wanted:
        raise SchemaError(
            f"series must have {wanted[0]} steps of {wanted[1]} channels, as those learnt from; "
            f"got {found[0]} of {found[1]}: cut or fill them to that length.")


def _of_dict(source: Mapping[Any, Any]) -> Table | None:
    held = [name for name, value in source.items()
            if isinstance(value, np.ndarray) and value.ndim >= 3]
    if not held:
        return None
    if len(held) > 1:
        raise DataError(f"a dict must hold one array of series; got {', '.join(map(repr, held))}: "
                        "join them along the channels.")
    rest = {str(name): value for name, value in source.items() if name != held[0]}
    return _table(source[held[0]], rest, "memory (dict)", "dict")


def _table(series: np.ndarray, rest: Mapping[str, Any], source: str, guest: str,
           target: str | None = None) -> Table:
    """A column a number, then the rest; DataError for what is no series."""
    rows, steps, channels = _checked(series)
    flat = series.reshape(rows, -1).astype(np.float64)
    called = steps_.names(steps, channels)
    frame = pl.from_numpy(flat, schema=called).with_columns(pl.all().fill_nan(None))
    if rest:
        beside = _memory.from_memory(dict(rest), "dict")
        if beside.height != rows:
            raise DataError(f"series and what stands beside them must have as many rows; got "
                            f"{rows:,} and {beside.height:,}.")
        twice = sorted(set(called) & set(beside.columns))
        if twice:
            raise DataError(f"column {twice[0]!r} has the name of a step of the series: rename "
                            "it.")
        frame = frame.hstack(beside)
    form = steps_.format_of(steps, channels)
    return Table(frame, source, guest, formats=dict.fromkeys(called, form),
                 roles=dict.fromkeys(called, "numeric"), target=target)


def _checked(series: np.ndarray) -> tuple[int, int, int]:
    if series.ndim != 3 or not series.size:
        raise DataError("series must be an array (n, steps, channels) with at least one of each; "
                        f"got shape {series.shape}.")
    if series.dtype.kind not in "fiub":
        raise DataError(f"series must be numbers; got {series.dtype}.")
    rows, steps, channels = series.shape
    if steps * channels > MOST:
        raise DataError(f"series may have up to {MOST:,} numbers, a column each; got {steps:,} "
                        f"steps of {channels:,} channels: take fewer steps, or means of them.")
    return rows, steps, channels
