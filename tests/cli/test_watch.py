"""`wholefit watch`: alarms as lines of JSON, from CSV and from JSON, and errors in a sentence."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import cli

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def rows(seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame({"a": random.normal(size=300), "b": random.choice(["x", "y"], 300)})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("watch") / "m.wf"
    return wf.fit(rows(0), task="anomaly", models="ecod", alerts="2%").save(path)


def watch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: str, *words: Any
) -> tuple[int, list[str], str]:
    class Fed:
        buffer = io.BytesIO(said.encode())

    monkeypatch.setattr(sys, "stdin", Fed())
    with pytest.raises(SystemExit) as ended:
        cli.main(["watch", *map(str, words)])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out.splitlines(), err


@pytest.mark.parametrize("as_json", [False, True])
def test_alarms_are_those_of_predict(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    asked = rows(1).with_columns(pl.when(pl.int_range(300) == 123).then(99.5).otherwise(
        pl.col("a")).alias("a"))
    said = asked.write_ndjson() if as_json else asked.write_csv()
    code, lines, err = watch(monkeypatch, capsys, said, model, "-", "--batch", 7)
    assert code == 0 and "300 rows" in err
    found = [json.loads(line) for line in lines]
    told = wf.load(model).predict(asked)
    assert [one["row"] for one in found] == told["anomaly"].arg_true().to_list()
    assert any("a is 99.5" in one["why"][0] for one in found if one["row"] == 123)


@pytest.mark.parametrize(("said", "hint"), [
    ("", "is empty"), ("a,c\n1,2\n", "must have column"), ('{"a": \n', "cannot be read"),
    ("a,b\n1,2,3,4\n", "cannot be read"),
    ('{"a": ' + "[" * 200_000 + "\n", "cannot be read"),
    ('{"a": ' + "[" * 900 + "]" * 900 + "}\n", "nested more than 32 deep"),
    ('{"a": ' + "9" * 6000 + "}\n", "cannot be read"),
    ('{"a": ' + "9" * 400 + "}\n", "cannot be read"),
])
def test_what_is_no_table_is_told_in_a_sentence(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: str,
    hint: str,
) -> None:
    code, lines, err = watch(monkeypatch, capsys, said, model)
    assert code == 1 and not lines and hint in err and "Traceback" not in err


def test_a_value_may_run_over_lines(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = 'note,a,b\n' + '"one\ntwo, ""three""\n",99.5,x\n' * 3
    code, lines, err = watch(monkeypatch, capsys, said, model, "-", "--batch", 2)
    assert code == 0 and len(lines) == 3 and "3 rows" in err


@pytest.mark.parametrize("batch", [1, 2, 100])
@pytest.mark.parametrize("bad", ['{"a": \n', 'no row\n'])
def test_a_bad_row_is_left_out_and_the_watch_goes_on(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], batch: int,
    bad: str,
) -> None:
    good, strange = '{"a": 0.1, "b": "x"}\n', '{"a": 99.5, "b": "x"}\n'
    said = good + bad + good + strange
    code, lines, err = watch(monkeypatch, capsys, said, model, "-", "--batch", batch)
    assert code == 0 and [json.loads(line)["row"] for line in lines] == [3]
    assert "row 1 is left out" in err and "3 rows, 1 alarms, 1 rows left out" in err


def test_another_kind_of_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = rows(0).with_columns(y=pl.col("a") > 0)
    other = wf.fit(table, target="y", models="dummy").save(tmp_path / "c.wf")
    code, _, err = watch(monkeypatch, capsys, "a,b\n1,x\n", other)
    assert code == 1 and "--task anomaly" in err
