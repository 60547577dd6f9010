"""A second process that cannot be begun is said in a sentence."""

from __future__ import annotations

import pytest

from wholefit.base.budget import Budget
from wholefit.base.errors import BudgetError
from wholefit.training import apart


def test_no_room_for_temporary_files_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with (pytest.raises(BudgetError, match="second process, which could not be begun"),
          apart.begun(Budget(seconds=10, bytes=10**9))):
        pass
