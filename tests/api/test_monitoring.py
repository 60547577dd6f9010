"""`wf.monitor` and `wf.log_answers`, on a real table with a real model."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import cli
from wholefit.api.logging_answers import answers_of
from wholefit.api.monitoring import Live
from wholefit.base.errors import ArtifactError, DataError, ParameterError, UnknownNameError
from wholefit.data import bundled

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
START = 1.75e9


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    frame = wf.read(bundled.path("telco_churn")).frame.sample(fraction=1, shuffle=True, seed=3)
    return frame.with_row_index("row").with_columns(
        (START + 60 * pl.col("row")).alias("when"), pl.format("c{}", "row").alias("customer"))


@pytest.fixture(scope="module")
def model(rows: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    learnt = rows[:2_000].drop("row", "when", "customer")
    result = wf.fit(learnt, target="churn", models="logistic", jobs=1, budget="60s")
    return result.save(tmp_path_factory.mktemp("monitor") / "churn.wf")


@pytest.fixture(scope="module")
def live(rows: pl.DataFrame) -> pl.DataFrame:
    """Four windows of 500; in the last, people have stayed half as long, and pay more."""
    part = rows[4_000:6_000]
    late = pl.int_range(2_000) >= 1_500
    return part.with_columns(
        pl.when(late).then(pl.col("tenure") // 2).otherwise(pl.col("tenure")).alias("tenure"),
        pl.when(late).then(pl.col("monthly_charges") * 1.4).otherwise(pl.col("monthly_charges"))
        .alias("monthly_charges"))


@pytest.fixture(scope="module")
def log(model: Path, live: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "answers.db"
    assert wf.log_answers(model, live, path, id="customer", truth="churn", time="when") == 2_000
    return path


def test_the_log_holds_what_the_model_says(model: Path, live: pl.DataFrame, log: Path) -> None:
    kept = wf.open_log(log, create=False).read()
    told = wf.load(model).answers(live)
    assert kept["id"].to_list() == live["customer"].to_list()
    assert kept["truth"].to_list() == live["churn"].to_list()
    assert kept["answer.prediction"].to_list() == told["prediction"].to_list()
    for name in ("p_No", "p_Yes"):
        if name in told.columns:
            assert np.array_equal(kept[f"answer.{name}"], told[name])
    assert "row.churn" not in kept.columns and "row.customer" not in kept.columns
    assert kept["row.tenure"].to_list() == live["tenure"].to_list()
    assert np.allclose(kept["time"].dt.epoch("us") / 1e6, live["when"])


def test_what_moved_is_told_with_and_without_a_reference(
    model: Path, log: Path, rows: pl.DataFrame
) -> None:
    for reference in (None, rows[2_000:4_000].drop("row", "when", "customer")):
        found = wf.monitor(model, log, reference)
        told = {(check.window, check.kind, check.what) for check in found.alarms}
        assert {(3, "input", "tenure"), (3, "input", "monthly_charges")} <= told
        assert not [each for each in told if each[0] < 3]
        assert not found.ok and "alarm" in str(found)
        score = found.series("score")[0]
        direct = wf.load(model).evaluate(
            rows[4_000:4_500].drop("row", "when", "customer"))[score.what]
        assert score.value == pytest.approx(direct.value)


def test_rows_that_are_counted_tell_the_same(
    model: Path, live: pl.DataFrame, log: Path, tmp_path: Path
) -> None:
    wf.log_answers(model, live, tmp_path / "a.db", id="customer", time="when", keep_rows=False)
    raw = (tmp_path / "a.db").read_bytes()
    assert b"tenure" in raw, "columns are counted by name"
    assert b'"tenure":' + str(live["tenure"][0]).encode() not in raw
    light: dict[str, Any] = {"window": "3h", "together": False, "anomalies": False}
    found = wf.monitor(model, tmp_path / "a.db", name="churn", **light)
    told = {(check.kind, check.what) for check in found.alarms}
    assert {("input", "tenure"), ("input", "monthly_charges")} <= told
    kept = {(check.kind, check.what) for check in wf.monitor(model, log, **light).alarms}
    assert {each for each in told if each[0] == "input"} == {
        each for each in kept if each[0] == "input"}


def test_the_page_is_whole_and_safe(model: Path, log: Path, tmp_path: Path) -> None:
    found = wf.monitor(model, log, by=["contract"], protected=["female"])
    path = found.report(tmp_path / "w.html")
    page = path.read_text()
    assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert page.count("<svg") >= 5 and "What moved, and when" in page
    assert "<script src" not in page and "http" not in page.split("</style>")[1]
    with pytest.raises(ArtifactError, match="exists"):
        found.report(path)
    assert "Watching" not in found._repr_html_() and "tenure" in found._repr_html_()


def test_names_on_the_page_are_escaped(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pl.DataFrame({"<b>x</b>": random.normal(size=900), "y": random.normal(size=900)})
    result = wf.fit(frame[:300], target="y", models="ridge", jobs=1)
    moved = frame[300:].with_columns(pl.col("<b>x</b>") + 3 * (pl.int_range(600) >= 300))
    wf.log_answers(result, moved, tmp_path / "a.db", name="<script>alert(1)</script>",
                   time=None, truth="y")
    found = wf.monitor(result, tmp_path / "a.db", window="300 rows")
    assert found.task == "regression" and not found.ok
    page = found.report(tmp_path / "w.html").read_text()
    assert "<script>alert" not in page and "<b>x</b>" not in page


def test_hooks_are_told_each_alarm_once(model: Path, log: Path, tmp_path: Path) -> None:
    kept = tmp_path / "told.jsonl"
    script = tmp_path / "hook.py"
    script.write_text(f"import sys; open({str(kept)!r}, 'ab').write(sys.stdin.buffer.read())")
    words = f"'{sys.executable}' '{script}'"
    options: dict[str, Any] = {"together": False, "anomalies": False}
    assert not wf.monitor(model, log, command=words, **options).ok
    first = json.loads(kept.read_text())
    assert first["model"] == "churn" and first["windows"][0]["alarms"]
    assert not wf.monitor(model, log, command=words, **options).ok
    assert json.loads(kept.read_text()) == first, "it was told once"
    wf.open_log(log).note("told:churn:1", "-inf")
    faulty = wf.monitor(model, log, command=f"'{sys.executable}' -c 'raise SystemExit(9)'",
                        **options)
    assert any("ended with code 9" in note for note in faulty.notes)
    assert wf.open_log(log).noted("told:churn:1") == "-inf", "and will be told again"


def test_live_text_for_a_server(model: Path, log: Path) -> None:
    live = Live(model, str(log), every=60, together=False, anomalies=False)
    end = time.monotonic() + 30
    while not live.text() and time.monotonic() < end:
        time.sleep(0.05)
    assert 'wholefit_drift_distance{model="churn"' in live.text() and not live.fault
    live.close()
    wrong = Live(model, str(log) + ".not", every=60)
    while not wrong.fault and time.monotonic() < end:
        time.sleep(0.05)
    assert "no log" in wrong.fault and wrong.text() == ""
    wrong.close()


def test_what_cannot_be_watched_is_told(model: Path, log: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="version of churn"):
        wf.monitor(model, log, version="7")
    with pytest.raises(UnknownNameError, match="no model in the log"):
        wf.monitor(model, log, name="chrun")
    with pytest.raises(UnknownNameError, match="did you mean 'threshold'"):
        wf.monitor(model, log, treshold=1)
    with pytest.raises(UnknownNameError, match="metric"):
        wf.monitor(model, log, metric="acuracy")
    for words in ({"level": 2}, {"window": "soon"}, {"webhook": "file:///etc/passwd"},
                  {"since": "recently"}):
        with pytest.raises(ParameterError):
            wf.monitor(model, log, **words)
    wf.open_log(tmp_path / "empty.db")
    with pytest.raises(DataError, match="no answers yet"):
        wf.monitor(model, tmp_path / "empty.db")
    with pytest.raises(UnknownNameError, match="column"):
        wf.log_answers(model, {"x": [1]}, tmp_path / "a.db", id="who")


def test_answers_of_a_task_without_a_target() -> None:
    random = np.random.default_rng(1)
    frame = pl.DataFrame({"a": random.normal(size=120), "b": random.normal(size=120)})
    found = wf.fit(frame, task="clustering", jobs=1,
                   budget="20s")
    said, sure = answers_of(found, frame)
    assert sure is None and all(len(column) == 120 for column in said.values()) and said


# ---- the command line -------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *words: Any) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_the_command_ends_in_one_where_it_alarms(
    model: Path, log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "monitor", model, "--log", log, "--no-together", "--no-anomalies",
                       "--out", tmp_path / "w.html", "--prometheus", tmp_path / "w.prom")
    assert code == 1 and "ALARM" in out and "input: " in out and "tenure: median" in out
    assert (tmp_path / "w.html").exists()
    assert "wholefit_monitor_alarms{" in (tmp_path / "w.prom").read_text()
    code, out, _ = run(capsys, "monitor", model, "--log", log, "--no-together", "--no-anomalies",
                       "--json")
    assert code == 1 and json.loads(out)["ok"] is False
    code, out, _ = run(capsys, "monitor", model, "--log", log, "--no-together", "--no-anomalies",
                       "--threshold", "1", "--loss", "10", "--window", "1 day")
    assert code == 0 and "0 alarms" in out


def test_a_log_is_written_and_faults_are_one_sentence(
    model: Path, live: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live[:60].write_csv(tmp_path / "rows.csv")
    code, out, _ = run(capsys, "log", model, tmp_path / "rows.csv", "--to", tmp_path / "a.db",
                       "--id", "customer", "--time", "when", "--truth", "churn")
    assert code == 0 and "60 answers written to a.db" in out
    code, out, _ = run(capsys, "monitor", model, "--log", tmp_path / "a.db")
    assert code == 0 and "no window is full" in out
    for words in (["monitor", model, "--log", tmp_path / "no.db"],
                  ["monitor", model, "--log", model],
                  ["monitor", model, "--log", tmp_path / "a.db", "--by", "contrakt"],
                  ["log", model, tmp_path / "rows.csv", "--to", tmp_path / "a.db", "--id", "no"]):
        code, _, err = run(capsys, *words)
        assert code == 1 and err.startswith("error: ") and "Traceback" not in err


def test_an_encrypted_log_is_read_with_its_key_alone(
    model: Path, live: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("cryptography")
    from wholefit.base.sealing import new_key

    monkeypatch.setenv("OWN_KEY", new_key().decode())
    monkeypatch.setenv("OTHER_KEY", new_key().decode())
    live[:60].write_csv(tmp_path / "rows.csv")
    code, _, _ = run(capsys, "log", model, tmp_path / "rows.csv", "--to", tmp_path / "a.db",
                     "--key", "env:OWN_KEY")
    assert code == 0 and b"month" not in (tmp_path / "a.db").read_bytes().lower()
    assert run(capsys, "monitor", model, "--log", tmp_path / "a.db", "--key", "env:OWN_KEY")[0] == 0
    for key in ([], ["--key", "env:OTHER_KEY"], ["--key", "env:NOT_SET"]):
        code, _, err = run(capsys, "monitor", model, "--log", tmp_path / "a.db", *key)
        assert code == 1 and err.startswith("error: ") and "key" in err
