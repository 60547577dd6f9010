"""Secrets come from where the words say, and are never shown."""

from __future__ import annotations

import os
import shlex
import sys
import traceback

import pytest

from wholefit.base.errors import AccessError, UnknownNameError
from wholefit.base.events import listen
from wholefit.base.keysource import Secret, secret

PLAIN = b"correct horse battery staple"


def test_each_source_gives_its_bytes(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_KEY", PLAIN.decode())
    file = tmp_path / "a key"
    file.write_bytes(PLAIN + b"\r\n")
    program = shlex.join([sys.executable, "-c", f"print({PLAIN.decode()!r})"])
    for source in ("env:SOME_KEY", f"file:{file}", f"command:{program}"):
        found = secret(source, what="the key")
        assert found.reveal() == PLAIN
        assert found.source == source


def test_a_secret_never_shows_itself():
    kept = Secret("env:X", PLAIN)
    assert PLAIN.decode() not in f"{kept!r} {kept} {[kept]}"


@pytest.mark.parametrize("source", [
    PLAIN.decode(), "", ":", "env:", "file: ", PLAIN.decode() + ":x", "env:NOT_SET_ANYWHERE",
    "file:/no/such/file", "file:/", "file:a\0b", "command:no-such-program-here", "command:'"])
def test_what_gives_nothing_is_one_sentence_without_the_secret(source):
    with pytest.raises((AccessError, UnknownNameError)) as caught:
        secret(source, what="the key")
    said = "".join(traceback.format_exception_only(caught.value))
    assert PLAIN.decode() not in said


def test_a_program_that_fails_shows_neither_output_nor_arguments():
    program = shlex.join([sys.executable, "-c", "import sys; print('the-secret'); sys.exit(3)"])
    with pytest.raises(AccessError, match="ended with code 3") as caught:
        secret(f"command:{program}", what="the key")
    assert "the-secret" not in str(caught.value)


def test_no_shell_reads_the_words(tmp_path):
    with pytest.raises(AccessError):
        secret(f"command:{sys.executable} -V; touch {tmp_path / 'made'}", what="the key")
    assert not (tmp_path / "made").exists()


def test_an_empty_or_endless_source_is_refused(tmp_path):
    (tmp_path / "empty").write_bytes(b"\n")
    (tmp_path / "long").write_bytes(b"x" * 70_000)
    for name, said in (("empty", "is empty"), ("long", "at most")):
        with pytest.raises(AccessError, match=said):
            secret(f"file:{tmp_path / name}", what="the key")


@pytest.mark.skipif(os.name != "posix", reason="only POSIX systems have these rights")
def test_a_file_that_everybody_can_read_is_told_of(tmp_path):
    file = tmp_path / "key"
    file.write_bytes(PLAIN)
    file.chmod(0o644)
    told = []
    with listen(lambda event, facts: told.append((event, facts["message"]))):
        secret(f"file:{file}", what="the key")
        file.chmod(0o600)
        secret(f"file:{file}", what="the key")
    assert len(told) == 1 and "everybody" in told[0][1]
