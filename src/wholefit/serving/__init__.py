"""A fitted model -> HTTP answers: a plain ASGI application, without a framework.

    app.App            the application: routes, limits, health, metrics, logs
    _model.Served      what it asks of a model; api/serving.py makes one of any fitted thing
    routing.Routes     which model and version answers a request

Rows come in by name (JSON, CSV, Parquet, Arrow, forms, plain text) and answers go out in the
shape that was asked. See docs/serve.md.
"""

from __future__ import annotations
