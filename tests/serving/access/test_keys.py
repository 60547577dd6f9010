"""API keys: shown once, kept as hashes, ended when they should be; files that cannot be broken."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wholefit.base.errors import AccessError, ParameterError, UnknownNameError, WholefitError
from wholefit.serving.access import keys as module
from wholefit.serving.access.keys import KeyFile


@pytest.fixture
def file(tmp_path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json", look=0)


def test_a_key_is_found_by_its_token_alone(file):
    made, token = file.add("shop", ["predict", "feedback"])
    assert file.find(token) == (made, "good")
    for wrong in ("", "wf", "wf_", f"wf_{made.id}", f"wf_{made.id}_", token[:-1], token + "x",
                  token.replace("wf_", "xx_"), f"{made.id}", "\udcff", "ключ", "wf__", "_" * 50,
                  token.upper()):
        assert file.find(wrong) == (None, "unknown")


def test_the_file_holds_no_token_and_is_its_owners(file):
    _, token = file.add("shop")
    assert token.split("_", 2)[2] not in file.path.read_text()
    if os.name == "posix":
        assert file.path.stat().st_mode & 0o077 == 0


def test_scopes_admit_what_they_say(file):
    key = file.add("a", ["predict:churn", "read"])[0]
    assert key.may("predict", "churn") and key.may("read") and key.may("read", "churn")
    assert not key.may("predict") and not key.may("predict", "other")
    assert not key.may("predict", "churn:1") and not key.may("admin")
    assert file.add("b", ["admin"])[0].may("predict", "anything")


def test_a_key_expires_and_a_rotated_one_goes_on_for_a_while(file, monkeypatch):
    now = time.time()
    _, token = file.add("shop", days=10)
    _, newer = file.rotate("shop", overlap=3600)
    assert file.find(token)[1] == file.find(newer)[1] == "good"
    monkeypatch.setattr(module.time, "time", lambda: now + 3700)
    assert file.find(token)[1] == "expired" and file.find(newer)[1] == "good"
    monkeypatch.setattr(module.time, "time", lambda: now + 11 * 86400)
    assert file.find(newer)[1] == "expired"
    with pytest.raises(UnknownNameError):
        file.rotate("shop")


def test_a_rotation_never_lengthens_the_old_keys_life(file):
    old, _ = file.add("shop", days=0.01)
    file.rotate("shop", overlap=86400)
    assert file.listed()[0].expires == old.expires


def test_a_revoked_key_is_ended_at_once_and_stays_on_record(file):
    _, token = file.add("shop")
    _, newer = file.rotate("shop")
    assert len(file.revoke("shop")) == 2
    assert file.find(token)[1] == file.find(newer)[1] == "revoked"
    assert file.revoke("shop") == []
    assert [key.state() for key in file.listed()] == ["revoked", "revoked"]
    assert file.add("shop")  # the name is free again
    with pytest.raises(UnknownNameError, match="did you mean 'shop'"):
        file.revoke("shp")


def test_a_server_sees_changes_made_by_another_process(file):
    _, token = file.add("shop")
    server = KeyFile(file.path, look=0.05)
    assert server.find(token)[1] == "good"
    file.revoke("shop")
    time.sleep(0.1)
    assert server.find(token)[1] == "revoked"


def test_a_file_that_is_damaged_while_a_server_runs_changes_nothing_and_is_told_of(file):
    _, token = file.add("shop")
    assert file.find(token)[1] == "good"
    for damage in (b"", b"{", b"[]"):
        file.path.write_bytes(damage)
        assert file.find(token)[1] == "good"
        assert "no file of keys" in file.fault
    file.path.unlink()
    assert file.find(token)[1] == "good"


def test_a_server_that_never_could_read_its_keys_admits_nobody(tmp_path):
    (tmp_path / "k").write_text("{}")
    for path in (tmp_path / "k", tmp_path / "none"):
        with pytest.raises(AccessError):
            KeyFile(path).find("wf_a_b")


@pytest.mark.parametrize("name, how", [
    ("", {}), ("x" * 101, {}), ("a", {"scopes": []}), ("a", {"scopes": ["predit"]}),
    ("a", {"scopes": ["admin:churn"]}), ("a", {"scopes": ["predict:"]}), ("a", {"days": 0}),
    ("a", {"days": float("nan")}), ("a", {"rate": -1}), ("a", {"rate": float("inf")}),
    ("a", {"burst": 0})])
def test_what_makes_no_key_is_refused_and_writes_nothing(file, name, how):
    with pytest.raises((ParameterError, UnknownNameError)):
        file.add(name, **how)
    assert not file.path.exists()


@settings(max_examples=150, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_mutated_file_is_read_as_keys_or_refused(tmp_path, data):
    whole = {"wholefit": "keys", "format": 1, "keys": [{
        "id": "a", "name": "shop", "sha256": "0" * 64, "scopes": ["predict"],
        "created": "2031-05-01T12:00:00+00:00", "expires": None, "revoked": None, "rate": 1.5,
        "burst": 2}]}
    odd = st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=5), st.booleans(),
                    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(), st.none()))
    where = data.draw(st.sampled_from([*whole, *whole["keys"][0]]))
    spot = whole if where in whole else whole["keys"][0]
    spot[where] = data.draw(odd)
    path = tmp_path / "k.json"
    path.write_text(json.dumps(whole))
    file = KeyFile(path)
    try:
        for key in file.listed():
            assert key.state() in ("good", "expired", "revoked")
        assert file.find("wf_a_b") == (None, "unknown")
    except WholefitError:
        return


def test_many_writers_lose_no_key(file):
    def work(at: int) -> None:
        for number in range(4):
            KeyFile(file.path).add(f"{at}-{number}")

    threads = [threading.Thread(target=work, args=(at,)) for at in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(file.listed()) == 20
    assert not (file.path.parent / "keys.json.lock").exists()


def test_a_lock_that_was_left_behind_is_told_of(file, monkeypatch):
    file.add("a")
    (file.path.parent / "keys.json.lock").touch()
    monkeypatch.setattr(module, "_WAIT", 0.1)
    with pytest.raises(AccessError, match=r"delete .*keys\.json\.lock"):
        file.add("b")


def _write_for_ever(path) -> None:
    file = KeyFile(path)
    for number in range(10_000):
        file.add(str(number))


@pytest.mark.parametrize("after", [0.05, 0.12, 0.2])
def test_a_writer_that_is_killed_leaves_a_whole_file(file, after):
    _, token = file.add("shop")
    writer = multiprocessing.get_context("spawn").Process(
        target=_write_for_ever, args=(file.path,), daemon=True)
    writer.start()
    until = time.monotonic() + 30
    while len(file.path.read_text()) < 1_500 and time.monotonic() < until:
        time.sleep(0.005)
    time.sleep(after)
    writer.kill()
    writer.join()
    assert file.find(token)[1] == "good"
    assert len(file.listed()) > 1
