"""`python -m benchmarks.serving.soak --minutes 30`: load, hot swaps, and requests that mean harm.

wholefit's server over a registry of two versions. Requests come at a share of what it can answer
(70 %), paced, over several connections; every so often (20 s) the other version is promoted; one
request in a hundred is damaged or hostile. Told: well-formed requests that did not get 200 (none
is allowed), answers of 500 and above (none), versions seen, and memory at the start and the end.

With `--schemathesis VENV/bin/python`, every other hostile request is one that schemathesis made of
the server's own OpenAPI document: strange but fitting ("positive"), or not fitting ("negative").
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks import _tools
from benchmarks.serving import _cases, _load, _servers, _tables

# In place of a status where there was none: the connection ended, or nothing came.
_CLOSED, _SILENT = 0, -1


def main(words: list[str]) -> None:
    asked = _asked(words)
    with tempfile.TemporaryDirectory(prefix="wholefit-soak-") as made:
        folder = Path(asked.folder or made)
        folder.mkdir(parents=True, exist_ok=True)
        _tables.prepared(folder)
        path, registry = _tables.fitted(folder, asked.model), folder / "registry"
        _registered(path, registry, folder)
        server = _served(folder, asked, registry)
        with _servers.running(server, None, folder / "soak.log") as up:
            cases = _cases.drawn(server, asked.schemathesis, folder, asked.cases) \
                if asked.schemathesis else None
            best = _load.load(server, asked.connections, 3, None, False).rate
            before, after = up.memory(), []
            found = asyncio.run(_soaked(server, registry, best * asked.share, asked, cases,
                                        lambda: after.append(up.memory())))
    text = _told(found, best, before, after, asked, cases)
    if asked.save:
        _tools.save("serving_soak", text)
    else:
        print(text)
    if found["lost"] or found["5xx"]:
        sys.exit(1)


def _registered(path: Path, registry: Path, folder: Path) -> None:
    """Two versions of a model, the first promoted."""
    import wholefit as wf
    from wholefit.artifact.registry import Registry

    kept = Registry(registry)
    if not kept.versions("adult"):
        other = folder / "other.wf"
        wf.load(path).with_threshold(0.4).save(other, force=True)
        for each in (path, other):
            kept.add(each, "adult")
        kept.promote("adult", 1, "soak", "the first")


def _served(folder: Path, asked: argparse.Namespace, registry: Path) -> _servers.Server:
    plain = _servers.server("wholefit", asked.model, folder, {})
    command = [sys.executable, "-m", "wholefit", "serve", "--registry", str(registry), "--port",
               str(plain.port), "--lines", "errors"]
    return _servers.Server("wholefit", command, plain.port, plain.paths, plain.bodies, {})


async def _soaked(server, registry, rate, asked, cases, weigh):  # type: ignore[no-untyped-def]
    """Counts of what was answered; `weigh` is called now and then."""
    found: Counter[str] = Counter()
    ends = time.monotonic() + 60 * asked.minutes
    drawn = cases.in_turn() if cases else None
    workers = [_asking(server, ends, rate / asked.connections, random.Random(at), drawn, found)
               for at in range(asked.connections)]
    await asyncio.gather(*workers, _swapping(registry, ends, asked.swap, found),
                         _weighing(ends, weigh))
    return found


async def _swapping(registry: Path, ends: float, every: float, found: Counter[str]) -> None:
    from wholefit.artifact.registry import Registry

    number = 1
    while time.monotonic() + every < ends:
        await asyncio.sleep(every)
        number = 3 - number
        await asyncio.to_thread(Registry(registry).promote, "adult", number, "soak", "a swap")
        found["swaps"] += 1


async def _weighing(ends: float, weigh) -> None:  # type: ignore[no-untyped-def]
    while time.monotonic() < ends:
        await asyncio.sleep(min(10, max(1, ends - time.monotonic())))
        weigh()


async def _asking(server, ends, rate, rng, drawn, found):  # type: ignore[no-untyped-def]
    """One connection: requests at a pace, opened anew when it was closed."""
    reader = writer = None
    due = time.monotonic() + rng.random() / rate
    while time.monotonic() < ends:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due = max(due + 1 / rate, time.monotonic() - 1)
        source, request = _harmful(server, rng, drawn) if rng.random() < 0.01 else \
            ("", _well_formed(server))
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(request)
            await writer.drain()
            bare = request.startswith(b"HEAD ")
            status, keep, head = await asyncio.wait_for(_answer(reader, bare), 30)
        except TimeoutError:
            status, keep, head = _SILENT, False, b""
        except (OSError, asyncio.IncompleteReadError, ValueError):
            status, keep, head = _CLOSED, False, b""
        _note(found, source, status, head)
        if status >= 500:
            print(f"{status} ({source or 'well-formed'}): {request[:5_000]!r}", file=sys.stderr)
        if not keep and writer is not None:
            writer.close()
            writer = None


def _harmful(server, rng, drawn):  # type: ignore[no-untyped-def]
    """Where a request that means harm comes from, and the request: one in two from schemathesis."""
    if drawn is None or rng.random() < 0.5:
        return "by hand", _hostile(server, rng)
    case = next(drawn)
    return f"schemathesis, {case.mode}", case.request


def _note(found: Counter[str], source: str, status: int, head: bytes) -> None:
    """Count an answer; `source` is where a harmful request came from, "" for a well-formed one."""
    found[f"harmful ({source})" if source else "well-formed"] += 1
    if status >= 500:
        found["5xx"] += 1
    if not source and status == 429:
        found["told to come later"] += 1
    elif not source and status != 200:
        found["lost"] += 1
        found[f"lost {_how(status)}"] += 1
    if source:
        found[f"harmful ({source}), answered {_how(status)}"] += 1
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"x-model-version:"):
            found["version " + line.split(b":", 1)[1].strip().decode()] += 1


def _how(status: int) -> str:
    return {_CLOSED: "by closing", _SILENT: "by silence"}.get(status, f"with {status}")


async def _answer(reader: asyncio.StreamReader, bare: bool) -> tuple[int, bool, bytes]:
    """Status, whether the connection stays, and the head; `bare` is an answer without a body."""
    head = await reader.readuntil(b"\r\n\r\n")
    status, low = int(head.split(b" ", 2)[1]), head.lower()
    if status < 200:  # "go on": the answer is still to come
        return await _answer(reader, bare)
    size = 0
    for line in low.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            size = int(line.split(b":")[1])
    await reader.readexactly(0 if bare or status in (204, 304) else size)
    return status, b"connection: close" not in low, head


def _well_formed(server: _servers.Server) -> bytes:
    return _request(server, server.bodies[0])


def _request(server: _servers.Server, body: bytes, kind: bytes = b"application/json",
             path: str | None = None, size: int | None = None) -> bytes:
    return b"\r\n".join([
        f"POST {path or server.paths[0]} HTTP/1.1".encode(), b"host: 127.0.0.1",
        b"content-type: " + kind, f"content-length: {len(body) if size is None else size}".encode(),
        b"", body])


def _hostile(server, rng):  # type: ignore[no-untyped-def]
    """A request that is damaged or means harm, whole enough for the connection to go on."""
    row = json.loads(server.bodies[0])
    name = rng.choice(list(row))
    cut = rng.randrange(1, len(server.bodies[0]))
    return rng.choice([
        lambda: _request(server, server.bodies[0][:cut]),
        lambda: _request(server, rng.randbytes(cut)),
        lambda: _request(server, json.dumps({**row, name: {"a": [1]}}).encode()),
        lambda: _request(server, json.dumps({**row, name: "x" * 10_000}).encode()),
        lambda: _request(server, json.dumps({k: v for k, v in row.items() if k != name}).encode()),
        lambda: _request(server, b"[" * 5_000 + b"]" * 5_000),
        lambda: _request(server, b'{"age": 1e999}'),
        lambda: _request(server, b"NaN"), lambda: _request(server, b""),
        lambda: _request(server, server.bodies[0], b"application/vnd.apache.arrow.stream"),
        lambda: _request(server, server.bodies[0], b"text/csv"),
        lambda: _request(server, server.bodies[0], b"image/png"),
        lambda: _request(server, server.bodies[0], path="/v1/models/..%2f..%2fetc:predict"),
        lambda: _request(server, server.bodies[0], path="/v1/models/adult/versions/99:predict"),
    ])()


def _told(found, best, before, after, asked, cases):  # type: ignore[no-untyped-def]
    rows = [[name, f"{count:,}"] for name, count in sorted(found.items())]
    memory = [f"{each / 1e6:.0f}" for each in (before, *(after[::max(1, len(after) // 10)]))]
    return "\n".join([
        "# Serving: soak", "", " ".join((__doc__ or "").split("\n\n", 1)[1].split()), "",
        f"{asked.minutes:g} minutes, {asked.model}, {asked.share:.0%} of {best:,.0f} requests a "
        f"second over {asked.connections} connections, a swap every {asked.swap:g} s.", "",
        _took_part(cases, found), "", _tools.markdown(["what", "count"], rows), "",
        f"Memory in MB, in order of time: {', '.join(memory)}.", "",
        _tools.machine("wholefit", "uvicorn")])


def _took_part(cases: _cases.Cases | None, found: Counter[str]) -> str:
    """Whether schemathesis made any of the requests, and how many of them were sent."""
    if cases is None:
        return ("schemathesis took no part: all hostile requests are written by hand "
                "(--schemathesis names a Python that has it).")
    sent = sum(found[f"harmful (schemathesis, {mode})"] for mode in ("positive", "negative"))
    return (f"{cases.told()} Sent, each in its turn: {sent:,}, which is "
            f"{min(sent, len(cases.cases)):,} different ones; "
            f"{found['harmful (by hand)']:,} hostile requests were written by hand.")


def _asked(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--swap", type=float, default=20, help="seconds between hot swaps")
    parser.add_argument("--share", type=float, default=0.7, help="of the capacity")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--model", default="lightgbm")
    parser.add_argument("--schemathesis", metavar="PYTHON",
                        help="of an environment that has it: its requests are sent, too")
    parser.add_argument("--cases", type=int, default=2000, help="that schemathesis makes")
    parser.add_argument("--folder")
    parser.add_argument("--save", action="store_true")
    return parser.parse_args(words)


if __name__ == "__main__":
    main(sys.argv[1:])
