"""Routes: shares that hold, keys that stick, changes that nobody feels."""

from __future__ import annotations

import gc
import math
import threading
import time
from collections import Counter
from types import SimpleNamespace as Model

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base.errors import ParameterError, UnknownNameError
from wholefit.serving.routing import Line, Routes


def two(shares=None, **more) -> Routes:
    """Routes with versions 1 and 2 of "churn"."""
    routes = Routes(**more)
    for number in ("1", "2"):
        routes.put(Model(name="churn", version=number))
    if shares:
        routes.split("churn", shares)
    return routes


def dealt(routes: Routes, keys: range) -> dict[str, str]:
    return {str(key): routes.choose("churn", key=str(key)).served.version for key in keys}


def test_the_first_version_answers_everything_until_told_otherwise():
    routes = two()
    assert {routes.choose("churn", key=str(key)).served.version for key in range(200)} == {"1"}
    assert routes.choose().served.version == "1"
    assert routes.choose("churn", "2").served.version == "2"


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_shares_hold_among_keys_and_without_keys(share):
    routes, n = two({"1": 1 - share, "2": share}), 20_000
    spread = 4 * math.sqrt(share * (1 - share) * n)
    with_keys = Counter(dealt(routes, range(n)).values())["2"]
    without = sum(routes.choose("churn").served.version == "2" for _ in range(n))
    assert abs(with_keys - share * n) < spread
    assert abs(without - share * n) < spread


def test_a_canary_that_grows_keeps_everybody_whom_it_had():
    routes = two({"1": 0.95, "2": 0.05})
    before = {key for key, version in dealt(routes, range(5_000)).items() if version == "2"}
    for share in (0.1, 0.3, 0.7, 1.0):
        routes.split("churn", {"1": 1 - share, "2": share})
        after = {key for key, version in dealt(routes, range(5_000)).items() if version == "2"}
        assert before <= after
        before = after
    assert len(before) == 5_000


def test_only_keys_that_a_change_concerns_move():
    routes = two({"1": 0.6, "2": 0.4})
    before = dealt(routes, range(5_000))
    routes.put(Model(name="churn", version="3"))
    routes.split("churn", {"1": 0.54, "2": 0.36, "3": 0.1})
    after = dealt(routes, range(5_000))
    moved = {key for key in before if before[key] != after[key]}
    assert {after[key] for key in moved} == {"3"}
    assert 0.07 < len(moved) / 5_000 < 0.13


def test_assignments_are_the_same_on_every_server_and_differ_by_salt():
    shares = {"1": 0.5, "2": 0.5}
    one, other = dealt(two(shares), range(2_000)), dealt(two(shares), range(2_000))
    salted = dealt(two(shares, salt="another experiment"), range(2_000))
    assert one == other
    assert 0.4 < sum(one[key] != salted[key] for key in one) / 2_000 < 0.6


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6), st.text(max_size=30))
def test_any_shares_and_any_key_give_a_version_with_a_share(weights, key):
    total = math.fsum(weights)
    shares = {str(at): weight / total for at, weight in enumerate(weights)}
    line = Line("m", {at: Model(name="m", version=at) for at in shares}, shares)
    assert line.choose(key) is line.choose(key)
    assert line.choose(key).served.version in shares


def test_keys_of_any_letters_are_dealt():
    routes = two({"1": 0.5, "2": 0.5})
    for key in ("", "\udcff", "ключ", "x" * 100_000, "\0"):
        assert routes.choose("churn", key=key) == routes.choose("churn", key=key)


def test_what_is_not_there_is_told_with_the_nearest_word():
    routes = two()
    with pytest.raises(UnknownNameError, match="did you mean 'churn'"):
        routes.choose("chrun")
    with pytest.raises(UnknownNameError, match="version of churn"):
        routes.choose("churn", "7")
    with pytest.raises(UnknownNameError, match="no model is served yet"):
        Routes().choose()


@pytest.mark.parametrize("shares", [
    {"1": 0.5}, {"1": 0.5, "2": 0.6}, {"1": -0.5, "2": 1.5}, {"1": math.nan, "2": 1},
    {"1": True}, {}, {"1": "1"}])
def test_shares_that_are_none_are_refused_and_change_nothing(shares):
    routes = two()
    before = routes.facts()
    with pytest.raises(ParameterError):
        routes.split("churn", shares)
    assert routes.facts() == before


def test_shares_and_shadows_of_versions_that_are_not_there_are_refused():
    routes = two()
    with pytest.raises(UnknownNameError):
        routes.split("churn", {"1": 0.5, "3": 0.5})
    with pytest.raises(UnknownNameError):
        routes.shadow("churn", ["3"])


def test_shadows_get_a_copy_unless_they_answer_or_a_version_is_stated():
    routes = two()
    routes.shadow("churn", ["2"])
    assert [each.version for each in routes.choose("churn").shadows] == ["2"]
    assert routes.choose("churn", "1").shadows == ()
    routes.split("churn", {"2": 1.0})
    assert routes.choose("churn").shadows == ()


def test_a_swap_retires_what_answered_and_keeps_what_shadows():
    routes = two()
    routes.shadow("churn", ["2"])
    routes.swap(Model(name="churn", version="3"))
    assert list(routes.line("churn").versions) == ["2", "3"]
    assert routes.shares("churn") == {"3": 1.0}
    with pytest.raises(ParameterError, match="answers requests"):
        routes.remove("churn", "3")
    routes.remove("churn", "2")
    assert routes.choose("churn").shadows == ()
    routes.remove("churn")
    assert routes.names() == []


def test_versions_come_in_order_of_number():
    routes = Routes()
    for version in ("10", "2", "1", "beta"):
        routes.put(Model(name="m", version=version))
    assert [served.version for served in routes.served()] == ["1", "2", "10", "beta"]


def test_a_version_that_was_taken_away_finishes_what_it_has():
    class Held:
        def __init__(self, version: str) -> None:
            self.name, self.version = "churn", version

    routes = Routes()
    routes.put(Held("1"))
    choice = routes.choose("churn")
    routes.swap(Held("2"))
    assert [served.version for served in routes.retiring()] == ["1"]
    assert choice.served.version == "1"
    del choice
    gc.collect()
    assert routes.retiring() == []


def test_every_change_is_told_and_counted():
    told = []
    routes = two(told=lambda event, facts: told.append((event, facts["revision"])))
    routes.split("churn", {"1": 0.5, "2": 0.5})
    routes.lay("churn", [Model(name="churn", version="9")], {"9": 1.0})
    assert told == [("route_added", 1), ("route_added", 2), ("route_split", 3), ("route_laid", 4)]
    assert routes.revision == 4


def test_requests_among_swaps_always_find_a_whole_table():
    routes, stop, faults, seen = two({"1": 0.5, "2": 0.5}), threading.Event(), [], set()

    def ask() -> None:
        while not stop.is_set():
            try:
                choice = routes.choose("churn", key=str(time.perf_counter()))
                shown = {each.version for each in choice.shadows}
                if choice.served.version in shown:
                    faults.append("a version shadows itself")
                seen.add(choice.served.version)
            except Exception as error:
                faults.append(repr(error))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    number, end = 3, time.monotonic() + 30
    while (number < 60 or len(seen) < 5) and time.monotonic() < end:
        number += 1
        time.sleep(0)
        served = [Model(name="churn", version=str(number - 1)),
                  Model(name="churn", version=str(number))]
        routes.lay("churn", served, {str(number - 1): 0.5, str(number): 0.5}, [str(number)])
    stop.set()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(seen) >= 5
