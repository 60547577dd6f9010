"""What a server may be told: limits, addresses, TLS, logs."""

from __future__ import annotations

from dataclasses import dataclass

from wholefit.base.params import Params, param


@dataclass(frozen=True)
class Options(Params):
    """How a server listens, and what it bears."""

    host: str = param("127.0.0.1", "Address to listen on; 0.0.0.0 for every one of the machine.")
    port: int = param(8000, "Port; 0 takes a free one.", low=0, high=65535)
    body: int = param(16_000_000, "Bytes of a request, at most, also once unpacked.", low=1_000)
    rows: int = param(100_000, "Rows of a request, at most.", low=1)
    concurrent: int = param(1_000, "Requests at one time, at most; more are told to come later.",
                            low=1)
    queue: int = param(10_000, "Rows that may wait for a model, at most.", low=1)
    batch: int = param(256, "Rows of waiting requests that are answered together, at most.", low=1)
    threads: int = param(2, "Threads for models that take long.", low=1, high=256)
    reading: float = param(20.0, "Seconds that a request may take to arrive.", above=0)
    answering: float = param(30.0, "Seconds that an answer may take.", above=0)
    idle: float = param(75.0, "Seconds that a connection may be idle.", above=0)
    drain: float = param(0.0, "Seconds to go on taking requests after a signal to stop, while "
                         "/readyz already says no.", low=0)
    grace: float = param(30.0, "Seconds that requests may go on after that.", low=0)
    sure: float = param(0.6, "Answers of a class less sure than this carry a flag.", low=0, high=1)
    log_lines: str = param("all", "Lines of log: of every request, of errors alone, or none.",
                     choices=("all", "errors", "none"))
    trace: bool = param(False, "Spans of OpenTelemetry, by the environment's own settings.")
    certificate: str | None = param(None, "TLS certificate chain, a PEM file.", none=True)
    private_key: str | None = param(None, "Its private key, a PEM file.", none=True)
    clients: str | None = param(None, "Certificates of authorities; who calls must have one of "
                                "theirs (mutual TLS).", none=True)
    predict_paths: tuple[str, ...] = param((), "More paths that answer as /predict does.")
    health_paths: tuple[str, ...] = param((), "More paths that answer as /readyz does.")
    key_header: str = param("x-key", "Header whose value keeps a caller with one version.")
    key_column: str | None = param(None, "Column whose value does, where the header is missing.",
                                   none=True)
