"""Following a registry: what is promoted there is served here, without a request that fails.

    follower = Follower(registry, routes, load)
    follower.step()      # once, now
    follower.start()     # and then every second, in the background

A new version is loaded and ready before the first request reaches it, and all routes of a model
change in one step. What cannot be loaded is told of, and what answered before goes on answering.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from wholefit.base.errors import WholefitError
from wholefit.serving._model import Served
from wholefit.serving.routing import Routes

Told = Callable[[str, dict[str, Any]], None]
_AGAIN = 30.0  # seconds until a version that could not be loaded is tried once more
_TRIES = 5


class Source(Protocol):
    """What is asked of a registry."""

    @property
    def revision(self) -> int:
        """Changes whenever anything else here does; cheap to ask."""

    def versions(self, name: str) -> Sequence[Any]:
        """Every version of a model, with `name` and `number`; the loader may look at more."""

    def served(self, name: str) -> Any:
        """The promoted version, or None."""

    def traffic(self, name: str) -> Mapping[int, float]:
        """Version to share; what is left to 1 belongs to the promoted one."""

    def shadows(self, name: str) -> Iterable[int]:
        """Versions that answer copies."""


@dataclass(frozen=True)
class _Plan:
    """What a registry wants of one model."""

    versions: dict[str, Any]
    shares: dict[str, float]
    shadows: tuple[str, ...]


class Follower:
    """Keeps `routes` as a registry wants them.

    `load(version)` gives a `Served` that is ready to answer; it is called once for each version
    and may take long. `names` are the models to follow, or a callable that says them. `told(event,
    facts)` hears of what was changed and of what failed.
    """

    def __init__(
        self, source: Source, routes: Routes, load: Callable[[Any], Served], *,
        names: Sequence[str] | Callable[[], Sequence[str]], every: float = 1.0,
        told: Told | None = None,
    ) -> None:
        self._source, self._routes, self._load = source, routes, load
        self._names, self._every, self._told = names, every, told
        self._seen: int | None = None
        self._again = math.inf
        self._laid: dict[str, _Plan] = {}
        self._stopping = threading.Event()
        self._working = threading.Lock()
        self._thread: threading.Thread | None = None
        self.fault: str | None = None
        """What failed last, in words."""

    def step(self) -> bool:
        """Look once, and change what has to change; True if anything was changed."""
        with self._working:
            revision = self._source.revision
            if revision == self._seen and time.monotonic() < self._again:
                return False
            plans = self._plans()
            self._again = math.inf
            changed = [self._follow(name, plan) for name, plan in plans.items()]
            self._seen = revision
            return any(changed)

    def start(self) -> None:
        """Look every so often, in the background, until `stop`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="wholefit-follow", daemon=True)
            self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End the background thread; a version that is being loaded is not waited for."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def _work(self) -> None:
        while not self._stopping.wait(self._every):
            try:
                self.step()
            except Exception as error:  # a registry that cannot be read now may be readable soon
                self._tell("registry_failed", {"error": f"{type(error).__name__}: {error}"[:300]})

    def _plans(self) -> dict[str, _Plan]:
        """What is wanted of every model, all of it from one state of the registry."""
        for _ in range(_TRIES):
            before = self._source.revision
            names = self._names() if callable(self._names) else self._names
            found = {name: plan for name in names if (plan := self._plan(name)) is not None}
            if self._source.revision == before:
                break
        return found

    def _plan(self, name: str) -> _Plan | None:
        """What is wanted of one model; None where nothing of it is promoted."""
        promoted = self._source.served(name)
        shares = {str(number): float(share)
                  for number, share in self._source.traffic(name).items() if share > 0}
        left = 1.0 - math.fsum(shares.values())
        if promoted is not None and left > 1e-9:
            shares[str(promoted.number)] = shares.get(str(promoted.number), 0.0) + left
        if not shares:
            return None
        shadows = tuple(str(number) for number in self._source.shadows(name))
        known = {str(version.number): version for version in self._source.versions(name)}
        wanted = {number: known[number] for number in (*shares, *shadows) if number in known}
        return _Plan(wanted, shares, tuple(each for each in shadows if each in wanted))

    def _follow(self, name: str, plan: _Plan) -> bool:
        if self._laid.get(name) == plan and name in self._routes.names():
            return False
        ready = dict(self._routes.line(name).versions) if name in self._routes.names() else {}
        # A version that is loaded already is the same one: a registry never gives a number twice.
        failed = [number for number, version in plan.versions.items()
                  if number not in ready and not self._loaded(ready, number, version)]
        shadows = tuple(number for number in plan.shadows if number in ready)
        served = [ready[number] for number in plan.versions if number in ready]
        try:
            if set(plan.shares) - set(ready):
                return False  # what answers goes on answering
            self._routes.lay(name, served, plan.shares, shadows)
        except WholefitError as error:  # shares that are none
            self._tell("registry_failed", {"name": name, "error": str(error)[:300]})
            return False
        if not failed:
            self._laid[name] = plan
        return True

    def _loaded(self, ready: dict[str, Served], number: str, version: Any) -> bool:
        """Load a version and put it among those that are ready; told of where it cannot be."""
        try:
            ready[number] = self._load(version)
            return True
        except Exception as error:  # whatever a new file holds
            self._again = time.monotonic() + _AGAIN
            self._tell("version_failed", {"name": version.name, "version": number,
                                          "error": f"{type(error).__name__}: {error}"[:300]})
            return False

    def _tell(self, event: str, facts: dict[str, Any]) -> None:
        self.fault = facts.get("error")
        if self._told is not None:
            self._told(event, facts)
