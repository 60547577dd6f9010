"""`wholefit serve`: models over HTTP until a signal to stop."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.base.errors import WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command, literal
from wholefit.cli._options import option


@command("serve")
def serve(
    models: Annotated[list[str] | None, typer.Argument(
        help="Model files: FILE, NAME=FILE or NAME@VERSION=FILE; the first answers /predict.",
        metavar="[MODEL]...")] = None,
    host: Annotated[str, option("Address to listen on; 0.0.0.0 for all of the machine's.",
                                "ADDRESS")] = "127.0.0.1",
    port: Annotated[int, option("Port; 0 takes a free one.", "N")] = 8000,
    registry: Annotated[Path | None, option(
        "Folder of a registry: what is promoted there is served, and changes are followed.",
        "FOLDER")] = None,
    only: Annotated[list[str] | None, option(
        "Of the registry, this model; may be repeated.", "NAME")] = None,
    log: Annotated[str | None, option(
        "Keep answers and feedback: a file, or a database's URL.", "LOG")] = None,
    keep_rows: Annotated[bool, typer.Option(
        "--keep-rows", help="Keep the rows in the log, too: they may be personal data.")] = False,
    seal_log: Annotated[str | None, option(
        "Encrypt what the log keeps; where the key comes from, e.g. env:LOG_KEY.",
        "SOURCE")] = None,
    drift: Annotated[bool, typer.Option(
        "--drift", help="Judge the log once a minute; the verdict is among the metrics.")] = False,
    keys: Annotated[Path | None, option(
        "File of API keys (`wholefit keys`); without, everybody is answered.", "FILE")] = None,
    rate: Annotated[float | None, option(
        "Requests a second, of each key or address, at most.", "N")] = None,
    audit: Annotated[Path | None, option(
        "Record of who was refused and what was changed.", "FILE")] = None,
    free: Annotated[list[str] | None, option(
        "A scope that asks for no key: read, predict, feedback; may be repeated.",
        "SCOPE")] = None,
    trust: Annotated[Path | None, option(
        "Only models that a key in this file has signed.", "FILE")] = None,
    key: Annotated[str | None, option(
        "Where the key of sealed models comes from, e.g. env:MODEL_KEY.", "SOURCE")] = None,
    certificate: Annotated[Path | None, option("TLS certificate chain (PEM).", "FILE")] = None,
    private_key: Annotated[Path | None, option("Its private key (PEM).", "FILE")] = None,
    clients: Annotated[Path | None, option(
        "Authorities (PEM) one of which must vouch for a caller's certificate.", "FILE")] = None,
    lines: Annotated[str, option(
        "Lines of log on standard error, of requests: all, errors or none.", "WORD")] = "all",
    limit: Annotated[list[str] | None, option(
        "Another limit, e.g. rows=1000, body=1000000, concurrent=200, answering=5, drain=5, "
        "sure=0.8; may be repeated (docs/serve.md lists them).", "NAME=VALUE")] = None,
    predict_path: Annotated[list[str] | None, option(
        "One more path that answers as /predict does; may be repeated.", "PATH")] = None,
    health_path: Annotated[list[str] | None, option(
        "One more path that answers as /readyz does; may be repeated.", "PATH")] = None,
    trace: Annotated[bool, typer.Option(
        "--trace", help="Spans of OpenTelemetry, by the environment's settings.")] = False,
) -> None:
    """Answer rows over HTTP with one or more models, until a signal to stop.

    wholefit serve churn.wf --log answers.db

    curl localhost:8000/predict -H 'content-type: application/json' -d '{"age": 31}'
    """
    from wholefit.api.serving import serve as start

    if keys is None and host not in ("127.0.0.1", "localhost", "::1"):
        _show.aside(f"no --keys: whoever reaches {host} is answered.")
    start(_models(models), registry=registry, names=only or (), log=log, keep_rows=keep_rows,
          drift=drift, access=_access(keys, audit, rate, free), trust=trust, key=key,
          lines=getattr(sys.stderr, "buffer", None), ready=_ready, **_seals(seal_log),
          host=host, port=port, certificate=_text(certificate), log_lines=lines,
          private_key=_text(private_key), clients=_text(clients), trace=trace,
          predict_paths=tuple(predict_path or ()), health_paths=tuple(health_path or ()),
          **_limits(limit))


def _ready(url: str) -> None:
    _show.aside(f"serving at {url} (POST /predict, GET /v1/models, /openapi.json, /metrics); "
                "Ctrl-C stops it.")


def _models(words: list[str] | None) -> dict[str, str] | None:
    """NAME or NAME@VERSION to file; a file alone is named as it is."""
    if not words:
        return None
    found: dict[str, str] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not equals or "/" in name or Path(word).exists():
            name, path = Path(word).name.split(".")[0], word
        if name in found:
            raise WholefitError(f"two models are called {name!r}: say NAME=FILE, or "
                                f"{name}@VERSION=FILE for versions of one.")
        found[name] = path
    return found


def _access(
    keys: Path | None, audit: Path | None, rate: float | None, free: list[str] | None
) -> Any:
    if keys is None and audit is None and rate is None:
        return None
    from wholefit.serving.access import guard

    return guard(keys, audit, rate=rate, free=free or ())


def _seals(source: str | None) -> dict[str, Any]:
    if source is None:
        return {}
    from wholefit.base.sealing import sealer

    made = sealer(source, what="the key of the log")
    return {"seal": made.seal, "unseal": made.open}


def _limits(words: list[str] | None) -> dict[str, Any]:
    """Options of the server that have no flag of their own."""
    from wholefit.base.errors import unknown
    from wholefit.serving.options import Options

    own = {"host", "port", "log_lines", "trace", "certificate", "private_key", "clients",
           "predict_paths", "health_paths"}
    known = [spec.name for spec in Options.specs() if spec.name not in own]
    found: dict[str, Any] = {}
    for word in words or ():
        name, equals, value = word.partition("=")
        if not equals or not value:
            raise typer.BadParameter(f"--limit must be NAME=VALUE; got {word!r}.")
        if name not in known:
            raise unknown("limit", name, known)
        found[name] = literal(value)
    return found


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
