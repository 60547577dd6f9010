"""Serving fitted models over HTTP: `wf.serve`, and what `wholefit serve` does.

>>> with wf.serve("churn.wf", port=0, wait=False) as server:          # doctest: +SKIP
...     print(server.url)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from wholefit.api._keeping import LogKeeper
from wholefit.api._served import ServedResult
from wholefit.api._served_found import served_found
from wholefit.api.found import FoundResult
from wholefit.api.result import Result, load
from wholefit.base.errors import ArtifactError, ParameterError, WholefitError
from wholefit.serving._model import PLAIN, Access, Served
from wholefit.serving.app import App
from wholefit.serving.following import Follower
from wholefit.serving.logs import Lines
from wholefit.serving.options import Options
from wholefit.serving.routing import Routes
from wholefit.serving.running import Running, begin, run

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def served(
    model: Any, name: str | None = None, version: str | int = "1", *, sure: float = 0.6,
    facts: Mapping[str, Any] | None = None, trust: Any = None, key: Any = None,
) -> Served:
    """A model file, or a fitted thing, ready to answer requests.

    `name` is the file's own without its ending, or "model". `facts` are told beside those of the
    model itself; `trust` and `key` are those of `wf.load`. Raises what `wf.load` raises, and
    ParameterError for a name that no address can hold.
    """
    named = name or (Path(model).name.split(".")[0] if isinstance(model, (str, Path)) else "model")
    if not _NAME.fullmatch(named) or not _NAME.fullmatch(str(version)):
        raise ParameterError("a model's name and version must be letters, digits, dots, hyphens "
                             f"and underscores; got {named!r} and {str(version)!r}: say "
                             "name=, or NAME=FILE on the command line.")
    told: dict[str, Any] = dict(facts or {})
    if isinstance(model, (str, Path)):
        told["sha256"] = _digest(model)
        model = load(model, trust=trust, key=key)
    if not isinstance(model, (Result, FoundResult)):
        raise ParameterError(f"a model to serve is a file (.wf) or what wf.fit gave; got "
                             f"{type(model).__name__}.")
    told = {**_facts(model), **told}
    if isinstance(model, Result):
        return _warm(ServedResult(model, named, str(version), told, sure))
    return _warm(served_found(model, named, str(version), told))


def serve(
    models: Any = None, *, registry: str | Path | None = None, names: Sequence[str] = (),
    log: str | None = None, keep_rows: bool = False, seal: Any = None, unseal: Any = None,
    access: Access | None = None, trust: Any = None, key: Any = None, drift: bool = False,
    lines: IO[bytes] | None = None, wait: bool = True,
    ready: Callable[[str], None] = lambda url: None, **options: Any,
) -> Running | None:
    """Serve models over HTTP until a signal to stop; see docs/serve.md.

    `models`: a file, a fitted thing, a list of them, or a dict of name (or "name@version") to one.
    `registry`: a folder whose promoted versions are served, and followed as they change; `names`
    which of its models, else all. `log`: where answers are kept (a file, or a database's URL),
    with the rows themselves where `keep_rows`; `seal` and `unseal` encrypt them; `drift` judges it
    once a minute and tells the newest verdict among the metrics. `access` says who may ask (see
    `wholefit.serving.access.guard`); `trust` and `key` are those of `wf.load`; `lines` is a binary
    stream for lines of log. `options` are those of `wholefit.serving.options.Options`. With
    `wait=False` the server runs in a thread and is given back: `url`, `stop()`, or a `with` block.
    """
    made = Server(models, Options.from_dict(options), registry=registry, names=names,
                  log=None if log is None else Logging(log, keep_rows, seal, unseal, drift),
                  access=access, trust=trust, key=key, lines=lines)
    if not wait:
        return made.begin()
    made.run(ready)
    return None


@dataclass(frozen=True)
class Logging:
    """Where answers are kept, and how."""

    url: str
    keep_rows: bool = False
    seal: Callable[[bytes], bytes] | None = None
    unseal: Callable[[bytes], bytes] | None = None
    drift: bool = False


class Server:
    """What a server is made of: routes, log, access and the application; `run` or `begin` it."""

    def __init__(
        self, models: Any, options: Options, *, registry: str | Path | None = None,
        names: Sequence[str] = (), log: Logging | None = None, access: Access | None = None,
        trust: Any = None, key: Any = None, lines: IO[bytes] | None = None,
    ) -> None:
        if models is None and registry is None:
            raise ParameterError("serve must be told what: a model, or registry= a folder of "
                                 "promoted versions.")
        self.options, self._lines, self._access = options, Lines(lines, options.log_lines), access
        self._loading: dict[str, Any] = {"sure": options.sure, "trust": trust, "key": key}
        self.keeper: LogKeeper | None = None
        self.routes = Routes(told=self._told)
        for name, version, model in _named(models):
            self.routes.put(served(model, name, version, **self._loading))
        self._follower = self._followed(registry, names)
        if not self.routes.served() and self._follower and self._follower.fault:
            raise WholefitError("no promoted version can be served: " + self._follower.fault)
        if not self.routes.served():
            raise WholefitError("nothing is promoted in the registry yet: `wholefit registry "
                                "promote` makes a version the one that is served.")
        if log is not None:
            self.keeper = LogKeeper(log.url, log.keep_rows, log.seal, log.unseal, self._lines,
                                    self.routes.served)
        self.app = App(self.routes, options, access=access, keeper=self.keeper, lines=self._lines)
        self._live = self._judged(log)
        self.app.metrics.more += [each.text for each in self._live]
        if self.keeper is not None:
            self.app.metrics.gauges += self.keeper.gauges()

    def run(self, ready: Callable[[str], None]) -> None:
        """Serve in the foreground until a signal to stop."""
        self._begin()
        try:
            run(self.app, ready)
        finally:
            self.close()

    def begin(self) -> Running:
        """Serve in a thread."""
        self._begin()
        try:
            return begin(self.app, self.close)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End what runs beside the server: following, the log."""
        if self._follower is not None:
            self._follower.stop()
        for each in self._live:
            each.close()
        if self.keeper is not None:
            self.keeper.close()

    def _begin(self) -> None:
        self._lines.say("serving", models=[f"{each.name}@{each.version}"
                                           for each in self.routes.served()])
        if self._follower is not None:
            self._follower.start()

    def _followed(self, registry: str | Path | None, names: Sequence[str]) -> Follower | None:
        if registry is None:
            return None
        from wholefit.artifact.registry import Registry

        source = Registry(registry, make=False)
        follower = Follower(source, self.routes, self._load, names=names or source.names,
                            told=self._told)
        follower.step()
        return follower

    def _load(self, version: Any) -> Served:
        made = served(Path(version.path), version.name, version.number, **self._loading)
        if self.keeper is not None:
            self.keeper.watch(made)
        return made

    def _judged(self, log: Logging | None) -> list[Any]:
        """What judges the log of each model, for the metrics."""
        if log is None or not log.drift:
            return []
        from wholefit.api.monitoring import Live

        unseal: dict[str, Any] = {} if log.unseal is None else {"unseal": log.unseal}
        return [Live(each.result, log.url, name=each.name, version=each.version, **unseal)
                for each in self.routes.served() if hasattr(each, "result")]

    def _told(self, event: str, facts: dict[str, Any]) -> None:
        self._lines.say(event, "warning" if event.endswith("failed") else "info", **facts)
        changed = getattr(self._access, "changed", None)
        if changed is not None:
            changed(event, facts)


def _named(models: Any) -> list[tuple[str | None, str, Any]]:
    """(name, version, model) of what a person gave; a repeated name is the next version."""
    if models is None:
        return []
    if isinstance(models, Mapping):
        given = [(str(name), model) for name, model in models.items()]
    else:
        listed = list(models) if isinstance(models, (list, tuple)) else [models]
        given = [(Path(each).name.split(".")[0] if isinstance(each, (str, Path)) else
                  "model", each) for each in listed]
    found: list[tuple[str | None, str, Any]] = []
    for word, model in given:
        name, _, version = word.partition("@")
        taken = {v for n, v, _ in found if n == name}
        number = version or str(next(at for at in range(1, len(found) + 2)
                                     if str(at) not in taken))
        if number in taken:
            raise ParameterError(f"version {number} of {name!r} is said twice; give each its own: "
                                 "NAME@VERSION=FILE.")
        found.append((name, number, model))
    return found


def _facts(model: Any) -> dict[str, Any]:
    """What may be told of a fitted thing: nothing of its rows."""
    score = model.score
    told = {"said": model.said, "model": model.model,
            "score": None if score is None else {
                "metric": score.metric, "value": score.value, "low": score.low, "high": score.high},
            "trained": {name: model.lineage.get(name) for name in ("rows", "wholefit", "created")
                        if model.lineage.get(name) is not None}}
    if isinstance(model, Result):
        told["target"] = model.target
        if model.classes is not None:
            told["classes"] = list(model.classes)
    return told


def _digest(path: str | Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _warm(made: Any) -> Served:
    """The model, asked once, so that what it needs is awake before the first request."""
    row = {each.name: _example(each) for each in made.inputs}
    try:
        if made.rowwise(PLAIN):
            made.answer([row], PLAIN)
    except ArtifactError:
        raise  # it could answer nobody
    except WholefitError:
        pass  # an empty row may be none that it can answer; it is awake all the same
    return made


def _example(each: Any) -> Any:
    if each.role == "categorical" and each.levels:
        return each.levels[0]
    if each.role in ("numeric", "boolean"):
        return 0.0 if each.low is None else each.low
    return None if each.role == "image" else ""
