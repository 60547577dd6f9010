"""worth: prices from words and from a file, tables for people, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Done

Ask = Callable[..., Done]
FAST = ("--target", "churn", "--model", "logistic", "--jobs", "1", "--folds", "2")


@pytest.fixture
def ask(run: Ask, room: Path) -> Ask:
    """A command about the files of the room, in this process."""
    return lambda *argv: run(*(room / word if (room / word).is_file() else word for word in argv))


def test_prices_from_words(ask: Ask) -> None:
    done = ask("worth", "churn.csv", *FAST, "--price", "tenure=2", "--price", "contract=3.5")
    assert done.code == 0, done.err
    assert "tells for its price" in done.out and "against all parts" in done.out
    assert "tenure" in done.out and "buy" in done.out.lower()


def test_prices_from_a_file_as_json(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(
        '[prices]\ncontract = 3\nbill = 4\n[together]\nbill = ["monthly_charges", '
        '"total_charges"]\n')
    done = ask("worth", "churn.csv", *FAST, "--prices", str(tmp_path / "prices.toml"), "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert {part["name"] for part in found["parts"]} == {"contract", "bill"}
    assert found["steps"][0]["price"] == 7 and found["steps"][-1]["price"] == 0


@pytest.mark.parametrize("text", ["[prices", "[price]\na = 1\n", "prices = 3\n",
                                  '[together]\nbill = "monthly_charges"\n'])
def test_a_wrong_file_is_a_sentence(ask: Ask, tmp_path: Path, text: str) -> None:
    (tmp_path / "prices.toml").write_text(text)
    done = ask("worth", "churn.csv", *FAST, "--prices", str(tmp_path / "prices.toml"))
    assert done.code != 0 and "--prices" in done.err and "Traceback" not in done.err


@pytest.mark.parametrize("word", ["tenure", "tenure=dear", "tenur=3", "tenure=-1"])
def test_a_wrong_price_is_a_sentence(ask: Ask, word: str) -> None:
    done = ask("worth", "churn.csv", *FAST, "--price", word)
    assert done.code != 0 and "Traceback" not in done.err
    assert "price" in done.err or "tenure" in done.err
