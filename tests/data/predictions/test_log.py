"""The log of answers: what is written is read, once, whole, and by nobody without the key."""

from __future__ import annotations

import math
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base.errors import DataError, ParameterError, WholefitError
from wholefit.data.predictions import Counted, Record, moment, open_log
from wholefit.data.predictions import record as records
from wholefit.data.predictions.record import Cells
from wholefit.data.schema import infer
from wholefit.data.validate.sketch import sketch_of


def record(at: int, **changes: object) -> Record:
    base = {"id": f"r{at}", "time": 1000.0 + at, "model": "m", "version": "1",
            "row": {"age": at, "town": "Ely"}, "answer": {"prediction": "yes", "p_yes": 0.7},
            "confidence": 0.7, "seconds": 0.01}
    return Record(**{**base, **changes})  # type: ignore[arg-type]


@pytest.fixture(params=["", "sqlite:///", "sqlite+pysqlite:///"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if "pysqlite" in request.param:
        pytest.importorskip("sqlalchemy")
    return f"{request.param}{tmp_path / 'answers.db'}"


def test_what_is_written_is_read(url: str) -> None:
    log = open_log(url, keep_rows=True)
    assert log.write([record(2), record(0), record(1, shadow=True, confidence=None)]) == 3
    assert log.feedback("r0", "no", at=2000) is True
    assert log.feedback("nobody", "no") is False
    found = log.read()
    assert found["id"].to_list() == ["r0", "r1", "r2"]
    assert found["row.age"].to_list() == [0, 1, 2]
    assert found["answer.p_yes"].to_list() == [0.7] * 3
    assert found["truth"].to_list() == ["no", None, None]
    assert found["confidence"].to_list() == [0.7, None, 0.7]
    assert found["shadow"].to_list() == [False, True, False]
    assert found["time"].dt.epoch("s").to_list() == [1000, 1001, 1002]
    assert found["told"].dt.epoch("s").to_list() == [2000, None, None]
    assert log.read(shadow=False)["id"].to_list() == ["r0", "r2"]
    assert log.read(since=1001, until=1002)["id"].to_list() == ["r1"]
    assert log.read(most=1)["id"].to_list() == ["r2"]
    assert "row.age" not in log.read(rows=False).columns
    assert log.read(model="other").height == 0
    assert log.versions() == [("m", "1", 3, 1000.0, 1002.0)]
    log.close()


def test_one_id_is_one_answer_and_a_later_truth_replaces(url: str) -> None:
    log = open_log(url, keep_rows=True)
    log.write([record(0), record(0, answer={"prediction": "no"})])
    log.write([record(0, version="2")])
    log.feedbacks([("r0", 1), ("r0", 2)])
    log.feedback("r0", 3)
    found = log.read()
    assert found["version"].to_list() == ["1", "2"]
    assert found["answer.prediction"].to_list() == ["no", "yes"]
    assert found["truth"].to_list() == [3, 3]
    log.close()


def test_truths_may_come_before_the_answer(tmp_path: Path) -> None:
    log = open_log(tmp_path / "a.db")
    assert not log.feedback("r0", True)
    log.write([record(0)])
    assert log.read()["truth"].to_list() == [True]


def test_rows_are_kept_only_when_asked(tmp_path: Path) -> None:
    log = open_log(tmp_path / "a.db")
    log.write([record(0, row={"name": "Ada Lovelace"})])
    log.close()
    assert not any(name.startswith("row.") for name in open_log(tmp_path / "a.db").read().columns)
    assert b"Lovelace" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_new_log_is_for_its_owner_alone(tmp_path: Path) -> None:
    open_log(tmp_path / "a.db")
    if os.name == "posix":
        assert (tmp_path / "a.db").stat().st_mode & 0o077 == 0


def test_rows_that_are_not_kept_are_counted_as_they_would_be(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pl.DataFrame({
        "x": random.normal(size=900), "town": random.choice(["Ely", "Wells", "Bath"], 900),
        "note": ["a" * int(n) for n in random.integers(1, 60, 900)],
        "y": random.integers(0, 2, 900)})
    schema = infer(frame, target="y", roles={"note": "text"})
    sketch = sketch_of(frame, schema)
    logs = [open_log(tmp_path / "a.db") for _ in range(2)]  # two processes' worth of writers
    rows = frame.drop("y").with_columns(
        pl.when(pl.int_range(900) % 10 == 0).then(None).otherwise(pl.col("x")).alias("x"),
        pl.when(pl.int_range(900) % 7 == 0).then(pl.lit("new")).otherwise(pl.col("town"))
        .alias("town")).to_dicts()
    for log in logs:
        log.watch("m", "1", sketch)
    for at in range(0, 900, 90):
        logs[at // 90 % 2].write([record(at + k, row=row, time=float((at + k) * 10))
                                  for k, row in enumerate(rows[at:at + 90])])
    found = logs[0].counted("m")
    assert found is not None
    hours = [hour for hour, _ in found[1]]
    assert hours == sorted(set(hours)) == list(range(3))
    total = found[1][0][1]
    for _, more in found[1][1:]:
        total = total + more
    assert total.rows == 900
    assert total.missing == {"x": 90, "town": 0, "note": 0, "y": 900}
    kept = [row["x"] for row in rows if row["x"] is not None]
    edges = sketch.column("x").edges  # type: ignore[union-attr]
    brute = [sum(lo < x <= hi for x in kept) for lo, hi in
             zip([-math.inf, *edges], [*edges, math.inf], strict=True)]
    assert list(total.bins["x"]) == brute
    levels = sketch.column("town").levels  # type: ignore[union-attr]
    towns = [row["town"] for row in rows]
    assert list(total.bins["town"]) == [*(towns.count(level) for level in levels),
                                        towns.count("new")]


def test_sealed_cells_are_read_with_the_key_alone(tmp_path: Path) -> None:
    def turn(raw: bytes) -> bytes:
        return bytes(255 - byte for byte in raw)

    log = open_log(tmp_path / "a.db", keep_rows=True, seal=turn, unseal=turn)
    log.write([record(0, row={"name": "Ada"})])
    log.feedback("r0", "secret truth")
    assert log.read()["row.name"].to_list() == ["Ada"]
    log.close()
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Ada" not in raw and b"secret truth" not in raw and b"yes" not in raw
    with pytest.raises(DataError, match="encrypted"):
        open_log(tmp_path / "a.db").read()
    with pytest.raises(DataError, match=r"decrypt|JSON"):
        open_log(tmp_path / "a.db", unseal=lambda raw: raw[::-1]).read()


def test_rolled_answers_are_read_once_wherever_they_are(tmp_path: Path) -> None:
    log = open_log(tmp_path / "a.db", keep_rows=True)
    log.write([record(at) for at in range(10)])
    log.feedback("r1", "early")
    whole = log.read()
    path = log.roll(1006, tmp_path / "old")
    assert path is not None and path.exists()
    assert log.read().height == 4
    log.feedback("r2", "late")
    both = log.read(rolled=tmp_path / "old")
    assert both["id"].to_list() == whole["id"].to_list()
    assert both["row.age"].to_list() == whole["row.age"].to_list()
    assert both["truth"].to_list()[:3] == [None, "early", "late"]
    assert log.roll(1006, tmp_path / "old") is None
    # Stopped between file and log: the answers are in both, and counted once.
    log.write([record(at) for at in range(3)])
    assert log.read(rolled=tmp_path / "old").height == 10
    assert log.read(since=1004, until=1008, rolled=tmp_path / "old").height == 4
    assert log.read(most=5, rolled=tmp_path / "old")["id"].to_list() == [f"r{a}" for a in
                                                                       range(5, 10)]


def test_a_log_that_is_not_there_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no log"):
        open_log(tmp_path / "typo.db", create=False)
    assert not list(tmp_path.iterdir())
    with pytest.raises(DataError, match="folder"):
        open_log(tmp_path / "no" / "a.db")


def test_damage_is_an_error_of_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"not a database" * 100)
    with pytest.raises(DataError, match="SQLite"):
        open_log(tmp_path / "a.db")
    log = open_log(tmp_path / "b.db", keep_rows=True)
    log.write([record(0)])
    log.close()
    hostile = ["{", "[1]", '{"a": "\\ud800"}',  "=" + "!" * 9, "[" * 100_000, '{"a": NaN', "1"]
    for written in hostile:
        with closing(sqlite3.connect(tmp_path / "b.db")) as link, link:
            link.execute("UPDATE predictions SET asked = ?", (written,))
        with pytest.raises(DataError):
            open_log(tmp_path / "b.db", create=False).read()
    for column, value in (("made", "soon"), ("made", 1e300), ("confidence", "high")):
        with closing(sqlite3.connect(tmp_path / "b.db")) as link, link:
            link.execute("UPDATE predictions SET asked = '{}', made = 1, confidence = 0.5")
            link.execute(f"UPDATE predictions SET {column} = ?", (value,))
        with pytest.raises(DataError):
            open_log(tmp_path / "b.db", create=False).read()
        if value == "soon":
            with pytest.raises(DataError, match="a time that is none"):
                open_log(tmp_path / "b.db", create=False).versions()
    with closing(sqlite3.connect(tmp_path / "b.db")) as link, link:
        link.execute("UPDATE log_facts SET value = '99'")
    with pytest.raises(DataError, match="format '99'"):
        open_log(tmp_path / "b.db", create=False)


def test_random_damage_never_ends_in_another_error(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": np.arange(200.0), "y": [0, 1] * 100})
    log = open_log(tmp_path / "a.db")
    log.watch("m", "1", sketch_of(frame, infer(frame, target="y")))
    log.write([record(at, row={"x": 1.0 * at}) for at in range(60)])
    log.feedbacks((f"r{at}", "yes") for at in range(60))
    log.close()
    whole = (tmp_path / "a.db").read_bytes()
    random, refused = np.random.default_rng(0), 0
    for at in range(60):
        raw = bytearray(whole[:random.integers(len(whole))] if at % 10 == 0 else whole)
        for place in random.integers(0, max(len(raw), 1), 20) if raw else ():
            raw[place] = int(random.integers(256))
        path = tmp_path / f"{at}.db"
        path.write_bytes(raw)
        try:
            damaged = open_log(path, create=False)
            damaged.versions(), damaged.read(), damaged.counted("m")
            damaged.close()
        except WholefitError:
            refused += 1
    assert refused >= 20


def test_altered_counts_and_sketches_are_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": np.arange(200.0), "y": [0, 1] * 100})
    log = open_log(tmp_path / "a.db")
    log.watch("m", "1", sketch_of(frame, infer(frame, target="y")))
    log.write([record(0, row={"x": 1.0})])
    for table, column, value in (("counts", "counted", '{"rows": -1, "bins": {}, "missing": {}}'),
                                 ("counts", "counted", '{"rows": 1, "bins": {"x": [1]}}'),
                                 ("counts", "counted", "[]"), ("sketches", "sketch", "{}")):
        with closing(sqlite3.connect(tmp_path / "a.db")) as link, link:
            link.execute(f"UPDATE {table} SET {column} = ?", (value,))
        with pytest.raises(WholefitError):
            open_log(tmp_path / "a.db", create=False).counted("m")


@pytest.mark.parametrize("bad", [
    lambda log: log.feedback("", 1), lambda log: log.feedback("x" * 300, 1),
    lambda log: log.feedback(7, 1), lambda log: log.feedback("\ud800", 1),
    lambda log: log.feedback("a", [1]),
    lambda log: log.feedback("a", math.inf), lambda log: log.feedback("a", None),
    lambda log: log.feedback("a", "x" * 20_000), lambda log: log.feedback("a", 1, at="soon"),
    lambda log: log.read(since=5, until=1), lambda log: log.write([record(0, id="")])])
def test_what_cannot_be_kept_is_refused(bad: object, tmp_path: Path) -> None:
    with pytest.raises(ParameterError):
        bad(open_log(tmp_path / "a.db"))  # type: ignore[operator]


def test_a_batch_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    log = open_log(tmp_path / "a.db")
    with pytest.raises(ParameterError):
        log.write([record(0), record(1, model="")])
    assert log.read().height == 0


def test_many_threads_write_at_once(tmp_path: Path) -> None:
    logs = [open_log(tmp_path / "a.db", keep_rows=True) for _ in range(2)]

    def write(which: int) -> None:
        for at in range(20):
            logs[which % 2].write([record(1000 * which + at)])

    threads = [threading.Thread(target=write, args=(which,)) for which in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert logs[0].read().height == 80


def test_a_writer_that_is_killed_leaves_whole_batches(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom wholefit.data.predictions import Record, open_log\n"
        "log = open_log(sys.argv[1])\n"
        "for batch in range(10**6):\n"
        "    log.write([Record(f'{batch}-{at}', 1.0, 'm', '1', {}, {'p': at})\n"
        "               for at in range(7)])\n"
        "    print(batch, flush=True)\n")
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "a.db")],
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 5:
            break
    process.kill()
    kept = 1 + max(map(int, [*process.stdout.read().split(), "5"]))
    process.wait()
    process.stdout.close()
    found = open_log(tmp_path / "a.db", create=False).read()
    assert found.height % 7 == 0 and found.height >= 7 * kept


def test_a_database_url_shows_no_password(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    for url in ("postgresql+nosuchdriver://me:hunter2@host/base", "mysql://me:hunter2@h:x/b",
                "nonsense://me:hunter2@host/base"):
        with pytest.raises(WholefitError) as told:
            open_log(url)
        assert "hunter2" not in str(told.value)


def test_notes_are_kept_beside_the_answers(url: str) -> None:
    log = open_log(url)
    assert log.noted("told:m:1") is None
    log.note("told:m:1", "17.5")
    log.note("told:m:1", "18.5")
    assert log.noted("told:m:1") == "18.5"
    log.close()


def test_moments() -> None:
    assert moment("1970-01-02") == 86_400
    assert moment("1970-01-01T01:00:00+01:00") == 0
    assert moment(5) == 5.0
    for bad in ("yesterday", None, True, [1]):
        with pytest.raises(ParameterError):
            moment(bad)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2**60, 2**60) | st.text(max_size=20)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner,
                                                                max_size=3), max_leaves=8)


@settings(max_examples=60, deadline=None)
@given(JSON)
def test_cells_come_back_as_they_were(value: object) -> None:
    for cells in (Cells(), Cells(lambda raw: raw[::-1], lambda raw: raw[::-1])):
        assert cells.take(cells.put(value), "cell") == value


@pytest.mark.parametrize("quick", [True, False])
def test_cells_of_numpy_and_worse(quick: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not quick:
        monkeypatch.setattr(records, "_quick", lambda: None)
    cells = Cells()
    assert cells.take(cells.put({"a": 2**90, 5: "x"}), "cell") == {"a": 2**90, "5": "x"}
    assert cells.take(cells.put({"a": "\ud800b"}), "cell") == {"a": "?b"}
    assert cells.take(cells.put({"a": np.float32(1.5), "b": math.nan, "c": b"xyz",
                                 "d": np.arange(2)}), "cell") == {
        "a": 1.5, "b": None, "c": "<3 bytes>", "d": [0, 1]}


CELLS = st.lists(st.none() | st.integers(-5, 5) | st.floats(-5, 5) | st.just(math.nan)
                 | st.sampled_from(["a", "b", " ", "", "2", "new"]) | st.booleans(), max_size=30)


@settings(max_examples=80, deadline=None)
@given(CELLS)
def test_plain_cells_are_counted_as_any_others(cells: list[object]) -> None:
    from wholefit.data.predictions import counts

    frame = pl.DataFrame({"x": np.linspace(-4, 4, 300), "c": ["a", "b", "2"] * 100,
                          "y": [0, 1] * 150})
    sketch = sketch_of(frame, infer(frame, target="y"))
    rows = [{"x": cell, "c": cell} for cell in cells]
    found = Counted.of(rows, sketch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "_plainly", lambda *given: None)
        assert Counted.of(rows, sketch) == found
    assert found.missing["x"] + sum(found.bins["x"]) == len(cells)
