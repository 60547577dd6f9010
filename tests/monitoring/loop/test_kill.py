"""Killed at any moment, the loop goes on: nothing is lost, done twice, or half promoted."""

from __future__ import annotations

import multiprocessing
import random
import time
from pathlib import Path
from typing import Any

import pytest
from tests.monitoring.loop import toy

from wholefit import artifact
from wholefit.artifact.registry import Registry

BATCHES = 7


@pytest.fixture(scope="module")
def processes() -> Any:
    """Processes that start at once: everything is imported before they are forked, if they are."""
    forked = "forkserver" in multiprocessing.get_all_start_methods()
    found = multiprocessing.get_context("forkserver" if forked else "spawn")
    if forked:
        found.set_forkserver_preload(["tests.monitoring.loop.toy"])  # type: ignore[union-attr]
    return found


def killed(folder: Path, processes: Any, after: float) -> bool:
    """Start the work and kill it so many seconds later; False if it had ended before."""
    started = processes.Event()
    process = processes.Process(target=toy.work, args=(str(folder), BATCHES, started))
    process.start()
    assert started.wait(60)
    time.sleep(after)
    alive = process.exitcode is None
    process.kill()
    process.join()
    return alive


def sound(folder: Path) -> None:
    """Every file whole, every row in agreement; what is served was promoted, and can be read."""
    if not (folder / "reg" / "registry.db").exists():
        return
    with Registry(folder / "reg", make=False) as registry:
        wrong = [fact for fact in registry.check() if not fact.ok]
        assert not wrong, wrong
        served = registry.served("m")
        if served is not None:
            promoted = {event.number for event in registry.events("m")
                        if event.action == "promote"}
            assert served.number in promoted
            assert artifact.read(served.path).states["model"].arrays["w"].shape == (1,)


def killing(folder: Path, processes: Any, kills: int) -> None:
    toy.work(str(folder / "whole"), BATCHES)
    with Registry(folder / "whole" / "reg") as registry:
        expected = toy.story(registry)
    start = time.perf_counter()
    toy.work(str(folder / "timed"), BATCHES)
    seconds = time.perf_counter() - start
    drawn, done, life = random.Random(0), 0, 0
    while done < kills:
        life += 1
        here = folder / f"life{life}"
        going = True
        while going and done < kills:
            going = killed(here, processes, drawn.uniform(0, seconds / 4))
            done += going
            sound(here)
        toy.work(str(here), BATCHES)
        sound(here)
        with Registry(here / "reg") as registry:
            assert toy.story(registry) == expected

    assert {"promote", "rollback", "note", "add"} <= {action for action, _, _ in expected}


def test_twenty_kills(tmp_path: Path, processes: Any) -> None:
    killing(tmp_path, processes, 20)


@pytest.mark.study
@pytest.mark.timeout(1_800)
def test_two_hundred_kills(tmp_path: Path, processes: Any) -> None:
    killing(tmp_path, processes, 200)
