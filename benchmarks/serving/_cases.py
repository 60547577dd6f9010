"""What schemathesis makes of the server's own OpenAPI document, as bytes to be sent."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.serving._servers import HERE, Server

# What frames a message is written here, once, and right.
_FRAMING = (b"host", b"content-length", b"transfer-encoding")


@dataclass(frozen=True)
class Case:
    """One request; `mode` is "positive" where it fits the document, else "negative"."""

    mode: str
    request: bytes


@dataclass(frozen=True)
class Cases:
    """All that were drawn, of so many operations, less `left_out`: those that HTTP cannot say."""

    cases: list[Case]
    version: str
    operations: int
    left_out: int

    def in_turn(self) -> Iterator[Case]:
        """One after the other, and again from the first."""
        return cycle(self.cases)

    def told(self) -> str:
        """Where they come from, in a sentence."""
        modes = Counter(case.mode for case in self.cases)
        return (f"schemathesis {self.version} made {len(self.cases):,} cases of /openapi.json with "
                f"its {self.operations} operations: {modes['positive']:,} positive (they fit the "
                f"document, if strangely), {modes['negative']:,} negative (they do not); "
                f"{self.left_out:,} more cannot be written as HTTP.")


def drawn(server: Server, python: str, folder: Path, count: int) -> Cases:
    """So many cases of the document of a server that runs, by the Python that has schemathesis."""
    out, found = folder / "schemathesis.jsonl", shutil.which(python)
    if found is None:
        raise SystemExit(f"no Python is at {python}: --schemathesis names one that has "
                         "schemathesis (python3 -m venv VENV; VENV/bin/pip install schemathesis).")
    done = subprocess.run(
        [str(Path(found).absolute()), str(HERE / "peers/schemathesis_cases.py"),
         f"http://127.0.0.1:{server.port}/openapi.json", str(out.absolute()), str(count)],
        check=True, stdout=subprocess.PIPE, text=True,
        cwd=folder)  # hypothesis keeps notes where it runs
    facts = json.loads(done.stdout.splitlines()[-1])
    read = [json.loads(line) for line in out.read_text().splitlines()]
    cases = [Case(each["mode"], request) for each in read
             if (request := as_request(each)) is not None]
    return Cases(cases, facts["version"], facts["operations"],
                 facts["left_out"] + len(read) - len(cases))


def as_request(case: dict[str, Any]) -> bytes | None:
    """The request on the wire; None where a line of its head would end too early, or is no text."""
    body = base64.b64decode(case["body"])
    try:
        first = f"{case['method']} {case['target']} HTTP/1.1".encode("ascii")
        headers = [(name.encode("ascii"), value.encode("latin-1"))
                   for name, value in case["headers"]]
    except UnicodeEncodeError:
        return None
    lines = [first, b"host: 127.0.0.1",
             *(b"%s: %s" % pair for pair in headers if pair[0].lower() not in _FRAMING),
             b"content-length: %d" % len(body)]
    if any(end in line for line in lines for end in (b"\r", b"\n", b"\0")):
        return None
    return b"\r\n".join([*lines, b"", body])
