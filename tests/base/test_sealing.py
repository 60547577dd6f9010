"""Seals: only the key opens them, nothing in them can be altered, moved, left out or added."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import os
import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit.base import sealing
from wholefit.base.errors import AccessError
from wholefit.base.sealing import MARK, Sealer, is_sealed, new_key, sealer

pytest.importorskip("cryptography")


def sealed(by: Sealer, data: bytes) -> bytes:
    target = io.BytesIO()
    assert by.seal_file(io.BytesIO(data), target) == len(data)
    return target.getvalue()


def opened(by: Sealer, data: bytes) -> bytes:
    return b"".join(by.open_file(io.BytesIO(data)))


def pieces(data: bytes) -> list[bytes]:
    found, at = [], len(MARK)
    while at < len(data):
        length = int.from_bytes(data[at:at + 4], "big")
        found.append(data[at:at + 4 + length])
        at += 4 + length
    return found


@pytest.fixture
def small(monkeypatch) -> Sealer:
    """A sealer whose pieces are small, so that short files have many."""
    monkeypatch.setattr(sealing, "_PIECE", 64)
    return Sealer([new_key()])


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=400))
def test_what_is_sealed_opens(data):
    by = Sealer([new_key()])
    assert by.open(by.seal(data)) == data
    assert opened(by, sealed(by, data)) == data


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 128, 1000])
def test_files_of_every_number_of_pieces(small, size):
    data = os.urandom(size)
    made = sealed(small, data)
    assert is_sealed(made) and not is_sealed(data + b"PK")
    assert opened(small, made) == data
    assert len(pieces(made)) == max(1, -(-size // 64))


def test_the_same_bytes_never_look_the_same_twice(small):
    assert small.seal(b"x") != small.seal(b"x")
    assert b"secret" not in sealed(small, b"secret" * 40)


def test_another_key_opens_nothing(small):
    other = Sealer([new_key()])
    with pytest.raises(AccessError, match="another one"):
        other.open(small.seal(b"x"))
    with pytest.raises(AccessError, match="another one"):
        opened(other, sealed(small, b"x" * 200))


def test_keys_are_rotated(small):
    old, new = new_key(), new_key()
    made = Sealer([old]).seal(b"row")
    both = Sealer([new, old])
    assert both.open(made) == b"row"
    assert Sealer([new]).open(both.seal(both.open(made))) == b"row"


def test_any_flipped_bit_is_seen(small):
    made = sealed(small, b"0123456789" * 15)
    for at in range(len(made)):
        spoilt = bytearray(made)
        spoilt[at] ^= 0x10
        with pytest.raises(AccessError):
            opened(small, bytes(spoilt))


def test_cut_doubled_moved_and_added_pieces_are_seen(small):
    made = sealed(small, bytes(range(200)))
    parts = pieces(made)
    other = pieces(sealed(small, bytes(200)))
    for found in (parts[:-1], parts[1:], parts[::-1], [*parts, parts[-1]], [parts[0], *parts],
                  [parts[0], other[1], *parts[2:]], [*parts[:-1], other[-1]], [], other[:1]):
        with pytest.raises(AccessError):
            opened(small, MARK + b"".join(found))
    for length in range(len(made)):
        with pytest.raises(AccessError):
            opened(small, made[:length])
    with pytest.raises(AccessError):
        opened(small, made + b"\0")


def test_a_piece_that_claims_to_be_huge_costs_no_memory(small):
    tracemalloc.start()
    with pytest.raises(AccessError):
        opened(small, MARK + b"\xff\xff\xff\xff" + b"x" * 100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_anything_else_is_one_kind_of_error(data):
    by = Sealer([new_key()])
    with pytest.raises(AccessError):
        opened(by, MARK + data)
    with pytest.raises(AccessError):
        by.open(data)


def test_a_second_reading_of_the_format_agrees():
    """The format as the docs tell it, with the standard library and AES alone."""
    ciphers = pytest.importorskip("cryptography.hazmat.primitives.ciphers")
    key, data = new_key(), os.urandom(3_000_000)
    raw = base64.urlsafe_b64decode(key)
    found = b""
    for number, part in enumerate(parts := pieces(sealed(Sealer([key]), data))):
        token = part[4:]
        assert token[0] == 0x80
        assert hmac.digest(raw[:16], token[:-32], hashlib.sha256) == token[-32:]
        start, text = token[9:25], token[25:-32]
        cipher = ciphers.Cipher(ciphers.algorithms.AES(raw[16:]), ciphers.modes.CBC(start))
        plain = cipher.decryptor().update(text)
        plain = plain[:-plain[-1]]
        _, at, last = struct.unpack(">16sQB", plain[:25])
        assert (at, bool(last)) == (number, number == len(parts) - 1)
        found += plain[25:]
    assert found == data


KEY = base64.urlsafe_b64encode(bytes(range(32)))


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 44, KEY[:-4], KEY * 2, b"\xff" * 44])
def test_a_key_that_is_none_is_told_without_showing_it(key):
    with pytest.raises(AccessError, match="32 random bytes") as caught:
        Sealer([key])
    assert key.decode("latin-1")[:20] not in str(caught.value) or not key


def test_keys_come_from_where_the_words_say(tmp_path, monkeypatch):
    first, second = new_key(), new_key()
    (tmp_path / "keys").write_bytes(first + b"\n" + second + b"\n")
    made = Sealer([second]).seal(b"x")
    assert sealer(f"file:{tmp_path / 'keys'}").open(made) == b"x"
    monkeypatch.setenv("A", second.decode())
    assert sealer(["env:A", f"file:{tmp_path / 'keys'}"]).open(made) == b"x"
    monkeypatch.setenv("WHOLEFIT_KEY", "env:A")
    assert sealer().open(made) == b"x"
    monkeypatch.delenv("WHOLEFIT_KEY")
    with pytest.raises(AccessError, match="WHOLEFIT_KEY"):
        sealer()
    assert "x" not in repr(sealer("env:A")).replace("Sealer", "")
