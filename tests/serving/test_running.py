"""`wholefit serve` as a process: it says where, answers, drains, and ends with 0 on a signal."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.serving.served import Client, rows, saved

from wholefit import cli
from wholefit.base.errors import WholefitError
from wholefit.serving import _json

pytest.importorskip("uvicorn")


class Process:
    """A server of its own; `lines` are what it writes to standard error."""

    def __init__(self, *words: str) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wholefit", "serve", *words], stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL, text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"})
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    def client(self) -> Client:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            said = " ".join(self.lines)
            found = re.search(r"serving at (https?://\S+)", said)
            if found:
                return Client(found[1])
            assert self.process.poll() is None, said
            time.sleep(0.05)
        raise AssertionError("it did not start")


def test_a_server_starts_answers_drains_and_ends(tmp_path: Path) -> None:
    log = tmp_path / "answers.db"
    server = Process(f"churn={saved('classification')}", "--port", "0", "--log", str(log),
                     "--limit", "drain=1", "--predict-path", "/invocations", "--health-path",
                     "/ping")
    client, row = server.client(), rows("classification", 1)[0]
    assert client.post("/predict", row).json["prediction"] in ("yes", "no")
    assert client.post("/invocations", {"instances": [row]}).json["predictions"]
    assert client.get("/ping").status == client.get("/readyz").status == 200
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert client.get("/readyz").status == 503 and client.get("/livez").status == 200
    assert client.post("/predict", row).status == 200, "it still answers while it drains"
    assert server.process.wait(20) == 0
    told = [json.loads(line) for line in server.lines if line.startswith("{")]
    assert sum(each["event"] == "request" for each in told) == 3
    from wholefit.data.predictions import open_log

    assert open_log(str(log)).read().height == 3, "what was answered is in the log"


def test_what_cannot_be_served_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            cli.main(["serve", *words])
        assert ended.value.code == 1
        return " ".join(capsys.readouterr().err.split())

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert "the address is taken" in fails(str(saved("classification")), "--port", port)
    assert "nowhere.wf" in fails(str(tmp_path / "nowhere.wf"))
    assert "did you mean 'rows'" in fails(str(saved("classification")), "--limit", "rosw=3")


def test_a_server_over_tls(tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    import ssl
    import urllib.request

    from wholefit.api.serving import serve

    certificate, key = _certificate(tmp_path)
    with serve({"churn": saved("classification")}, port=0, wait=False,
               certificate=str(certificate), private_key=str(key)) as server:
        assert server.url.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=str(certificate))
        with urllib.request.urlopen(server.url + "/readyz", context=context, timeout=20) as got:
            assert got.status == 200
    with pytest.raises(WholefitError, match="certificate and its private key"):
        serve({"churn": saved("classification")}, port=0, wait=False, certificate="a.pem")
    with pytest.raises(WholefitError, match="cannot be read"):
        serve({"churn": saved("classification")}, port=0, wait=False,
              certificate=str(tmp_path / "none.pem"), private_key=str(key))


def _certificate(folder: Path) -> tuple[Path, Path]:
    import datetime as dt
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(
        key.public_key()).serial_number(1).not_valid_before(now - dt.timedelta(days=1)
    ).not_valid_after(now + dt.timedelta(days=1)).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
        critical=False).add_extension(x509.BasicConstraints(ca=True, path_length=None),
                                      critical=True).sign(key, hashes.SHA256())
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return paths


def test_json_means_the_same_with_and_without_orjson(monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime as dt

    import numpy as np

    values = {"a": float("nan"), "b": [np.int64(3), np.float64(0.1)], "c": dt.date(2026, 1, 31),
              "d": "é\n", "e": float("inf"), "f": None, "g": b"\x00\xff", "h": True}
    quick = json.loads(_json.dumps(values))
    good = [b'{"a": [1, 2.5, "x", null, true]}', b"[]", b'"\\u00e9"']
    bad = [b"NaN", b'{"a": Infinity}', b'"\\ud800"', b'{"\\ud800": 1}', b"{", b"", b"\xff",
           b"[" * 5_000, b"1 2"]
    read = [_json.loads(each) for each in good]
    for each in bad:
        with pytest.raises(ValueError):
            _json.loads(each)
    monkeypatch.setattr(_json, "_orjson", None)
    assert json.loads(_json.dumps(values)) == quick
    assert [_json.loads(each) for each in good] == read
    for each in bad:
        with pytest.raises(ValueError):
            _json.loads(each)
