"""The steps of the loop: when it begins, what each step does, and how each end is reached."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.monitoring.loop import toy

from wholefit.artifact.registry import Registry
from wholefit.base.errors import (
    DataError,
    ParameterError,
    RegistryError,
    SchemaError,
    UnknownNameError,
)
from wholefit.data.predictions import Log, Record, open_log
from wholefit.evaluation.score import Score
from wholefit.monitoring.loop import Engine, Plan, trial, watch


def plan(**parts: dict[str, Any]) -> Plan:
    return Plan.of({name: {**toy.PLAN.get(name, {}), **parts.get(name, {})}
                    for name in {*toy.PLAN, *parts}})


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with toy.begun(tmp_path) as found:
        yield found


def engine(registry: Registry, hands: toy.ToyHands | None = None, log: Log | None = None,
           base: Any = None, alarms: Any = None, **parts: dict[str, Any]) -> Engine:
    return Engine(registry, "m", hands or toy.ToyHands(), plan(**parts), log=log, base=base,
                  alarms=alarms)


def states(made: Engine) -> list[str]:
    return [cycle.state for cycle in made.journal.cycles()]


def test_nothing_happens_without_a_reason(registry: Registry) -> None:
    made = engine(registry, triggers={"rows": 500})
    assert made.run().said == "no new labelled rows"
    made.give(toy.batch(0))
    assert "nothing asks for retraining" in made.run().said
    assert states(made) == [] and registry.served("m").number == 1  # type: ignore[union-attr]


def test_few_held_out_rows_are_waited_for(registry: Registry) -> None:
    made = engine(registry, gate={"least": 100})
    made.give(toy.batch(0))
    assert "the gate needs 100" in made.run().said


def test_better_is_promoted_and_kept(registry: Registry) -> None:
    made = engine(registry)
    made.give(toy.batch(1, weight=2.0))
    told = made.run()
    assert registry.served("m").number == 2  # type: ignore[union-attr]
    assert told.said == "watched: 0 of 60 labels so far" and states(made) == ["promoted"]
    made.give(toy.batch(2, weight=2.0))
    assert made.run().cycle.state == "kept"  # type: ignore[union-attr]
    version = registry.version("m", 2)
    assert version.parent == 1 and version.facts["loop"]["cycle"] == 1
    actions = [event.action for event in registry.events("m")]
    assert actions == ["add", "promote", "add", "note", "promote"]
    gate = registry.events("m")[3].details["gate"]
    assert gate["passed"] is True and gate["checks"]


def test_worse_is_refused_and_never_served(registry: Registry) -> None:
    made = engine(registry, toy.ToyHands(broken=(1,)))
    made.give(toy.batch(1, weight=2.0))
    assert made.run().cycle.state == "refused"  # type: ignore[union-attr]
    assert registry.served("m").number == 1  # type: ignore[union-attr]
    assert [event.number for event in registry.events("m") if event.action == "promote"] == [1]


def test_a_promoted_model_that_turns_out_worse_is_rolled_back(registry: Registry) -> None:
    made = engine(registry)
    made.give(toy.batch(1, weight=2.0))
    made.run()
    made.give(toy.batch(2, weight=1.0))
    assert made.run().cycle.state == "rolled back"  # type: ignore[union-attr]
    assert registry.served("m").number == 1  # type: ignore[union-attr]
    assert registry.events("m")[-1].action == "rollback"


def test_worse_within_the_margin_is_kept(registry: Registry) -> None:
    made = engine(registry, gate={"margin": 1.5})
    made.give(toy.batch(1, weight=1.5))
    made.run()
    made.give(toy.batch(2, weight=1.0))
    told = made.run()
    assert told.cycle.state == "kept" and "by no more than" in told.said  # type: ignore[union-attr]


def test_no_watch(registry: Registry) -> None:
    made = engine(registry, watch={"rows": 0})
    made.give(toy.batch(1, weight=2.0))
    assert made.run().cycle.state == "kept"  # type: ignore[union-attr]


def test_a_watch_without_labels_ends(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = engine(registry)
    made.give(toy.batch(1, weight=2.0))
    assert made.run().said == "watched: 0 of 60 labels so far"
    monkeypatch.setattr(watch, "seconds", lambda words: 0.0)
    told = made.run()
    assert told.cycle.state == "kept" and "too few to tell" in told.said  # type: ignore[union-attr]


def test_a_person_may_have_the_last_word(registry: Registry) -> None:
    made = engine(registry, trial={"approve": True})
    made.give(toy.batch(1, weight=2.0))
    assert "waits for an approval" in made.run().said
    assert made.run().said == "waits for an approval"
    assert registry.served("m").number == 1  # type: ignore[union-attr]
    made.approve()
    made.run()
    assert registry.served("m").number == 2  # type: ignore[union-attr]
    with pytest.raises(RegistryError, match="waits for an approval"):
        made.approve()


def test_abandoning_ends_the_cycle(registry: Registry) -> None:
    made = engine(registry, trial={"approve": True})
    assert made.abandon().said == "no cycle is under way"
    made.give(toy.batch(1, weight=2.0))
    made.run()
    assert made.abandon().cycle.state == "abandoned"  # type: ignore[union-attr]
    assert registry.served("m").number == 1  # type: ignore[union-attr]


def test_somebody_elses_promotion_ends_the_cycle(registry: Registry, tmp_path: Path) -> None:
    made = engine(registry)
    made.give(toy.batch(1, weight=2.0))
    made.run()
    registry.add(toy.save(tmp_path / "other.wf", 9.0), "m")
    registry.promote("m", 3, by="ann")
    told = made.run()
    assert told.cycle.state == "overruled" and "version 3" in told.said  # type: ignore[union-attr]
    assert registry.served("m").number == 3  # type: ignore[union-attr]


def test_a_rollback_by_hand_ends_the_watch(registry: Registry) -> None:
    made = engine(registry)
    made.give(toy.batch(1, weight=2.0))
    made.run()
    registry.rollback("m", by="ann")
    assert made.run().cycle.state == "overruled"  # type: ignore[union-attr]


def test_what_cannot_be_fitted_ends_as_failed_and_the_loop_lives(registry: Registry) -> None:
    made = engine(registry, retrain={"window": None})
    made.give(toy.batch(1, weight=2.0))
    told = made.run()
    assert told.cycle.state == "failed" and "say data=" in told.said  # type: ignore[union-attr]
    assert "no new labelled rows" in made.run().said


def test_the_same_model_again_is_refused(registry: Registry) -> None:
    made = engine(registry, retrain={"how": "update", "window": None, "passes": 1})
    made._hands.update = lambda path, batches, out: toy.save(out, 1.0)  # type: ignore
    made.give(toy.batch(1, weight=1.0))
    told = made.run()
    assert "byte for byte" in told.said and told.cycle.state == "refused"  # type: ignore


def test_full_retraining_learns_old_and_new_rows_but_none_held_out(registry: Registry) -> None:
    hands, base = toy.ToyHands(), toy.batch(9, rows=300)
    made = engine(registry, hands, base=lambda: base, retrain={"window": None})
    first = toy.batch(1, weight=2.0)
    assert made.give(first) == 120 and made.give(first) == 0, "the same rows count once"
    made.run()
    held = made.pool.rows(held=True)
    learnt = made.pool.rows(held=False)
    assert held.height + learnt.height == 120 and 30 <= held.height <= 70
    assert hands.calls == [f"fit {300 + learnt.height}"]
    assert not learnt.join(held, on=["x", "y"], how="inner").height


def test_held_out_rows_that_are_among_the_old_ones_are_not_learnt(registry: Registry) -> None:
    hands, first = toy.ToyHands(), toy.batch(1, weight=2.0)
    made = engine(registry, hands, base=lambda: first, retrain={"window": None})
    made.give(first)
    made.run()
    learnt = made.pool.rows(held=False).height
    assert hands.calls == [f"fit {2 * learnt}"]


def test_update_and_replay_teach_the_new_rows(registry: Registry) -> None:
    hands = toy.ToyHands()
    made = engine(registry, hands, retrain={"how": "update", "passes": 2, "window": None})
    made.give(toy.batch(1, weight=2.0))
    made.run()
    new = made.pool.rows(held=False).height
    assert hands.calls == [f"update [{new}, {new}]"]
    assert registry.served("m").number == 2  # type: ignore[union-attr]


def test_replay_mixes_old_rows_in(registry: Registry) -> None:
    hands, base = toy.ToyHands(), toy.batch(9, rows=300)
    made = engine(registry, hands, base=lambda: base,
                  retrain={"how": "replay", "mix": 2.0, "window": None})
    made.give(toy.batch(1, weight=2.0))
    made.run()
    assert hands.calls == [f"update [{3 * made.pool.rows(held=False).height}]"]


def test_triggers_by_time_metric_drift_and_alarm(registry: Registry, tmp_path: Path) -> None:
    off = {"rows": None, "metric": False, "drift": False, "least": 50}
    made = engine(registry, triggers={**off, "every": "0.01s"})
    made.give(toy.batch(1))
    time.sleep(0.02)
    assert made.turn().cycle.reasons[0].startswith("every:")  # type: ignore[union-attr]
    made.abandon()
    made = engine(registry, toy.ToyHands(drifted="x moved"), triggers={**off, "drift": True})
    made.give(toy.batch(2))
    assert made.turn().cycle.reasons == ("drift: x moved",)  # type: ignore[union-attr]
    made.abandon()
    made = engine(registry, alarms=lambda: ["accuracy fell"], triggers=off)
    made.give(toy.batch(3))
    assert made.turn().cycle.reasons == ("alarm: accuracy fell",)  # type: ignore[union-attr]


@pytest.mark.parametrize(("weight", "fires"), [(3.0, True), (1.0, False)])
def test_the_metric_trigger(registry: Registry, weight: float, fires: bool) -> None:
    known = Score("rmse", 0.1, 0.08, 0.12, 0.95, "said", 200)
    made = engine(registry, toy.ToyHands(known=known),
                  triggers={"rows": None, "metric": True, "least": 50})
    registry.note("m", 1, {})
    made.give(toy.batch(1, weight=weight))
    made.registry = registry
    told = made.turn()
    assert (told.cycle is not None) == fires


def test_a_test_looks_at_rows_once(registry: Registry) -> None:
    hands = toy.ToyHands()
    seen: list[int] = []

    def drifted(path: Path, rows: pl.DataFrame, level: float) -> None:
        seen.append(rows.height)

    hands.drifted = drifted  # type: ignore[method-assign]
    made = engine(registry, hands, triggers={"rows": None, "drift": True, "least": 100})
    for number, rows in ((1, 120), (2, 60), (3, 60)):
        made.give(toy.batch(number, rows=rows))
        made.run()
        made.run()
    assert seen == [120, 120]


def test_two_processes_do_not_turn_one_loop(registry: Registry) -> None:
    made, other = engine(registry), engine(registry)
    with made.journal.alone(), pytest.raises(RegistryError, match="another process"):
        other.turn()
    other.turn()


def test_a_damaged_lock_is_told(registry: Registry) -> None:
    made = engine(registry)
    (made.journal.folder / "turning.db").write_bytes(b"no database" * 500)
    with pytest.raises(RegistryError, match="cannot be used"):
        made.turn()


def test_only_what_passed_the_gate_is_signed(registry: Registry) -> None:
    signed: list[Path] = []
    for broken in ((1,), ()):
        made = Engine(registry, "m", toy.ToyHands(broken=broken), plan(), sign=signed.append)
        made.give(toy.batch(5 if broken else 6, weight=2.0))
        made.run()
        made.close()
    assert signed == [registry.version("m", 3).path]


def test_labelled_rows_need_a_label(registry: Registry) -> None:
    made = engine(registry)
    with pytest.raises(SchemaError, match="target column 'y'"):
        made.give(toy.batch(1).drop("y"))
    assert made.give(toy.batch(1).with_columns(y=pl.lit(None))) == 0


def test_a_loop_needs_a_served_version(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "r")
    registry.add(toy.save(tmp_path / "m.wf", 1.0), "m")
    with pytest.raises(RegistryError, match="is served"):
        engine(registry)


# ---- with a log ---------------------------------------------------------------------------


def answered(log: Log, rows: pl.DataFrame, version: int, *, shadow: bool = False,
             seconds: float = 0.001, start: int = 0, truth: bool = True) -> None:
    now = time.time()
    log.write([Record(f"r{start + at}", now, "m", str(version), {"x": row["x"],
               "part": row["part"]}, {"prediction": version * row["x"]}, None, seconds, shadow)
               for at, row in enumerate(rows.iter_rows(named=True))])
    if truth:
        log.feedbacks([(f"r{start + at}", row["y"])
                       for at, row in enumerate(rows.iter_rows(named=True))])


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    found = open_log(tmp_path / "log.db", keep_rows=True)
    yield found
    found.close()


def test_labels_of_the_log_are_collected_once(registry: Registry, log: Log) -> None:
    made = engine(registry, log=log)
    answered(log, toy.batch(1, weight=2.0), 1, truth=False)
    assert made.collect() == 0
    log.feedbacks([(f"r{at}", 2.0) for at in range(50)])
    assert made.collect() == 50 and made.collect() == 0
    log.feedbacks([(f"r{at}", 2.0) for at in range(40, 60)])
    assert made.collect() == 10
    assert set(made.pool.rows().columns) == {"x", "part", "y"}


def test_a_log_without_rows_cannot_be_learnt_from(registry: Registry, tmp_path: Path) -> None:
    log = open_log(tmp_path / "bare.db")
    answered(log, toy.batch(1), 1)
    with pytest.raises(DataError, match="no rows"):
        engine(registry, log=log).collect()
    log.close()


def test_a_trial_in_the_shadow_then_a_canary(registry: Registry, log: Log) -> None:
    made = engine(registry, log=log, trial={"shadow": 40, "canary": 0.2, "answers": 30})
    answered(log, toy.batch(1, weight=2.0), 1)
    assert made.run().said == "trial: 0 of 40 answers so far"
    assert registry.shadows("m") == [2] and registry.traffic("m") == {1: 1.0}
    live = toy.batch(2, rows=40, weight=2.0)
    answered(log, live, 1, start=1_000)
    answered(log, live, 2, start=1_000, shadow=True)
    assert made.run().said == "trial: 0 of 30 answers so far"
    assert registry.shadows("m") == [] and registry.traffic("m") == {1: 0.8, 2: 0.2}
    answered(log, toy.batch(3, rows=30, weight=2.0), 2, start=2_000)
    made.run()
    assert registry.served("m").number == 2  # type: ignore[union-attr]
    assert registry.traffic("m") == {2: 1.0}
    passed = [state for _, state, _ in made.journal.steps(1)]
    assert passed[:8] == ["opened", "made", "added", "passed", "shadow", "passed", "canary",
                          "passed"]


@pytest.mark.parametrize("fault", ["slow", "silent"])
def test_a_trial_that_goes_badly_ends(registry: Registry, log: Log, fault: str) -> None:
    made = engine(registry, log=log, trial={"shadow": 40})
    answered(log, toy.batch(1, weight=2.0), 1)
    made.run()
    live = toy.batch(2, rows=60, weight=2.0)
    answered(log, live, 1, start=1_000)
    shown = live if fault == "slow" else live.head(45)
    answered(log, shown, 2, start=1_000, shadow=True, seconds=0.5 if fault == "slow" else 0.001)
    told = made.run()
    assert told.cycle.state == "refused" and "not good enough" in told.said  # type: ignore
    assert registry.shadows("m") == [] and registry.served("m").number == 1  # type: ignore


def test_a_trial_that_takes_too_long_ends(
    registry: Registry, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = engine(registry, log=log, trial={"canary": 0.5})
    answered(log, toy.batch(1, weight=2.0), 1)
    assert made.run().said == "trial: 0 of 500 answers so far"
    monkeypatch.setattr(trial, "seconds", lambda words: 0.0)
    assert "answers within" in made.run().said
    assert registry.traffic("m") == {1: 1.0}


def test_a_trial_needs_a_log(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="say log="):
        engine(registry, trial={"shadow": 10})


def test_watching_goes_on_until_it_is_stopped(registry: Registry) -> None:
    made, stop = engine(registry), threading.Event()
    thread = threading.Thread(target=made.watch, args=(0.01, stop))
    thread.start()
    made.give(toy.batch(1, weight=2.0))  # from another thread
    end = time.monotonic() + 60
    while registry.served("m").number == 1 and time.monotonic() < end:  # type: ignore[union-attr]
        time.sleep(0.01)
    stop.set()
    thread.join()
    assert registry.served("m").number == 2  # type: ignore[union-attr]


# ---- plans and damage ---------------------------------------------------------------------


def test_a_plan_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(plan().to_toml())
    assert Plan.of(path) == plan() and Plan.of(str(path)).to_json() == plan().to_json()
    path.write_text("[retrain]\nhow = 'twice'\n")
    with pytest.raises(ParameterError, match=r"Retrain\.how must be one of"):
        Plan.of(path)
    path.write_text("[retrain\n")
    with pytest.raises(ParameterError, match="no TOML"):
        Plan.of(path)


@pytest.mark.parametrize("given", [{"gat": {}}, {"gate": 3}, {"gate": {"ruel": 1}}, 7,
                                   {"trial": {"within": "soon"}}, {"gate": {"floor": "x"}},
                                   {"triggers": {"every": "-1d"}}, "no such file.toml"])
def test_a_plan_that_is_none_is_refused(given: Any) -> None:
    with pytest.raises((ParameterError, LookupError)):
        Plan.of(given)


@pytest.mark.parametrize("gate", [{"metric": "rsme"}, {"floor": "rsme <= 1"}])
def test_a_gate_of_unknown_metrics_is_refused_at_once(
    registry: Registry, gate: dict[str, Any]
) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'rmse'"):
        engine(registry, gate=gate)


def test_a_gate_of_parts_that_rows_lack_is_refused_before_a_fit(registry: Registry) -> None:
    hands = toy.ToyHands()
    made = engine(registry, hands, gate={"parts": "pard"})
    made.give(toy.batch(1))
    assert "did you mean 'part'" in made.run().said
    assert states(made) == ["failed"] and not hands.calls


def test_damaged_rows_and_journals_are_told(registry: Registry) -> None:
    made = engine(registry)
    made.give(toy.batch(1))
    rows = next((made.journal.folder / "rows").glob("*.parquet"))
    rows.write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(RegistryError, match="missing or damaged"):
        made.pool.rows()
    made.close()
    (made.journal.folder / "journal.db").write_bytes(b"no database" * 500)
    for more in ("-wal", "-shm"):
        (made.journal.folder / f"journal.db{more}").unlink(missing_ok=True)
    with pytest.raises(RegistryError, match="journal"):
        engine(registry)
