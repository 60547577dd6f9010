"""Spans of OpenTelemetry around what models are asked, where the library is there and wanted.

Where spans go is said by OpenTelemetry's own environment variables or by the program that runs
the server; a trace that began with the caller (the header "traceparent") goes on here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from wholefit.base.optional import need
from wholefit.serving._http import Request
from wholefit.serving.targets import Target


class Tracing:
    """Makes a span for each request of a model."""

    def __init__(self) -> None:
        user = "tracing requests"
        self._trace = need("opentelemetry.trace", extra="trace", user=user)
        self._propagate = need("opentelemetry.propagate", extra="trace", user=user)
        self._tracer = self._trace.get_tracer("wholefit.serving")

    @contextmanager
    def span(self, request: Request, target: Target) -> Iterator[None]:
        """A span of one request: its route and id, not its rows; errors mark it."""
        parent = self._propagate.extract({
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in request.headers.items() if name in (b"traceparent", b"tracestate")})
        facts = {"http.request.method": request.method, "http.route": _route(target),
                 "wholefit.request": request.id, "wholefit.verb": target.verb or "predict"}
        with self._tracer.start_as_current_span(
                "predict", context=parent, kind=self._trace.SpanKind.SERVER, attributes=facts,
                record_exception=False) as span:
            yield
            if request.meter is not None:
                for name, value in request.meter.labels.items():
                    span.set_attribute(f"wholefit.{name}", value)
                span.set_attribute("wholefit.rows", request.rows)


def _route(target: Target) -> str:
    if target.name is None:
        return "/predict"
    return "/v1/models/{name}" + ("/versions/{version}" if target.version else "") + ":{verb}"
