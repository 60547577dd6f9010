"""The guard: who is admitted, what is told to who is not, and what is written down."""

from __future__ import annotations

import math
import sqlite3
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base.errors import AccessError
from wholefit.base.keysource import Secret
from wholefit.serving.access import Guard, KeyFile, guard
from wholefit.serving.access import audit as audit_module
from wholefit.serving.access.audit import Audit
from wholefit.serving.access.limits import Limiter, burst_of
from wholefit.serving.problems import Refused


@pytest.fixture
def file(tmp_path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json", look=0)


def refused(guard: Guard, token, scope="predict", model="churn", client="10.0.0.1") -> Refused:
    with pytest.raises(Refused) as caught:
        guard.admit(token, scope, model, client)
    return caught.value


# -- admission --------------------------------------------------------------------------------


def test_without_keys_everybody_is_admitted():
    assert Guard().admit(None, "admin", None, "").name == "anybody"


def test_with_keys_only_who_has_one_and_the_scope(file, tmp_path):
    key, token = file.add("shop", ["predict:churn"])
    record = Audit(tmp_path / "audit.db")
    watch = Guard(file, record)
    assert watch.admit(token, "predict", "churn", "10.0.0.1").id == key.id
    none = refused(watch, None)
    assert (none.status, none.headers[0][0]) == (401, b"www-authenticate")
    assert refused(watch, "wf_a_b").status == 401
    assert refused(watch, "").status == 401
    assert refused(watch, "x" * 10_000_000).status == 401
    assert refused(watch, token, model="other").status == 403
    assert refused(watch, token, model=None).status == 403
    assert refused(watch, token, scope="feedback").status == 403
    file.revoke("shop")
    assert "revoked" in str(refused(watch, token))
    events = record.entries()
    assert [entry.facts["status"] for entry in events] == [401, 401, 401, 401, 403, 403, 403, 401]
    assert events[-1].facts["why"] == "revoked" and events[-1].facts["key"] == key.id
    assert token.split("_", 2)[2] not in str(events)


def test_no_error_shows_the_key(file):
    _, token = file.add("shop", ["read"])
    watch = Guard(file)
    for shown in (token, token[:-1] + "x"):
        assert token[20:40] not in str(refused(watch, shown))


def test_free_scopes_ask_for_no_key_but_a_false_key_is_refused(file):
    file.add("shop")
    watch = Guard(file, free=("read",))
    assert watch.admit(None, "read", None, "1").name == "anybody"
    assert refused(watch, None).status == 401
    assert refused(watch, "wf_a_b", scope="read").status == 401


def test_limits_are_each_keys_own_or_the_servers(file):
    _, slow = file.add("slow", rate=1, burst=2)
    _, plain = file.add("plain")
    watch = Guard(file, rate=1000, burst=5)
    for _ in range(2):
        watch.admit(slow, "predict", "m", "")
    found = refused(watch, slow)
    assert found.status == 429 and 0 < found.retry_after <= 1
    assert dict(found.headers)[b"retry-after"] == b"1"
    for _ in range(5):
        watch.admit(plain, "predict", "m", "")


def test_callers_without_a_key_are_limited_by_address():
    watch = Guard(rate=1, burst=1)
    watch.admit(None, "predict", None, "10.0.0.1")
    assert refused(watch, None, client="10.0.0.1").status == 429
    watch.admit(None, "predict", None, "10.0.0.2")


def test_a_guard_of_files_refuses_what_it_cannot_read(tmp_path):
    with pytest.raises(AccessError, match="no file of keys"):
        guard(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("[]")
    with pytest.raises(AccessError, match="no file of keys, or damaged"):
        guard(tmp_path / "bad.json")
    KeyFile(tmp_path / "k.json").add("a")
    made = guard(tmp_path / "k.json", tmp_path / "a.db", rate=3)
    made.changed("route_swapped", {"name": "churn", "revision": 2})
    assert made.audit.entries()[0].facts == {"name": "churn", "revision": 2}
    made.close()


# -- limits -----------------------------------------------------------------------------------


class Bucket:
    """A token bucket as the textbooks have it: a second implementation."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst, self.tokens, self.at = rate, burst, burst, 0.0

    def take(self, now: float, cost: float) -> bool:
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < min(cost, self.burst) - 1e-6:
            return False
        self.tokens -= cost
        return True


@settings(max_examples=200, deadline=None)
@given(st.floats(0.1, 100), st.integers(1, 20),
       st.lists(st.tuples(st.floats(0, 2), st.integers(1, 30)), min_size=1, max_size=60))
def test_it_admits_exactly_what_a_token_bucket_admits(rate, burst, asked):
    now = [0.0]
    limiter, bucket = Limiter(clock=lambda: now[0]), Bucket(rate, burst)
    for pause, cost in asked:
        now[0] += pause
        before = bucket.tokens, bucket.at
        want = bucket.take(now[0], cost)
        got = limiter.take("a", rate, burst, cost)
        near = abs(min(burst, before[0] + (now[0] - before[1]) * rate) - min(cost, burst)) < 1e-5
        if near:  # to the last bit nobody can say; follow the one that is tested
            bucket.tokens, bucket.at = before
            bucket.tokens = min(burst, bucket.tokens + (now[0] - bucket.at) * rate)
            bucket.at, want = now[0], got == 0
            bucket.tokens -= cost if want else 0
        assert (got == 0) == want


def test_who_waits_as_long_as_told_is_admitted():
    now = [100.0]
    limiter = Limiter(clock=lambda: now[0])
    for _ in range(200):
        wait = limiter.take("a", 7, 3)
        if wait:
            now[0] += wait
            assert limiter.take("a", 7, 3) == 0


def test_memory_is_bounded_and_those_in_debt_are_remembered():
    now = [0.0]
    limiter = Limiter(most=100, clock=lambda: now[0])
    limiter.take("heavy", 1, 1, cost=1_000)
    for at in range(10_000):
        limiter.take(f"10.0.{at // 250}.{at % 250}", 1, 1)
        assert len(limiter._full) <= 101
    assert limiter.take("heavy", 1, 1) > 0


def test_threads_together_get_no_more_than_the_bucket_holds():
    limiter, admitted = Limiter(clock=lambda: 5.0), []

    def work() -> None:
        for _ in range(500):
            if limiter.take("a", 1, 100) == 0:
                admitted.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == 100


def test_the_burst_that_is_not_stated_is_two_seconds():
    assert [burst_of(rate) for rate in (0.01, 1, 2.5, 100)] == [1, 2, 5, 200]
    assert math.isfinite(burst_of(1e7))


# -- the record -------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [None, Secret("env:A", b"salt")])
def test_every_alteration_of_the_record_shows(tmp_path, secret):
    path = tmp_path / "audit.db"
    with Audit(path, secret=secret) as record:
        for number in range(6):
            record.write("promoted", version=number)
        assert record.verify() == (6, None)
        last = record.last
    for change, said in [
        ("UPDATE entries SET facts = '{\"version\": 9}' WHERE number = 3", "entry 3"),
        ("UPDATE entries SET at = '2020' WHERE number = 2", "entry 2"),
        ("UPDATE entries SET event = 'rolled_back' WHERE number = 6", "entry 6"),
        ("DELETE FROM entries WHERE number = 4", "entry 4 is missing"),
        ("UPDATE entries SET chain = '0' WHERE number = 1", "entry 1"),
        ("UPDATE entries SET number = 60 WHERE number = 6", "entry 6 is missing"),
        ("INSERT INTO entries VALUES (7, 'now', 'x', '{}', '00')", "entry 7"),
        ("UPDATE entries SET facts = x'ff00' WHERE number = 3", "cannot be used|entry 3"),
    ]:
        kept = path.read_bytes()
        line = sqlite3.connect(path)
        line.execute(change)
        line.commit()
        line.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        line.close()
        with Audit(path, secret=secret) as record:
            try:
                assert said in str(record.verify()[1]) or "|" in said
            except AccessError:
                assert "|" in said
        path.write_bytes(kept)
        for other in ("-wal", "-shm"):
            (tmp_path / f"audit.db{other}").unlink(missing_ok=True)
    with Audit(path, secret=secret) as record:
        assert record.verify() == (6, None) and record.last == last


def test_with_a_secret_nobody_else_can_make_a_chain(tmp_path):
    with Audit(tmp_path / "a.db", secret=Secret("env:A", b"salt")) as record:
        record.write("promoted", version=1)
    with Audit(tmp_path / "a.db") as record:
        record.write("promoted", version=2)
    with Audit(tmp_path / "a.db", secret=Secret("env:A", b"salt")) as record:
        assert "without the secret" in record.verify()[1]


def test_the_environment_may_name_the_records_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("SALT", "salt")
    monkeypatch.setenv("WHOLEFIT_AUDIT_KEY", "env:SALT")
    made = guard(audit=tmp_path / "a.db")
    made.changed("route_swapped", {"name": "churn"})
    assert made.audit.verify() == (1, None)
    made.close()
    with Audit(tmp_path / "a.db") as record:
        assert "without the secret" in record.verify()[1]


def test_several_writers_make_one_chain(tmp_path):
    def work(at: int) -> None:
        with Audit(tmp_path / "a.db") as record:
            for number in range(10):
                record.write("changed", by=at, number=number)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Audit(tmp_path / "a.db") as record:
        assert record.verify() == (40, None)


def test_a_flood_is_counted_and_costs_no_disk(tmp_path, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(audit_module.time, "monotonic", lambda: now[0])
    with Audit(tmp_path / "a.db") as record:
        for _ in range(5_000):
            record.note("refused", why="unknown", client="10.0.0.1")
        record.note("refused", why="revoked")
        assert len(record.entries()) == 61
        now[0] += 61
        record.note("refused", why="unknown")
        assert record.entries()[-1].facts["and_before"] == 4_940


def test_a_record_that_cannot_be_written_refuses_nobody(tmp_path):
    with Audit(tmp_path / "a.db") as record:
        other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        record.note("refused", why="unknown")
        assert record.missed == 1
        other.execute("ROLLBACK")
        other.close()
        record.note("refused", why="unknown")
        assert len(record.entries()) == 1
        record._line.execute("DROP TABLE entries")
        with pytest.raises(AccessError):
            record.write("promoted")


@pytest.mark.parametrize("data", [b"", b"SQLite format 3\0" + b"\xff" * 200, b"no database" * 90])
def test_other_files_are_no_record(tmp_path, data):
    (tmp_path / "a.db").write_bytes(data)
    if not data:  # an empty file becomes one, as everywhere in SQLite
        Audit(tmp_path / "a.db").close()
        return
    with pytest.raises(AccessError):
        Audit(tmp_path / "a.db")


def test_a_database_of_another_kind_is_left_as_it_is(tmp_path):
    line = sqlite3.connect(tmp_path / "a.db")
    line.execute("CREATE TABLE mine (x)")
    line.commit()
    line.close()
    with pytest.raises(AccessError, match="another kind"):
        Audit(tmp_path / "a.db")
    line = sqlite3.connect(tmp_path / "a.db")
    assert line.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]
    line.close()
