"""Lines of log: one JSON object each, without anything that was asked or answered.

A line of a request holds its id, method, path (not what stands after ?), status, seconds, bytes,
model, version and number of rows: no row, no answer, no address, no key. Lines are gathered and
written some times a second, so that a request does not wait for a disk or a terminal.
"""

from __future__ import annotations

import time
import traceback
from datetime import UTC, datetime
from typing import IO, Any

from wholefit.serving import _json
from wholefit.serving._http import Reply, Request

_Asked = tuple[float, Request, int, float, int]
_LONGEST = 200
_MOST = 10_000


class Lines:
    """Writes lines to a binary stream, such as `sys.stderr.buffer`; `flush` is called by a timer.

    Where the stream can take no more, lines are dropped and counted, and the server goes on.
    """

    def __init__(self, stream: IO[bytes] | None, level: str = "all") -> None:
        self._stream, self._level = stream, "none" if stream is None else level
        self._kept: list[dict[str, Any] | _Asked] = []
        self.dropped = 0
        self._second, self._said = -1, ""

    @property
    def requests(self) -> bool:
        """Whether every request has a line."""
        return self._level == "all"

    @property
    def on(self) -> bool:
        """Whether anything is written."""
        return self._level != "none"

    def say(self, event: str, level: str = "info", **facts: Any) -> None:
        """Keep a line until the next flush."""
        if self._level == "none":
            return
        if len(self._kept) >= _MOST:
            self.dropped += 1
            return
        self._kept.append({"at": time.time(), "level": level, "event": event, **facts})

    def request(self, request: Request, reply: Reply, seconds: float) -> None:
        """Keep the line of a request that has its answer."""
        if len(self._kept) >= _MOST:
            self.dropped += 1
            return
        # Words are made of it at the flush, when nobody waits.
        self._kept.append((time.time(), request, reply.status, seconds, len(reply.body)))

    def fault(self, error: BaseException, request_id: str, path: str) -> None:
        """Keep what failed inside the server: where, and the kind of error.

        The error's own words are left out of the line: they may quote a row.
        """
        frames = traceback.extract_tb(error.__traceback__)[-8:]
        where = [f"{frame.filename.rpartition('wholefit')[2] or frame.filename}:{frame.lineno} "
                 f"{frame.name}" for frame in frames]
        self.say("fault", "error", request=request_id, path=path[:_LONGEST],
                 error=type(error).__name__, where=where)

    def flush(self) -> None:
        """Write what is kept."""
        if not self._kept or self._stream is None:
            return
        kept, self._kept = self._kept, []
        if self.dropped:
            kept.append({"at": time.time(), "level": "warning", "event": "lines_dropped",
                         "count": self.dropped})
            self.dropped = 0
        try:
            self._stream.write(b"".join(
                _json.dumps(self._told(each) if isinstance(each, tuple) else
                            {**each, "at": self._stamp(each["at"])}) + b"\n" for each in kept))
            self._stream.flush()
        except (OSError, ValueError):
            self.dropped += len(kept)

    def _told(self, kept: _Asked) -> dict[str, Any]:
        at, request, status, seconds, size = kept
        return {"at": self._stamp(at), "level": "info" if status < 400 else "warning",
                "event": "request", "request": request.id, "method": request.method[:20],
                "path": request.path[:_LONGEST], "status": status, "seconds": round(seconds, 6),
                "out": size, "rows": request.rows,
                **({} if request.meter is None else request.meter.labels)}

    def _stamp(self, seconds: float) -> str:
        """A moment as ISO 8601 in UTC; what is the same for a second is made once a second."""
        whole = int(seconds)
        if whole != self._second:
            self._second = whole
            self._said = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._said}.{int((seconds - whole) * 1000):03d}Z"
