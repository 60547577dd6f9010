"""What goes wrong, as application/problem+json (RFC 9457): one sentence, a status, the place.

    {"type": "about:blank", "title": "Unprocessable Content", "status": 422,
     "detail": "column 'age' must hold numbers; ...", "column": "age", "rows": [1],
     "rule": "numbers", "request": "9f3c..."}

Bad input is the caller's (4xx) and is told in full. A fault of the server (500) tells its request
id and nothing else: what failed stands in the log.
"""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Any

from wholefit.base.errors import (
    ArtifactError,
    BudgetError,
    DataError,
    MissingExtraError,
    SchemaError,
    UnknownNameError,
    WholefitError,
)

MEDIA = b"application/problem+json"
Headers = list[tuple[bytes, bytes]]


class Refused(WholefitError):
    """A request that is not answered: its HTTP status, and what a program can read of why.

    `retry_after` are seconds until it may be worth asking again; `more` further members of the
    problem; `close` says that the connection is of no more use.
    """

    def __init__(
        self, status: int, detail: str, *, retry_after: float | None = None,
        headers: Headers | None = None, close: bool = False, **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.retry_after, self.close, self.more = status, retry_after, close, more
        self.headers: Headers = list(headers or [])
        if retry_after is not None:
            self.headers.append((b"retry-after", b"%d" % max(1, math.ceil(retry_after))))
        if close:
            self.headers.append((b"connection", b"close"))


def problem(error: BaseException, request_id: str) -> tuple[int, dict[str, Any], Headers]:
    """Status, members of the problem, and headers for an error."""
    status, headers, more = _status(error), [], {}
    if isinstance(error, Refused):
        headers, more = error.headers, error.more
    elif isinstance(error, SchemaError):
        more = {name: value for name in ("column", "rows", "rule")
                if (value := getattr(error, name, None)) not in (None, (), [])}
    detail = str(error) if status < 500 or isinstance(error, Refused) else (
        "the server could not answer; its log says more under this request id.")
    return status, {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status,
                    "detail": detail, **more, "request": request_id}, headers


def _status(error: BaseException) -> int:
    if isinstance(error, Refused):
        return error.status
    if isinstance(error, (ArtifactError, MissingExtraError, BudgetError)):
        return 500  # the model's or the installation's fault, not the caller's
    if isinstance(error, UnknownNameError):
        return 400
    if isinstance(error, DataError) and not isinstance(error, SchemaError):
        return 400
    return 422 if isinstance(error, WholefitError) else 500
