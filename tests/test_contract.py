"""Every catalog entry through every check of each of its tasks; debts are data with reasons."""

from __future__ import annotations

import tomllib
import warnings
from pathlib import Path

import pytest

from wholefit import checks, models
from wholefit.base.optional import available

# Promises do not hang on how many weights a network has: these run the checks small, to be quick.
SMALL = {
    "mlp": {"width": 32, "epochs": 20, "learning_rate": 5e-3},
    "real_mlp": {"width": 32, "layers": 1, "epochs": 10},
    "tabm": {"width": 32, "members": 2, "epochs": 10, "learning_rate": 0.01},
    "cell_mlp": {"width": 32, "repeat": 1, "epochs": 20, "learning_rate": 5e-3},
    "series_network": {"hidden": 8, "layers": 2, "epochs": 15, "learning_rate": 0.01},
}
DEBTS = tomllib.loads((Path(__file__).parent / "debts.toml").read_text())["contract"]


def all_checks() -> list[checks.Check]:
    # What needs something of the user's (a pretrained base) has tests of its own.
    return [check for name in models.names() if not models.get(name).must
            for check in checks.of(models.get(name)(**SMALL.get(name, {})))]


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.name)
def test_contract(check: checks.Check, request: pytest.FixtureRequest) -> None:
    if check.model.requires and not available(check.model.requires):
        pytest.skip(f"{check.model.requires} is not installed (extra {check.model.extra})")
    if check.name in DEBTS:
        request.applymarker(pytest.mark.xfail(reason=DEBTS[check.name], strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check()


def test_debts_name_real_checks() -> None:
    known = {check.name for check in all_checks()}
    assert set(DEBTS) <= known, f"debts of checks that do not exist: {set(DEBTS) - known}"
