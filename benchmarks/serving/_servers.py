"""Servers started, asked for the first time, weighed and stopped; each pinned to one core."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PEERS = ("mlflow", "bentoml", "litserve", "fastapi", "flask")
_PATIENCE = 180.0


@dataclass(frozen=True)
class Server:
    """How a server is started, and how it is asked: paths and bodies for one row and for many."""

    name: str
    command: list[str]
    port: int
    paths: tuple[str, str]
    bodies: tuple[bytes, bytes]
    env: dict[str, str]


@dataclass(frozen=True)
class Running:
    """A server that answers: seconds to its first answer, bytes of memory then."""

    server: Server
    process: subprocess.Popen[bytes]
    started: float

    def memory(self) -> int:
        """Bytes held by it and by what it started (proportional: shared pages count once)."""
        return sum(_pss(pid) for pid in _family(self.process.pid))


def server(name: str, model: str, folder: Path, pythons: dict[str, str]) -> Server:
    """The server of that name for that model; `pythons` maps peers to their interpreters."""
    one, many = (json.loads((folder / f"{each}.json").read_text()) for each in ("one", "many"))
    bodies, paths, env = (one, many), ("/predict", "/predict"), {}
    port = _free_port()
    kept = str(folder / f"{model}.{name}.joblib")
    python = pythons.get(name, sys.executable)
    if name == "wholefit":
        command = [sys.executable, "-m", "wholefit", "serve", str(folder / f"{model}.wf"), "--port",
                   str(port), "--lines", "errors"]
    elif name == "hello":
        command = [sys.executable, str(HERE / "peers/hello_asgi.py"), str(port)]
    elif name == "fastapi":
        command = [python, str(HERE / "peers/fastapi_app.py"), kept, str(port),
                   str(folder / "one.json")]
        paths = ("/predict", "/predict-many")
    elif name in ("flask", "litserve"):
        command = [python, str(HERE / f"peers/{name}_app.py"), kept, str(port)]
    elif name == "bentoml":
        command = [str(Path(python).with_name("bentoml")), "serve", "bento_service:Model",
                   "--working-dir", str(HERE / "peers"), "--port", str(port)]
        env = {"BENTO_MODEL": kept, "BENTOML_DO_NOT_TRACK": "True"}
        bodies = ({"rows": [one]}, {"rows": many})
    elif name == "mlflow":
        command = [python, "-m", "mlflow", "models", "serve", "-m", str(folder / f"{model}.mlflow"),
                   "--env-manager", "local", "--port", str(port), "--workers", "1"]
        paths = ("/invocations", "/invocations")
        env = {"PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"}
        bodies = ({"dataframe_records": [one]}, {"dataframe_records": many})
    else:
        raise SystemExit(f"no server is named {name!r}: wholefit, hello, {', '.join(PEERS)}")
    return Server(name, command, port, paths,
                  (json.dumps(bodies[0]).encode(), json.dumps(bodies[1]).encode()), env)


@contextlib.contextmanager
def running(server: Server, core: int | None, log: Path) -> Iterator[Running]:
    """The server, from its first answer on; it and all that it started are stopped at the end."""
    pinned = ["taskset", "-c", str(core)] if core is not None and shutil.which("taskset") else []
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
           "POLARS_MAX_THREADS": "1", **server.env}
    # What pip installs is compiled; so is then what runs from a checkout, after its first start.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    with log.open("ab") as out:
        process = subprocess.Popen([*pinned, *server.command], stdout=out, stderr=out, env=env,
                                   start_new_session=True)
    try:
        _first_answer(server, process, log)
        yield Running(server, process, time.perf_counter() - began)
    finally:
        _stop(process)


def ask(server: Server, many: bool = False, timeout: float = 30.0) -> tuple[int, bytes]:
    """Status and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    try:
        connection.request("POST", server.paths[many], server.bodies[many],
                           {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _first_answer(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    ends, said = time.perf_counter() + _PATIENCE, ""
    while time.perf_counter() < ends:
        if process.poll() is not None:
            break
        try:
            status, body = ask(server)
            if status == 200:
                return
            said = f"{status} {body[:300]!r}"
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.005)
    raise RuntimeError(f"{server.name} gave no answer ({said}): "
                       f"{log.read_text(errors='replace')[-1500:]}")


def _free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def _family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return list(dict.fromkeys(found))


def _pss(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the session that was started, and nothing else."""
    family = _family(process.pid)
    for word in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, word)
        for pid in family[1:] if word == signal.SIGKILL else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, word)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            continue
        if word == signal.SIGTERM:
            time.sleep(0.2)
