"""The study's file: shared, resumed, taken over, and read with distrust."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wholefit.base.errors import DataError
from wholefit.training.tuning import Setting, Space, strategies
from wholefit.training.tuning._store import Store, Trial

SPACE = Space.of(["decision_tree"], {"max_depth": (2, 40), "min_samples_leaf": (1, 90)})


def made(name: str = "random") -> Any:
    return strategies.make(name, Setting(SPACE, 0, trials=40))


def done(trial: Trial, loss: float) -> Trial:
    return Trial(trial.number, "done", trial.values, trial.share, trial.folds, trial.note, loss,
                 (loss,), 0.1)


def step(store: Store, strategy: Any, most: int | None = None) -> Trial | None:
    trial = store.take(0, strategy, SPACE, most)
    if trial is not None:
        store.tell(0, strategy, done(trial, float(trial.number)))
    return trial


def test_a_study_goes_on_where_it_was_left(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    alone, whole = Store(), made()
    alone.begin(0, {})
    for _ in range(10):
        step(alone, whole)
    for begun in (False, True):
        store, strategy = Store(path), made()
        assert store.begin(0, {"seed": 1}) is begun
        for _ in range(5):
            step(store, strategy)
        store.close()
    found = Store(path)
    assert [trial.values for trial in found.trials(0, SPACE)] == [
        trial.values for trial in alone.trials(0, SPACE)]
    found.close()


def test_the_number_of_trials_holds_for_all_together(tmp_path: Path) -> None:
    stores = [Store(tmp_path / "s.db") for _ in range(2)]
    for store in stores:
        store.begin(0, {})
    taken = [store.take(0, made(), SPACE, 3) for store in (*stores, *stores)]
    assert [trial and trial.number for trial in taken] == [0, 1, 2, None]
    for store in stores:
        store.close()


@pytest.mark.parametrize("name", ["random", "asha", "bayes"])
def test_threads_that_share_a_study_lose_and_repeat_nothing(tmp_path: Path, name: str) -> None:
    path, faults = tmp_path / "s.db", list[BaseException]()

    def work() -> None:
        try:
            store, strategy = Store(path), made(name)
            store.begin(0, {})
            while step(store, strategy, 24):
                pass
            store.close()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    store = Store(path)
    trials = store.trials(0, SPACE)
    assert [trial.number for trial in trials] == list(range(24))
    assert all(trial.status == "done" for trial in trials)
    store.close()


def test_a_trial_whose_process_died_is_taken_up_again(tmp_path: Path) -> None:
    dead = Store(tmp_path / "s.db", lease=0.05)
    dead.begin(0, {})
    trial = dead.take(0, made(), SPACE, None)
    assert trial is not None
    time.sleep(0.1)  # the sign of life comes every few seconds only
    heir, strategy = Store(tmp_path / "s.db"), made()
    heir.begin(0, {})
    again = heir.take(0, strategy, SPACE, None)
    assert again is not None and (again.number, again.values) == (trial.number, trial.values)
    assert heir.tell(0, strategy, done(trial, 1.0))
    assert not dead.tell(0, made(), done(trial, 2.0)), "what the dead say is not heard"
    assert heir.trials(0, SPACE)[0].loss == 1.0
    heir.close()
    dead.close()


def test_signs_of_life_keep_a_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wholefit.training.tuning._store._SIGN", 0.05)
    busy, other = Store(tmp_path / "s.db", lease=1.5), Store(tmp_path / "s.db")
    for store in (busy, other):
        store.begin(0, {})
    trial = busy.take(0, made(), SPACE, 1)
    time.sleep(2.0)
    assert other.take(0, made(), SPACE, 1) is None and other.running(0) == 1
    assert trial is not None and busy.tell(0, made(), done(trial, 1.0))
    busy.close()
    other.close()


def test_a_trial_that_was_released_is_next(tmp_path: Path) -> None:
    store, strategy = Store(tmp_path / "s.db"), made()
    store.begin(0, {})
    first = store.take(0, strategy, SPACE, None)
    assert first is not None
    store.release(0, first.number)
    again = store.take(0, strategy, SPACE, None)
    assert again is not None and (again.number, again.values) == (first.number, first.values)
    store.close()


def test_answers_are_kept_of_the_best(tmp_path: Path) -> None:
    store, strategy = Store(tmp_path / "s.db"), made()
    store.begin(0, {})
    for number in range(20):
        trial = store.take(0, strategy, SPACE, None)
        assert trial is not None
        answers = np.full((4, 2), float(number)), np.ones(4, dtype=np.int32)
        store.tell(0, strategy, done(trial, 20.0 - number), answers)
    kept = [number for number in range(20) if store.answers(0, number) is not None]
    assert kept == list(range(8, 20))
    answer, seen = store.answers(0, 19) or (None, None)
    assert answer is not None and (answer == 19).all() and answer.shape == (4, 2)
    assert seen is not None and seen.dtype == np.int32
    store.close()


def test_another_search_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.db")
    store.begin(0, {"metric": "auc", "seed": 1})
    with pytest.raises(DataError, match="of another search: seed differs"):
        store.begin(0, {"metric": "auc", "seed": 2})
    store.close()


def test_what_is_no_study_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database at all, but long enough to look like a file " * 9)
    with pytest.raises(DataError, match=r"notes\.txt"):
        Store(text)
    assert text.read_text().startswith("not a database")
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as line:
        line.execute("CREATE TABLE mine (x)")
    line.close()
    with pytest.raises(DataError, match="no study of wholefit"):
        Store(other)
    with pytest.raises(DataError, match="cannot be read or written"):
        Store(tmp_path / "missing" / "s.db")


@pytest.mark.parametrize("change", [
    "UPDATE trials SET config = '{\"decision_tree.max_depth\": 999}'",
    "UPDATE trials SET config = 'x'", "UPDATE trials SET status = 'fine'",
    "UPDATE trials SET share = 'half'", "UPDATE trials SET losses = '{}'",
    "UPDATE parts SET state = '[1]', version = version + 1",
    "UPDATE parts SET state = '{\"asked\": []}', version = version + 1",
    "UPDATE parts SET facts = 'null'", "PRAGMA user_version = 99", "DROP TABLE trials",
])
def test_an_altered_study_is_a_clear_error(tmp_path: Path, change: str) -> None:
    path = tmp_path / "s.db"
    store, strategy = Store(path), made()
    store.begin(0, {})
    for _ in range(3):
        step(store, strategy)
    store.close()
    line = sqlite3.connect(path)
    line.execute(change)
    line.commit()
    line.close()
    with pytest.raises(DataError):
        again = Store(path)
        again.begin(0, {})
        again.trials(0, SPACE)
        again.take(0, made(), SPACE, None)


def test_a_truncated_study_is_a_clear_error_or_whole(tmp_path: Path) -> None:
    """What SQLite can still read is read; the rest is refused, never taken for a study."""
    path = tmp_path / "s.db"
    store, strategy = Store(path), made()
    store.begin(0, {})
    for _ in range(30):
        step(store, strategy)
    known = store.trials(0, SPACE)
    store.close()
    whole, refused = path.read_bytes(), 0
    for length in (50, 2000, len(whole) // 3, len(whole) // 2, len(whole) - 5000):
        cut = tmp_path / f"cut{length}.db"
        cut.write_bytes(whole[:length])
        try:
            again = Store(cut)
            again.begin(0, {})
            assert again.trials(0, SPACE) == known
        except DataError:
            refused += 1
    assert refused >= 3
