"""The registry: versions, promotions, shares, shadows, the trail; and what is refused."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from wholefit import artifact
from wholefit.artifact.registry import VARIABLE, Registry, folder_of
from wholefit.base.errors import (
    ArtifactError,
    ParameterError,
    RegistryError,
    UnknownNameError,
    WholefitError,
)
from wholefit.base.state import State


def model(folder: Path, weight: float) -> Path:
    path = folder / f"m{weight}.wf"
    artifact.write(path, {"task": "regression", "metric": "rmse", "schema": {"target": "y"},
                          "model": {"name": "ridge"}, "lineage": {"rows": 7},
                          "leaderboard": [{"recommended": True, "scores": {
                              "rmse": {"value": 1.5, "low": 1.0, "high": None}}}]},
                   {"model": State("linear", arrays={"w": np.array([weight])})}, force=True)
    return path


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "reg")


@pytest.fixture
def three(registry: Registry, tmp_path: Path) -> Registry:
    for number in (1, 2, 3):
        registry.add(model(tmp_path, number), "m", parent=number - 1 or None)
    return registry


def test_a_version_is_a_copy_of_the_file_with_its_facts(registry: Registry, tmp_path: Path
                                                        ) -> None:
    source = model(tmp_path, 1)
    found = registry.add(source, "m", facts={"ticket": 7}, by="ann", why="first")
    assert (found.number, found.parent, found.name) == (1, None, "m")
    assert found.path.read_bytes() == source.read_bytes()
    assert found.facts["model"] == "ridge" and found.facts["ticket"] == 7
    assert found.facts["score"] == {"value": 1.5, "low": 1.0, "high": None}
    assert found.size == source.stat().st_size
    source.unlink()
    assert artifact.read(registry.version("m", 1).path).record["task"] == "regression"
    assert registry.served("m") is None and registry.traffic("m") == {}
    event = registry.events("m")[0]
    assert (event.action, event.by, event.why) == ("add", "ann", "first")


def test_the_same_file_is_the_same_version(registry: Registry, tmp_path: Path) -> None:
    first = registry.add(model(tmp_path, 1), "m")
    assert registry.add(model(tmp_path, 1), "m") == first
    assert registry.add(model(tmp_path, 1), "other").sha256 == first.sha256
    assert len(list((registry.folder / "files").rglob("*.wf"))) == 1


def test_promoting_and_rolling_back_walks_the_history(three: Registry) -> None:
    for number in (1, 2, 3):
        three.promote("m", number)
    assert three.version("m").number == 3
    assert three.rollback("m").number == 2
    assert three.rollback("m").number == 1
    with pytest.raises(RegistryError, match="no version was served before"):
        three.rollback("m")
    three.promote("m", 3)
    assert three.rollback("m").number == 1


def test_a_promotion_ends_shares_and_the_shadow_of_what_is_promoted(three: Registry) -> None:
    three.promote("m", 1)
    three.set_shadows("m", [2, 3])
    assert three.set_traffic("m", {1: 0.9, 2: 0.1}) == {1: 0.9, 2: 0.1}
    assert three.shadows("m") == [3], "what answers requests is no shadow"
    three.promote("m", 2)
    assert three.traffic("m") == {2: 1.0} and three.shadows("m") == [3]
    three.set_traffic("m", {2: 0.5, 1: 0.5})
    three.rollback("m")
    assert three.traffic("m") == {1: 1.0}


def test_promoting_what_is_served_alone_changes_nothing(three: Registry) -> None:
    three.promote("m", 1)
    before = three.revision
    three.promote("m", 1)
    assert three.revision == before
    three.set_traffic("m", {1: 0.9, 2: 0.1})
    three.promote("m", 1)
    assert three.traffic("m") == {1: 1.0}
    with pytest.raises(RegistryError, match="cannot be rolled back"):
        three.rollback("m")


def test_a_key_makes_a_change_once(three: Registry) -> None:
    three.promote("m", 1)
    three.promote("m", 2, key="a")
    three.promote("m", 3)
    revision = three.revision
    three.promote("m", 2, key="a")
    assert three.served("m").number == 3 and three.revision == revision  # type: ignore[union-attr]
    assert three.rollback("m", key="b").number == 2
    assert three.rollback("m", key="b").number == 2
    assert three.served("m").number == 2  # type: ignore[union-attr]
    one = three.note("m", 2, {"gate": True}, key="c")
    assert three.note("m", 2, {"gate": False}, key="c") == one
    assert three.done("c") == one and three.done("never") is None


def test_add_with_a_key_gives_the_same_version(registry: Registry, tmp_path: Path) -> None:
    first = registry.add(model(tmp_path, 1), "m", key="k")
    assert registry.add(model(tmp_path, 2), "m", key="k") == first


def test_revision_grows_with_every_change(three: Registry) -> None:
    seen = [three.revision]
    for change in (lambda: three.promote("m", 1), lambda: three.set_shadows("m", [2]),
                   lambda: three.set_traffic("m", {1: 0.5, 3: 0.5}),
                   lambda: three.note("m", 1, {}), lambda: three.set_shadows("m", [])):
        change()
        seen.append(three.revision)
    assert seen == sorted(set(seen))
    assert [event.place for event in three.events(since=seen[0])] == list(
        range(seen[0] + 1, seen[-1] + 1))


@pytest.mark.parametrize("shares", [{1: 0.5}, {1: 0.5, 2: 0.6}, {1: 1.5, 2: -0.5}, {},
                                    {1: float("nan"), 2: 1.0}, {1: True}])
def test_shares_must_sum_to_one(three: Registry, shares: dict[int, float]) -> None:
    three.promote("m", 1)
    with pytest.raises(ParameterError, match="share"):
        three.set_traffic("m", shares)


def test_shares_must_hold_what_is_served(three: Registry) -> None:
    with pytest.raises(RegistryError, match="must hold"):
        three.set_traffic("m", {1: 1.0})
    three.promote("m", 1)
    with pytest.raises(RegistryError, match="must hold"):
        three.set_traffic("m", {2: 0.5, 3: 0.5})
    with pytest.raises(RegistryError, match="already"):
        three.set_shadows("m", [1])


def test_unknown_names_get_the_nearest(three: Registry) -> None:
    with pytest.raises(UnknownNameError, match="no version of 'm' is named '9'"):
        three.promote("m", 9)
    with pytest.raises(UnknownNameError, match="did you mean 'm'"):
        three.rollback("M")
    with pytest.raises(UnknownNameError):
        three.add(three.version("m", 1).path, "m2", parent=4)
    with pytest.raises(RegistryError, match="no version of 'm' is served"):
        three.version("m")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a" * 101, "a\n", "ü", 3])
def test_a_name_must_be_safe_in_a_path(registry: Registry, tmp_path: Path, name: str) -> None:
    with pytest.raises(ParameterError, match="name must be"):
        registry.add(model(tmp_path, 1), name)


def test_a_damaged_file_is_not_added(registry: Registry, tmp_path: Path) -> None:
    path = model(tmp_path, 1)
    data = bytearray(path.read_bytes())
    data[60] ^= 255
    path.write_bytes(bytes(data))
    with pytest.raises(ArtifactError):
        registry.add(path, "m")
    assert registry.names() == [] and not list((registry.folder).rglob("*.wf"))


def test_a_version_whose_file_is_damaged_is_not_served(three: Registry) -> None:
    three.promote("m", 1)
    three.promote("m", 2)
    three.version("m", 1).path.write_bytes(b"nothing")
    three.version("m", 3).path.unlink()
    with pytest.raises(RegistryError, match="missing or damaged"):
        three.rollback("m")
    with pytest.raises(RegistryError, match="missing or damaged"):
        three.promote("m", 3)
    assert three.served("m").number == 2  # type: ignore[union-attr]
    wrong = [fact.about for fact in three.check() if not fact.ok]
    assert wrong == ["m version 1", "m version 3"]


def test_adding_again_heals_a_damaged_file(three: Registry, tmp_path: Path) -> None:
    three.version("m", 1).path.write_bytes(b"nothing")
    three.add(model(tmp_path, 1), "m")
    assert all(fact.ok for fact in three.check())


def test_what_is_in_use_is_not_removed(three: Registry) -> None:
    three.promote("m", 1)
    three.set_shadows("m", [2])
    for number in (1, 2):
        with pytest.raises(RegistryError, match="in use"):
            three.remove("m", number)
    three.remove("m", 3)
    assert [each.number for each in three.versions("m")] == [1, 2]
    assert len(list((three.folder / "files").rglob("*.wf"))) == 2


def test_a_removed_version_cannot_be_rolled_back_to_nor_its_number_reused(
    three: Registry, tmp_path: Path
) -> None:
    for number in (1, 2, 3):
        three.promote("m", number)
    three.remove("m", 2)
    assert three.rollback("m").number == 1
    three.remove("m", 3)
    assert three.add(model(tmp_path, 9), "m").number == 4


def test_tidy_deletes_what_no_version_names(three: Registry) -> None:
    stray = three.folder / "files" / "ab" / ("ab" + "0" * 62 + ".wf")
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"left by a killed add")
    assert three.tidy() == 1 and not stray.exists()
    assert all(fact.ok for fact in three.check())


def test_a_signature_beside_the_file_comes_along(registry: Registry, tmp_path: Path) -> None:
    path = model(tmp_path, 1)
    path.with_name(path.name + ".sig").write_bytes(b"signed")
    found = registry.add(path, "m")
    assert found.path.with_name(found.path.name + ".sig").read_bytes() == b"signed"


def test_the_trail_shows_that_it_was_altered(three: Registry) -> None:
    three.promote("m", 1, by="ann")
    three.close()
    with sqlite3.connect(three.folder / "registry.db") as line:
        with pytest.raises(sqlite3.DatabaseError, match="never changed"):
            line.execute("UPDATE events SET by = 'eve'")
        with pytest.raises(sqlite3.DatabaseError, match="never deleted"):
            line.execute("DELETE FROM events")
        line.execute("DROP TRIGGER kept")
        line.execute("UPDATE events SET by = 'eve' WHERE action = 'promote'")
    assert [fact.about for fact in three.check() if not fact.ok] == ["trail"]


def test_the_check_finds_a_version_that_was_never_promoted(three: Registry) -> None:
    three.close()
    with sqlite3.connect(three.folder / "registry.db") as line:
        line.execute("INSERT INTO promotions (name, number) VALUES ('m', 2)")
    assert "m served" in [fact.about for fact in three.check() if not fact.ok]


def test_another_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "registry.db") as line:
        line.execute("CREATE TABLE x (y)")
    with pytest.raises(RegistryError, match="another kind"):
        Registry(tmp_path)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "registry.db").write_text("hello" * 500)
    with pytest.raises(RegistryError, match="cannot be used"):
        Registry(tmp_path / "text")


def test_a_newer_one_is_refused_and_a_missing_one_is_not_made(three: Registry, tmp_path: Path
                                                               ) -> None:
    with pytest.raises(RegistryError, match="there is no registry"):
        Registry(tmp_path / "none", make=False)
    assert not (tmp_path / "none").exists()
    three.close()
    with sqlite3.connect(three.folder / "registry.db") as line:
        line.execute("PRAGMA user_version = 99")
    with pytest.raises(RegistryError, match="newer"):
        Registry(three.folder)


@pytest.mark.parametrize("change", [
    "UPDATE versions SET sha256 = '../../../etc/passwd' WHERE number = 1",
    "UPDATE versions SET facts = '['", "UPDATE versions SET facts = '[1]'",
    "UPDATE versions SET name = '../m', number = number + 8",
    "UPDATE versions SET size = 'large'", "DROP TABLE versions",
    "UPDATE versions SET parent = x'00'", "INSERT INTO promotions VALUES (9, 'm', 77, 0)",
])
def test_rows_of_a_hostile_database_give_one_kind_of_error(three: Registry, change: str) -> None:
    three.promote("m", 1)
    three.close()
    with sqlite3.connect(three.folder / "registry.db") as line:
        line.execute(change)
    refused = 0
    for ask in (lambda: three.versions("m"), lambda: three.served("m"),
                lambda: three.version("m", 1), three.names, three.check,
                lambda: [three.version(name, 9) for name in three.names()]):
        try:
            ask()
        except WholefitError:
            refused += 1
    assert refused


def test_a_cut_database_gives_one_kind_of_error(three: Registry) -> None:
    three.close()
    path = three.folder / "registry.db"
    whole = path.read_bytes()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    for length in range(100, len(whole), max(1, len(whole) // 25)):
        path.write_bytes(whole[:length])
        try:
            with Registry(three.folder) as cut:
                cut.versions("m")
                cut.check()
        except RegistryError:
            continue


def test_many_threads_and_processes_may_write(three: Registry) -> None:
    three.promote("m", 1)
    errors: list[Exception] = []

    def work(mine: Registry) -> None:
        try:
            for _ in range(10):
                mine.promote("m", 2)
                mine.promote("m", 3)
                assert mine.served("m") is not None
        except Exception as error:
            errors.append(error)

    others = [three, three, Registry(three.folder), Registry(three.folder)]
    threads = [threading.Thread(target=work, args=(mine,)) for mine in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert all(fact.ok for fact in three.check())


def test_facts_must_be_json(registry: Registry, tmp_path: Path) -> None:
    for facts in ({"x": float("nan")}, {"x": object()}, {"x": "y" * 1_100_000}):
        with pytest.raises(ParameterError, match="facts"):
            registry.add(model(tmp_path, 1), "m", facts=facts)
    with pytest.raises(ParameterError, match="why"):
        registry.add(model(tmp_path, 1), "m", why="x" * 3_000)


def test_versions_and_events_are_json(three: Registry) -> None:
    told = [each.to_json() for each in (*three.versions("m"), *three.events())]
    assert json.loads(json.dumps(told)) == told


def test_where_the_folder_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert folder_of(None) == Path("registry")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert folder_of(None) == tmp_path and folder_of("x") == Path("x")


@pytest.mark.parametrize("call", ["replace", "fsync"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_an_add_that_breaks_off_leaves_whole_versions_alone(
    three: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, at: int
) -> None:
    """Broken off at the first, second or third such call; what is left is whole, and tidied."""
    fourth, real, calls = model(tmp_path, 4), getattr(os, call), [0]

    def broken(*words: object) -> None:
        calls[0] += 1
        if calls[0] == at:
            raise KeyboardInterrupt
        real(*words)

    monkeypatch.setattr(os, call, broken)
    try:
        three.add(fourth, "m")
        added = True
    except KeyboardInterrupt:
        added = False
    monkeypatch.undo()
    assert len(three.versions("m")) == (4 if added else 3)
    assert all(fact.ok for fact in three.check())
    three.tidy()
    assert len(list((three.folder / "files").rglob("*.wf"))) == (4 if added else 3)
    assert three.add(fourth, "m").number == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where a process can be forked")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_opens_it_anew(three: Registry) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            three.promote("m", 2, why="forked")
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert three.served("m").number == 2  # type: ignore[union-attr]
