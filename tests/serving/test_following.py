"""Following a registry: promoted means served, and what cannot be loaded hurts nobody."""

from __future__ import annotations

import time
from types import SimpleNamespace as Thing

import pytest

from wholefit.base.errors import ArtifactError
from wholefit.serving import following
from wholefit.serving.following import Follower
from wholefit.serving.routing import Routes


class Registry:
    """What a registry says, in memory."""

    def __init__(self) -> None:
        self.revision = 1
        self.numbers, self.promoted = [1], 1
        self.shares: dict[int, float] = {}
        self.copies: list[int] = []

    def versions(self, name):
        return [Thing(name=name, number=number) for number in self.numbers]

    def served(self, name):
        return None if self.promoted is None else Thing(name=name, number=self.promoted)

    def traffic(self, name):
        return self.shares

    def shadows(self, name):
        return self.copies

    def change(self, **what) -> None:
        for name, value in what.items():
            setattr(self, name, value)
        self.revision += 1


def made(bad=()):
    """A registry, its routes, a follower, and what was loaded and told."""
    registry, routes, loaded, told = Registry(), Routes(), [], []

    def load(version):
        loaded.append(version.number)
        if version.number in bad:
            raise ArtifactError("it is damaged")
        return Thing(name=version.name, version=str(version.number))

    follower = Follower(registry, routes, load, names=["churn"],
                        told=lambda event, facts: told.append((event, facts)))
    return registry, routes, follower, loaded, told


def test_a_promotion_is_followed_and_nothing_is_loaded_twice():
    registry, routes, follower, loaded, _ = made()
    assert follower.step() and not follower.step()
    assert routes.choose("churn").served.version == "1"
    registry.change(numbers=[1, 2], promoted=2)
    assert follower.step()
    assert routes.choose("churn").served.version == "2"
    assert loaded == [1, 2]
    assert list(routes.line("churn").versions) == ["2"]


def test_a_canary_gets_its_share_and_the_promoted_one_the_rest():
    registry, routes, follower, loaded, _ = made()
    registry.change(numbers=[1, 2, 3], shares={2: 0.2}, copies=[3])
    follower.step()
    assert routes.shares("churn") == pytest.approx({"2": 0.2, "1": 0.8})
    assert [each.version for each in routes.choose("churn").shadows] == ["3"]
    registry.change(shares={1: 0.5, 2: 0.5}, copies=[])
    follower.step()
    assert routes.shares("churn") == {"1": 0.5, "2": 0.5}
    assert sorted(loaded) == [1, 2, 3]


def test_nothing_promoted_is_nothing_served():
    registry, routes, follower, _, _ = made()
    registry.change(promoted=None)
    assert not follower.step()
    assert routes.names() == []


def test_a_version_that_cannot_be_loaded_leaves_what_answered(monkeypatch):
    registry, routes, follower, loaded, told = made(bad=(2,))
    follower.step()
    registry.change(numbers=[1, 2], promoted=2)
    assert not follower.step()
    assert routes.choose("churn").served.version == "1"
    assert [event for event, _ in told] == ["version_failed"]
    assert "damaged" in told[0][1]["error"]
    assert not follower.step() and loaded == [1, 2]  # not tried again at once
    monkeypatch.setattr(time, "monotonic", lambda: 1e12)
    follower.step()
    assert loaded == [1, 2, 2]


def test_a_shadow_that_cannot_be_loaded_does_not_hold_up_a_promotion():
    registry, routes, follower, _, told = made(bad=(3,))
    registry.change(numbers=[1, 2, 3], promoted=2, copies=[3])
    assert follower.step()
    assert routes.choose("churn").served.version == "2"
    assert routes.choose("churn").shadows == ()
    assert told[0][1]["version"] == "3"


def test_shares_that_are_none_change_nothing():
    registry, routes, follower, _, told = made()
    follower.step()
    registry.change(numbers=[1, 2], shares={1: 0.9, 2: 0.9})
    assert not follower.step()
    assert routes.shares("churn") == {"1": 1.0}
    assert told[-1][0] == "registry_failed"


def test_the_plan_is_of_one_state_of_the_registry():
    registry, routes, follower, _, _ = made()
    registry.change(numbers=[1, 2])
    asked = registry.traffic

    def traffic(name):
        if registry.promoted == 1:  # somebody promotes while it is being read
            registry.change(promoted=2)
        return asked(name)

    registry.traffic = traffic
    follower.step()
    assert routes.choose("churn").served.version == "2"


def test_the_background_thread_follows_and_survives_a_registry_that_fails():
    registry, routes, _, _, _ = made()
    told = []
    follower = Follower(
        registry, routes, lambda v: Thing(name=v.name, version=str(v.number)),
        names=lambda: ["churn"], every=0.01, told=lambda event, facts: told.append(event))
    whole, broken = Registry.versions, lambda *_: 1 / 0
    registry.versions = lambda name: broken()
    follower.start()
    _until(lambda: told)
    registry.versions = lambda name: whole(registry, name)
    _until(lambda: routes.names())
    follower.stop()
    assert told[0] == "registry_failed"
    assert following._AGAIN > 1


def _until(met, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end
        time.sleep(0.005)
