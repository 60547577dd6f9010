"""Spans of OpenTelemetry: one a request, of the caller's trace, without its rows."""

from __future__ import annotations

import pytest
from tests.serving.fakes import Doubler
from tests.serving.served import Client

from wholefit.base.errors import MissingExtraError
from wholefit.base.optional import available
from wholefit.serving.app import App
from wholefit.serving.options import Options
from wholefit.serving.routing import Routes

pytest.importorskip("uvicorn")


def app(trace: bool = True) -> App:
    routes = Routes()
    routes.put(Doubler())
    return App(routes, Options(port=0, trace=trace))


@pytest.mark.skipif(not available("opentelemetry"), reason="opentelemetry is not installed")
def test_a_request_is_a_span_of_the_callers_trace() -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from wholefit.serving.running import begin

    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with begin(app()) as server:
        client = Client(server.url)
        got = client.post("/predict", {"x": 31337}, traceparent=parent)
        client.post("/predict", {"x": "old"})
    first, second = kept.get_finished_spans()
    assert f"{first.context.trace_id:032x}" == parent[3:35]
    told = dict(first.attributes)
    assert told["wholefit.request"] == got.headers["x-request-id"]
    assert told["wholefit.model"] == "twice" and told["wholefit.rows"] == 1
    assert "31337" not in first.to_json() + second.to_json()
    assert not second.status.is_ok


@pytest.mark.skipif(available("opentelemetry"), reason="opentelemetry is installed")
def test_without_the_library_it_is_said_what_to_install() -> None:
    with pytest.raises(MissingExtraError, match=r"wholefit\[trace\]"):
        app()
