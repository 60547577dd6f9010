"""Requests by `wrk`, pinned to a core of its own: how many a second, and how long they take."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving._servers import Server

_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open("%s", "rb")
wrk.body = file:read("*all")
file:close()
done = function(summary, latency, requests)
  io.write(string.format(
    '\\nRESULT {"requests": %%d, "micros": %%d, "status": %%d, "other": %%d, "p50": %%f, '
    .. '"p99": %%f}\\n', summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Load:
    """What a client saw: requests a second, seconds of half of them and of 99 %, failures."""

    rate: float
    p50: float
    p99: float
    failed: int


def load(server: Server, connections: int, seconds: float, core: int | None, many: bool) -> Load:
    """Ask as fast as it answers, over so many connections at once."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is the client of this benchmark and is not installed "
                         "(apt-get install wrk)")
    pinned = ["taskset", "-c", str(core)] if core is not None and shutil.which("taskset") else []
    with tempfile.TemporaryDirectory() as folder:
        body, script = Path(folder, "body"), Path(folder, "ask.lua")
        body.write_bytes(server.bodies[many])
        script.write_text(_SCRIPT % body)
        done = subprocess.run(
            [*pinned, "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s",
             "--timeout", "30s", "-s", str(script),
             f"http://127.0.0.1:{server.port}{server.paths[many]}"],
            capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    found = json.loads(line.removeprefix("RESULT "))
    return Load(found["requests"] / (found["micros"] / 1e6), found["p50"] / 1e6,
                found["p99"] / 1e6, found["status"] + found["other"])
