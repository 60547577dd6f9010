"""Damaged, tampered and hostile files: an ArtifactError each, and never a surprise."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import stat
import struct
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholefit import artifact
from wholefit.artifact import _format, _members
from wholefit.base.errors import ArtifactError
from wholefit.base.state import State, same

W = "states/m/w.npy"
STATE = State("linear", {"alpha": 0.5}, {"w": np.array([1.5, -2.0]), "t": np.array(["a", "bc"])},
              {"text": b"tree"}, {"p": State("q", arrays={"b": np.array([True, False])})})


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """The bytes of a small sound artifact."""
    path = tmp_path_factory.mktemp("sound") / "m.wf"
    artifact.write(path, {"task": "regression"}, {"m": STATE}, reference={"r": b"123"})
    return path.read_bytes()


def consume(source, **options):
    """Read everything in an artifact."""
    package = artifact.read(source, **options)
    return package, dict(package.states), dict(package.reference)


def refused(source, match: str, **options) -> None:
    """Reading `source` through raises an ArtifactError that says `match`."""
    with pytest.raises(ArtifactError, match=match):
        consume(source, **options)


def npy(array: np.ndarray) -> bytes:
    """The npy bytes of an array."""
    return b"".join(bytes(piece) for piece in _members.npy(array))


def manifest_for(members: dict[str, bytes], /, **changes) -> dict:
    """A manifest that lists `members` rightly: arrays of one state "m", by their file name."""
    arrays = {Path(name).stem: name for name in members if name.endswith(".npy")}
    blobs = {Path(name).stem: name for name in members if name.endswith(".bin")}
    state = {"kind": "k", "config": {}, "arrays": arrays, "blobs": blobs, "parts": {}}
    sums = {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in members.items()}
    return {"format": 1, "writer": "wholefit 0.1.0", "record": {}, "states": {"m": state},
            "reference": {}, "members": sums, **changes}


def crafted(members: dict[str, bytes], manifest: dict | bytes | None = None,
            pack=zipfile.ZIP_STORED, edit=None, extra=()) -> bytes:
    """A zip made by hand: `edit(info)` may spoil each entry, `extra` adds (info, data) pairs."""
    if manifest is None:
        manifest = manifest_for(members)
    text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in [*members.items(), (_format.MANIFEST, text), *extra]:
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            info.compress_type = pack
            if edit:
                edit(info)
            archive.writestr(info, data)
    return file.getvalue()


GOOD = {W: npy(np.array([1.5, -2.0]))}


def test_the_crafting_tools_make_sound_files():
    for pack in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        _, states, _ = consume(crafted(GOOD, pack=pack))
        assert np.array_equal(states["m"].arrays["w"], [1.5, -2.0])


# -- damage -----------------------------------------------------------------------------------

def test_a_flipped_bit_anywhere_is_an_error_or_changes_nothing(whole):
    sound = consume(whole)[0]
    harmless = 0
    for at in range(len(whole)):
        for bit in (0x01, 0x80, 0xFF):
            spoilt = bytearray(whole)
            spoilt[at] ^= bit
            try:
                package, states, reference = consume(bytes(spoilt))
            except ArtifactError:
                continue
            harmless += 1
            assert package.record == sound.record
            assert package.sha256 == sound.sha256
            assert same(states["m"], STATE)
            assert reference == {"r": b"123"}
    # Harmless flips lie in fields that no reader uses (times, versions): a minority.
    assert harmless < len(whole)


def test_a_file_cut_anywhere_is_an_error(whole):
    for length in range(len(whole)):
        refused(whole[:length], "not a wholefit artifact|damaged")


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_random_mutations_are_an_error_or_change_nothing(whole, data):
    spoilt = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(spoilt) - 1))
        piece = data.draw(st.binary(max_size=8))
        spoilt[at:at + data.draw(st.integers(0, 8))] = piece
    try:
        _, states, reference = consume(bytes(spoilt))
    except ArtifactError:
        return
    assert same(states["m"], STATE)
    assert reference == {"r": b"123"}


def test_something_before_or_after_the_zip_is_refused(whole):
    refused(b"#!/bin/sh\n" + whole, "not a zip file")
    refused(whole[:60] + whole, "overlaps another, or something precedes|damaged")
    refused(whole + b"\0", "something follows it")
    file = io.BytesIO(whole)
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = b"hello"
    refused(file.getvalue(), "something follows it")


def test_missing_members_are_named():
    listed = manifest_for({**GOOD, "states/m/gone.npy": b""})
    refused(crafted(GOOD, listed), r"member 'states/m/gone\.npy' is missing")


def test_unlisted_members_are_refused():
    refused(crafted({**GOOD, "states/m/more.npy": b"x"}, manifest_for(GOOD)),
            r"member 'states/m/more\.npy' is not listed")


def test_swapped_members_fail_their_checksums():
    a, b = npy(np.array([1.0])), npy(np.array([2.0]))
    listed = manifest_for({"states/m/a.npy": a, "states/m/b.npy": b})
    refused(crafted({"states/m/a.npy": b, "states/m/b.npy": a}, listed),
            "do not match their checksum")


def test_blobs_and_reference_are_checked_too():
    listed = manifest_for({"states/m/t.bin": b"good"})
    refused(crafted({"states/m/t.bin": b"evil"}, listed), "do not match their checksum")
    listed = manifest_for({}, reference={"r": "reference/r"}, members={
        "reference/r": {"size": 4, "sha256": hashlib.sha256(b"good").hexdigest()}})
    refused(crafted({"reference/r": b"evil"}, listed), "do not match their checksum")


def test_verify_names_each_fault_and_raises_for_none(whole, tmp_path):
    listed = manifest_for({W: npy(np.array([1.0])), "states/m/t.bin": b"good"})
    facts = artifact.verify(crafted({W: npy(np.array([2.0])), "states/m/t.bin": b"good"}, listed))
    assert {fact.about: fact.ok for fact in facts} == {
        "file": True, "wholefit.json": True, W: False, "states/m/t.bin": True}
    assert [fact.ok for fact in artifact.verify(whole[:-1])] == [True, False]
    assert all(fact.ok for fact in artifact.verify(whole))
    spoilt = crafted({W: npy(np.array([1.0])), "states/m/t.bin": b"good"}, listed)
    at = spoilt.index(b"\x93NUMPY") + 130  # inside the data: the zip's own checksum fails
    facts = artifact.verify(spoilt[:at] + bytes([spoilt[at] ^ 1]) + spoilt[at + 1:])
    assert [fact.about for fact in facts if not fact.ok] == [W]
    (tmp_path / "m.wf").write_bytes(whole)
    assert all(fact.ok for fact in artifact.verify(tmp_path / "m.wf"))


# -- not an artifact --------------------------------------------------------------------------

def test_other_files_are_named_for_what_they_are(tmp_path):
    refused(b"", "it is empty")
    refused(b"age,income\n1,2\n" * 9, "not a zip file")
    refused(pickle.dumps({"a": 1}), "not a zip file")
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("word/document.xml", b"<x/>")
    refused(other.getvalue(), "0 members named wholefit.json")
    with zipfile.ZipFile(empty := io.BytesIO(), "w"):
        pass
    refused(empty.getvalue(), "not a wholefit artifact")


def test_a_folder_and_a_missing_file(tmp_path, whole):
    refused(tmp_path, "is a folder; expected a wholefit artifact")
    (tmp_path / "churn.wf").write_bytes(whole)
    refused(tmp_path / "chrun.wf", r"chrun\.wf does not exist; did you mean '.*churn\.wf'\?")
    refused(tmp_path / "zzzzzzzz", r"artifacts there: churn\.wf\.")
    refused(tmp_path / "no" / "m.wf", "nor does a readable folder")
    refused(tmp_path / "a\0b", "does not exist")
    (tmp_path / "churn.wf").unlink()
    refused(tmp_path / "m.wf", r"no \.wf file is there")


def test_a_device_is_not_read():
    if not Path("/dev/zero").exists():
        pytest.skip("this system has no /dev/zero")
    refused("/dev/zero", "not a regular file")


def test_an_endless_stream_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(sys.modules["wholefit.artifact.read"], "DEFAULT_LIMIT", 10**6)

    class Endless(io.RawIOBase):
        def read(self, size=-1):
            return b"\0" * size

    refused(Endless(), "larger than 0.001 GB")


# -- versions ---------------------------------------------------------------------------------

def test_a_newer_format_says_who_made_it_and_what_to_do():
    newer = manifest_for(GOOD, format=2, writer="wholefit 9.1.0")
    refused(crafted(GOOD, newer), r"was made by wholefit 9\.1\.0, format 2; this version reads up "
                                  r"to 1: upgrade")


def test_a_newer_format_may_break_every_other_rule():
    refused(crafted({"anything": b"x"}, {"format": 7}), "format 7; this version reads up to 1")


@pytest.mark.parametrize("number", [0, -1, True, 1.0, "1", None])
def test_a_format_that_is_no_number_is_refused(number):
    refused(crafted(GOOD, manifest_for(GOOD, format=number)), "states no format")


# -- the manifest -----------------------------------------------------------------------------

@pytest.mark.parametrize("text", [
    b'{"format": NaN}', b'{"format": 1, "record": {"a": Infinity}}', b'{"a": 1e999}',
    b'{"a": -Infinity}', b'{"format": 1, "format": 1}', b"", b"{", b"\xff\xfe{}", b"\xef\xbb\xbf{}",
    b'{"a": ' + b"9" * 10_000 + b"}", b"{} {}", b'{"a": "\x00"}',
])
def test_json_that_is_not_strict_is_refused(text):
    refused(crafted(GOOD, text), "not strict JSON")


@pytest.mark.parametrize("text", [b"[]", b"1", b'"x"', b"null", b"{}"])
def test_json_that_is_no_manifest_is_refused(text):
    refused(crafted(GOOD, text), "states no format")


@pytest.mark.parametrize("depth", [300, 5_000, 200_000])
def test_deep_json_is_refused(depth):
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        text = b'{"format": 1, "record": ' + opening * depth + b"1" + closing * depth + b"}"
        refused(crafted(GOOD, text, pack=zipfile.ZIP_DEFLATED), "nests deeper than 200")


STATE_NODE = manifest_for(GOOD)["states"]["m"]


@pytest.mark.parametrize("changes", [
    {"record": []}, {"writer": 1}, {"states": None}, {"members": []}, {"reference": "r"},
    {"states": {"m": []}}, {"states": {"m": {}}}, {"states": {"m": {**STATE_NODE, "kind": 1}}},
    {"states": {"m": {**STATE_NODE, "config": []}}},
    {"states": {"m": {**STATE_NODE, "arrays": {"w": 3}}}},
    {"states": {"m": {**STATE_NODE, "parts": {"p": 3}}}},
    {"states": {"m": STATE_NODE, "twice": STATE_NODE}}, {"states": {}},
    {"reference": {"r": W}},
    {"members": {W: {"size": -1, "sha256": "0" * 64}}}, {"members": {W: {"size": 1}}},
    {"members": {W: {"size": True, "sha256": "0" * 64}}}, {"members": {W: 3}},
    {"members": {W: {"size": 1, "sha256": "0" * 63}}},
    {"members": {W: {"size": 1, "sha256": "0" * 64 + "\n"}}},
])
def test_a_manifest_of_the_wrong_shape_is_refused(changes):
    refused(crafted(GOOD, manifest_for(GOOD, **changes)), "damaged: in wholefit.json")


def test_parts_nested_too_deep_are_refused():
    node = STATE_NODE
    for _ in range(_format.MAX_PARTS):
        node = {**STATE_NODE, "arrays": {}, "parts": {"p": node}}
    refused(crafted(GOOD, manifest_for(GOOD, states={"m": node})), "nests deeper than 32")


# -- names ------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", [
    "../evil.npy", "states/../../evil.npy", "/etc/passwd", "states//w.npy", "states/./w.npy",
    "states\\w.npy", "C:\\evil.npy", "C:/evil.npy", "states/w.npy/", "states/\x01.npy", "~/x.npy",
    "states/w npy", "states/.hidden", "states/caf\u00e9.npy", "",
])
def test_unsafe_names_are_refused_in_the_zip(name):
    refused(crafted({**GOOD, name: b"x"}, manifest_for(GOOD)), "which is not a plain relative path")


@pytest.mark.parametrize("name", ["../evil.npy", "/etc/passwd", "C:/evil", "other/w.npy", "w.npy",
                                  "wholefit.json", "states/\x00.npy", "states/w.npy\n"])
def test_unsafe_names_are_refused_in_the_manifest(name):
    listed = manifest_for(GOOD)
    listed["members"][name] = listed["members"][W]
    refused(crafted(GOOD, listed), "unsafe: it lists a member named")


def test_a_nul_in_a_name_is_refused():
    data = crafted({**GOOD, "states/m/x#y.npy": b"x"}, manifest_for(GOOD))
    refused(data.replace(b"x#y.npy", b"x\0y.npy"), "not a plain relative path|damaged")


def test_two_members_of_one_name_are_refused():
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = crafted(GOOD, extra=[(W, GOOD[W])])
    refused(twice, "two members named")
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = crafted(GOOD, extra=[(_format.MANIFEST, b"{}")])
    refused(twice, "2 members named wholefit.json")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_special_files_are_refused(kind):
    def spoil(info):
        info.external_attr = (kind | 0o777) << 16

    refused(crafted(GOOD, edit=spoil), "is a link or a special file")


# -- the zip ----------------------------------------------------------------------------------

def patched(data: bytes, name: str, field: int, value: bytes) -> bytes:
    """`data` with bytes of the directory entry of `name` replaced, from offset `field`."""
    at = data.rindex(name.encode()) - 46
    assert data[at:at + 4] == b"PK\x01\x02"
    return data[:at + field] + value + data[at + field + len(value):]


def test_an_encrypted_member_is_refused():
    refused(patched(crafted(GOOD), W, 8, b"\x01\x00"), "is encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 99])
def test_other_compressions_are_refused(method):
    refused(patched(crafted(GOOD), W, 10, struct.pack("<H", method)),
            "neither stored nor deflated")


def test_a_zip64_file_is_read():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in [*GOOD.items(), (_format.MANIFEST,
                                           json.dumps(manifest_for(GOOD)).encode())]:
            with archive.open(name, "w", force_zip64=True) as stream:
                stream.write(data)
    _, states, _ = consume(file.getvalue())
    assert np.array_equal(states["m"].arrays["w"], [1.5, -2.0])


def test_a_zip64_size_beyond_all_bounds_is_refused():
    huge = patched(crafted(GOOD), W, 20, b"\xff" * 8)
    refused(huge, "damaged|unsafe")


def test_a_bomb_is_refused_before_it_goes_off():
    zeros = b"\0" * (_format.MAX_DEFLATED + 1)
    refused(crafted({"states/m/t.bin": zeros}, pack=zipfile.ZIP_DEFLATED),
            "claims to unpack to 67108865 bytes")


def test_the_limit_counts_every_member(whole):
    members = {f"states/m/{i}.bin": b"\0" * 10**6 for i in range(5)}
    bomb = crafted(members, pack=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 50_000
    refused(bomb, "unpacks to 0.005 GB; the limit is 0.004 GB: pass a larger limit=",
            limit=4_000_000)
    assert len(consume(bomb, limit=6_000_000)[1]["m"].blobs) == 5


def test_a_bomb_that_lies_about_its_size_stops_at_the_stated_size():
    zeros = b"\0" * 10**7
    listed = manifest_for({"states/m/t.bin": zeros[:1000]})
    bomb = crafted({"states/m/t.bin": zeros}, listed, pack=zipfile.ZIP_DEFLATED)
    bomb = patched(bomb, "states/m/t.bin", 24, struct.pack("<I", 1000))
    refused(bomb, "damaged")


def test_a_size_that_deflate_cannot_reach_is_refused():
    refused(patched(crafted(GOOD, pack=zipfile.ZIP_DEFLATED), W, 24, struct.pack("<I", 10**7)),
            "more than deflate can hold")
    refused(patched(crafted(GOOD), W, 24, struct.pack("<I", 10**7)), "states two sizes")


def test_overlapping_members_are_refused():
    members = {W: GOOD[W], "states/m/x.npy": GOOD[W]}
    refused(patched(crafted(members), "states/m/x.npy", 42, struct.pack("<I", 0)),
            "overlaps another|damaged")


def test_too_many_members_are_refused(monkeypatch):
    monkeypatch.setattr(_format, "MAX_MEMBERS", 3)
    refused(crafted({f"states/m/{i}.bin": b"" for i in range(4)}), "it has 5 members")


# -- arrays -----------------------------------------------------------------------------------

def header(text: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """An npy file with a header of our choosing."""
    raw = text.encode("latin-1") + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(raw)) + raw + data


def shaped(descr: str, shape: str, data: bytes = b"") -> bytes:
    """An npy file of the usual form with a given descr and shape, as text."""
    return header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}", data)


def saved(array: np.ndarray) -> bytes:
    """What numpy.save writes, pickles allowed."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


class Trap:
    """Leaves a file behind if it is ever unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickled_array_is_refused_and_not_run(tmp_path):
    sprung = tmp_path / "sprung"
    data = saved(np.array([Trap(sprung)], dtype=object))
    refused(crafted({W: data}), "object arrays are never read")
    assert not sprung.exists()
    np.load(io.BytesIO(data), allow_pickle=True)
    assert sprung.exists(), "the trap must work where pickles are allowed"


@pytest.mark.parametrize("data", [
    saved(np.zeros(2, [("x", "f8")])), saved(np.zeros(2, "V8")), saved(np.zeros(1, np.longdouble)),
    shaped("'|O'", "(1,)", b"x" * 8), shaped("'<f8'", "(-1,)"), shaped("'<f8'", "(1, 2"),
    shaped("'<f8'", "(1.0,)", b"x" * 8), shaped("'<f8'", "(True,)", b"x" * 8),
    shaped("'<U0'", "(99999999999,)"), shaped("'<f16'", "(1,)", b"x" * 16),
    shaped("__import__('os').getcwd()", "(1,)"), shaped("'<f8' * 9", "(1,)"),
    header("{'descr': '<f8', 'shape': (1,), 'fortran_order': False, }", b"x" * 8),
    header("{'descr': '<f8', 'fortran_order': False, 'shape': (0,), 'more': 1, }"), header(""),
])
def test_headers_that_are_not_plain_are_refused(data):
    refused(crafted({W: data}), "npy header")


@pytest.mark.parametrize("data", [
    b"", b"\x93NUMPY", b"PK\x03\x04" * 9, header("x" * 5000), header("{}", version=b"\x02\x00"),
    header("{}", version=b"\x09\x00"), b"\x93NUMPY\x01\x00\xff\x0f{}",
])
def test_files_that_are_not_npy_are_refused(data):
    refused(crafted({W: data}), "damaged")


@pytest.mark.parametrize(("descr", "shape"), [
    ("'<f8'", "(1000000000000,)"), ("'<f8'", "(99999999999, 99999999999, 99999999999)"),
    ("'<U99999999'", "(4000000000,)"), ("'|u1'", "(9223372036854775808,)"),
    ("'|u1'", f"({'1, ' * 33})"), ("'<f8'", "(0, 9223372036854775807)"),
    ("'<f8'", "(3,)"), ("'<f8'", "()"),
])
def test_a_shape_that_is_not_the_members_size_is_refused_before_allocation(descr, shape):
    refused(crafted({W: shaped(descr, shape, b"\0" * 16)}), "damaged")


def test_zero_sizes_do_not_hide_impossible_shapes():
    refused(crafted({W: shaped("'<f8'", "(0, 4000000000000000000, 4000000000000000000)")}),
            "damaged")


def test_bytes_that_no_boolean_or_character_has_are_refused():
    refused(crafted({W: shaped("'|b1'", "(2,)", b"\x01\x02")}), "neither 0 nor 1")
    for order in "<>":
        bad = struct.pack(f"{order}I", 0x110000)
        refused(crafted({W: shaped(f"'{order}U1'", "(1,)", bad)}), "not Unicode")


@pytest.mark.parametrize("array", [
    np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(4, dtype=">i4"),
    np.array(["a", "\U0001F600"], dtype=">U1"), np.array(3.0), np.empty((0, 4)),
])
def test_any_order_of_axes_and_bytes_is_read(array):
    _, states, _ = consume(crafted({W: saved(array)}))
    back = states["m"].arrays["w"]
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())


@settings(max_examples=200, deadline=None)
@given(noise=st.binary(max_size=200), magic=st.booleans())
def test_noise_in_place_of_an_array_is_refused(noise, magic):
    refused(crafted({W: (b"\x93NUMPY\x01\x00" if magic else b"") + noise}), "damaged")


def test_a_claim_of_gigabytes_takes_no_memory():
    data = shaped("'|u1'", "(3900000000,)")
    listed = manifest_for({W: data})
    listed["members"][W]["size"] = 3_900_000_000
    tracemalloc.start()
    try:
        refused(crafted({W: data}, listed), "not of its stated size")
        refused(crafted({W: data}), "not the size of the member")
        lying = patched(crafted({W: data}, listed), W, 20, struct.pack("<II", *[3_900_000_000] * 2))
        refused(lying, "unsafe|damaged")
        peak = tracemalloc.get_traced_memory()[1]
        np.empty(50_000_000, np.uint8)
        assert tracemalloc.get_traced_memory()[1] > 50_000_000, "arrays must be counted"
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000
