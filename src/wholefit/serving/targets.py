"""What a path asks: a model's verb, a page, or feedback."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wholefit.base.errors import nearest
from wholefit.serving._http import Request
from wholefit.serving.options import Options
from wholefit.serving.problems import Refused

MODELS = "/v1/models"
FEEDBACK = "/v1/feedback"
PROBES = {"/livez": "live", "/readyz": "ready", "/startupz": "started"}
PAGES = {"/": "index", MODELS: "models", "/openapi.json": "openapi", "/metrics": "metrics"}
_MOST = 1_000


@dataclass(frozen=True)
class Target:
    """What is asked: `verb` of a model ("" its first), a `page`, or feedback (neither).

    `name` and `version` are None where the path says none. `scope` is the right that a caller
    needs; None for probes.
    """

    name: str | None = None
    version: str | None = None
    verb: str | None = None
    page: str | None = None
    scope: str | None = "predict"
    methods: tuple[str, ...] = ("POST",)


class Targets:
    """Paths to targets; those of models are kept once they were parsed."""

    def __init__(self, options: Options) -> None:
        self._fixed: dict[str, Target] = {
            **{path: Target(page=page, scope=None, methods=("GET", "HEAD"))
               for path, page in PROBES.items()},
            **{path: Target(page=page, scope="read", methods=("GET", "HEAD"))
               for path, page in PAGES.items()},
            **dict.fromkeys(options.health_paths,
                            Target(page="ready", scope=None, methods=("GET", "HEAD"))),
            FEEDBACK: Target(scope="feedback"),
            "/predict": Target(verb=""), **dict.fromkeys(options.predict_paths, Target(verb="")),
        }
        self._parsed: dict[tuple[str, str], Target] = {}

    def find(self, request: Request) -> Target:
        """The target of a request; Refused (404, 405) where there is none."""
        path, method = request.path, request.method
        found = self._fixed.get(path) or self._parsed.get((path, method))
        if found is None:
            found = self._parse(path, method)
            if len(self._parsed) < _MOST:
                self._parsed[path, method] = found
        if method not in found.methods:
            allowed = ", ".join(found.methods)
            raise Refused(405, f"{path[:200]} takes {allowed}; got {method[:20]}.",
                          headers=[(b"allow", allowed.encode())])
        return found

    def _parse(self, path: str, method: str) -> Target:
        """/verb, or /v1/models/NAME[/versions/VERSION][:VERB]."""
        if path.startswith(MODELS + "/"):
            return _of_model(path[len(MODELS) + 1:], path)
        word = path[1:]
        if word and "/" not in word and word.isidentifier():
            return Target(verb=word)
        close = nearest(path, self._fixed)
        raise Refused(404, f"nothing is at {path[:200]!r}; " + (
            f"did you mean {close}?" if close else f"see {MODELS} and /openapi.json."))


def _of_model(rest: str, path: str) -> Target:
    head, colon, verb = rest.rpartition(":")
    if not colon or "/" in verb:
        head, verb = rest, ""
    name, middle, version = head.partition("/versions/")
    target = Target(name=name or None, version=version if middle else None)
    if not name or (middle and not version) or "/" in version:
        raise Refused(404, f"nothing is at {path[:200]!r}: models are at {MODELS}/NAME:VERB and "
                      f"{MODELS}/NAME/versions/VERSION:VERB.")
    if not colon or not verb:
        return replace(target, page="model", scope="read", methods=("GET", "HEAD"))
    return replace(target, verb=verb)
