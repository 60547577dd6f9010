"""What is told without asking a model: what is served, OpenAPI, metrics, health; and feedback."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

from wholefit.base.errors import unknown
from wholefit.serving import _json, metrics, openapi
from wholefit.serving._http import JSON, Reply, Request
from wholefit.serving._model import Keeper, Routing, Served
from wholefit.serving.health import Health
from wholefit.serving.metrics import Metrics
from wholefit.serving.options import Options
from wholefit.serving.problems import Refused
from wholefit.serving.targets import FEEDBACK, MODELS, Target

_LONGEST_ID = 200
_MOST_TRUTHS = 10_000


class Pages:
    """Answers that need no model."""

    def __init__(self, routes: Routing, options: Options, health: Health, counts: Metrics,
                 keeper: Keeper | None, pool: Executor) -> None:
        self._routes, self._options, self._health = routes, options, health
        self._metrics, self._keeper, self._pool = counts, keeper, pool
        self._openapi: tuple[int, bytes] = (-1, b"")

    def get(self, target: Target, request: Request) -> Reply:
        """The reply to a GET."""
        page = target.page
        if page == "live":
            return Reply(*self._health.live())
        if page == "ready":
            return Reply(*self._health.ready())
        if page == "started":
            return Reply(*self._health.begun())
        if page == "metrics":
            return Reply(200, self._text(), metrics.MEDIA)
        if page == "openapi":
            return Reply(200, self._document(), JSON)
        if page == "model":
            return Reply(200, _json.dumps(self._model(target)))
        if page == "models":
            return Reply(200, _json.dumps({"models": [
                self._told(each) for each in self._routes.served()]}))
        return Reply(200, _json.dumps(self._index()))

    async def feedback(self, body: bytes, request: Request) -> Reply:
        """Take what became true of answers that were given before."""
        if self._keeper is None:
            raise Refused(409, "this server keeps no log of answers, so feedback has nothing to "
                          "belong to: start it with --log.")
        told = _truths(body)
        known = await asyncio.get_running_loop().run_in_executor(
            self._pool, self._keeper.feedback, told)
        self._metrics.feedback += len(told)
        return Reply(202, _json.dumps({"taken": len(told), "known": known,
                                       "request": request.id}))

    def _text(self) -> bytes:
        models = [{"model": each.name, "version": each.version, "task": each.task,
                   "sha256": str(each.facts.get("sha256", ""))} for each in self._routes.served()]
        return self._metrics.text(models).encode()

    def _document(self) -> bytes:
        """OpenAPI, made anew when what is served has changed."""
        revision = self._routes.revision
        if self._openapi[0] != revision:
            self._openapi = revision, _json.dumps(openapi.document(
                self._routes.served(), self._options, feedback=self._keeper is not None))
        return self._openapi[1]

    def _index(self) -> dict[str, Any]:
        served = self._routes.served()
        return {"models": list(dict.fromkeys(each.name for each in served)),
                "ask": "POST /predict", "facts": MODELS, "openapi": "/openapi.json",
                "metrics": "/metrics", "feedback": FEEDBACK,
                "health": ["/livez", "/readyz", "/startupz"]}

    def _model(self, target: Target) -> dict[str, Any]:
        """Facts of a model and its versions, or of one version."""
        served = self._routes.served()
        here = [each for each in served if each.name == target.name]
        if not here:
            raise Refused(404, str(unknown("model", str(target.name), [e.name for e in served])))
        if target.version is None:
            return {"name": target.name, "ready": True,
                    "versions": [self._told(each) for each in here]}
        for each in here:
            if each.version == target.version:
                return {**self._told(each), "ready": True}
        raise Refused(404, str(unknown(f"version of {target.name}", target.version,
                                       [each.version for each in here])))

    def _told(self, served: Served) -> dict[str, Any]:
        share = self._routes.shares(served.name).get(served.version, 0.0)
        return {"name": served.name, "version": served.version, "task": served.task,
                "share": share, **served.facts,
                "verbs": [{"name": verb.name, "says": verb.doc, "gives": verb.answer,
                           "options": list(verb.options)} for verb in served.verbs],
                "inputs": [_input(each) for each in served.inputs]}


def _input(each: Any) -> dict[str, Any]:
    return {"name": each.name, "role": each.role, "required": each.required,
            **({} if each.levels is None else {"levels": list(each.levels)}),
            **({} if each.low is None else {"low": each.low, "high": each.high})}


def _truths(body: bytes) -> list[tuple[str, Any, float | None]]:
    """Ids with truths of a feedback's body: one object, a list, or {"rows": [...]}."""
    try:
        value = _json.loads(body) if body else None
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is no JSON: {str(error)[:200]}.") from None
    if isinstance(value, Mapping) and isinstance(value.get("rows"), list):
        value = value["rows"]
    rows = [value] if isinstance(value, Mapping) else value
    if not isinstance(rows, list) or not rows or len(rows) > _MOST_TRUTHS:
        raise Refused(400, "feedback must be {\"id\": ..., \"truth\": ...}, or a list of 1 to "
                      f"{_MOST_TRUTHS:,} of them.")
    return [_truth(row, at) for at, row in enumerate(rows, 1)]


def _truth(row: Any, at: int) -> tuple[str, Any, float | None]:
    if not isinstance(row, Mapping) or "truth" not in row:
        raise Refused(422, "each piece of feedback must be an object with id and truth; row "
                      f"{at:,} is not.", rows=[at], column="truth")
    name, truth, when = row.get("id"), row["truth"], row.get("at")
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_ID:
        raise Refused(422, "id must be the text that came with the answer (x-request-id, or "
                      f"\"id\"); row {at:,} has none such.", rows=[at], column="id")
    if not isinstance(truth, (str, int, float, bool)):
        raise Refused(422, f"truth must be a single value; got {type(truth).__name__} (row "
                      f"{at:,}).", rows=[at], column="truth")
    if when is not None and (isinstance(when, bool) or not isinstance(when, (int, float))
                             or not 0 <= when < 1e11):
        raise Refused(422, f"at must be seconds since 1970; got {str(when)[:40]!r} (row {at:,}).",
                      rows=[at], column="at")
    return name, truth, None if when is None else float(when)
