"""Any source to a Dataset: read, schema, profile, conform, split."""

from __future__ import annotations

from wholefit.data import bundled
from wholefit.data.conform import conform
from wholefit.data.dataset import Dataset
from wholefit.data.loading import conforming, dataset_of, load
from wholefit.data.notes import Note
from wholefit.data.profile import Profile, profile
from wholefit.data.read import read
from wholefit.data.schema import (
    ROLES,
    Column,
    Policies,
    Schema,
    infer,
    load_roles,
    target_facts,
)
from wholefit.data.table import Table
from wholefit.data.write import give_back, write, write_frames

__all__ = ["ROLES", "Column", "Dataset", "Note", "Policies", "Profile", "Schema", "Table",
           "bundled", "conform", "conforming", "dataset_of", "give_back", "infer", "load",
           "load_roles", "profile", "read", "target_facts", "write", "write_frames"]
