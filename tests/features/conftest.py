"""Datasets for the encoder's tests: small made ones, and real ones from the shared folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from wholefit.data.dataset import Dataset
from wholefit.data.schema import infer


@pytest.fixture(scope="session")
def made() -> Callable[..., Dataset]:
    """A Dataset of given columns and roles: made({"a": [1, 2]}, a="numeric")."""

    def make(columns: dict, **roles: str) -> Dataset:
        frame = pl.DataFrame(columns, strict=False)
        return Dataset(frame, infer(frame, target=None, roles=roles))

    return make


@pytest.fixture(scope="session")
def real() -> Callable[..., Dataset]:
    """A real data set by folder name and target."""
    folder = os.environ.get("WHOLEFIT_DATA")
    if not folder:
        pytest.skip("WHOLEFIT_DATA is not set: it names the folder of real data sets")

    def read(name: str, target: str, **roles: str) -> Dataset:
        path = next(p for p in (Path(folder) / name).iterdir() if p.name.startswith("data."))
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
        else:
            frame = pl.read_csv(path, infer_schema_length=None, null_values=["", "NA"])
        return Dataset(frame, infer(frame, target=target, roles=roles))

    return read
