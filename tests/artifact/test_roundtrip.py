"""What is written comes back bit-equal, and equal contents give equal files."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wholefit import artifact
from wholefit.artifact import _format, _members
from wholefit.base.errors import ArtifactError, StateError
from wholefit.base.state import State, same

DTYPES = st.one_of(
    st.sampled_from(["?", "|i1", "|u1", "<f2", "<f4", "<f8", ">f8", "<c8", "<c16", "<i2", "<i4",
                     "<i8", ">i4", "<u2", "<u4", "<u8", "<U1", "<U7", ">U3", "|S5", "<M8[us]",
                     "<M8[D]", "<M8[ns]", "<m8[s]", "<M8[25s]"]).map(np.dtype))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2**70, 2**70) | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner,
                                                                max_size=3), max_leaves=8)


@st.composite
def arrays(draw):
    """An array of any stored dtype, C or Fortran order, perhaps a strided view."""
    dtype = draw(DTYPES)
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    count = int(np.prod(shape)) * dtype.itemsize
    if dtype.kind in "?bU":  # not every byte pattern is a boolean or a character
        array = draw(hnp.arrays(dtype, shape))
    else:
        raw = draw(st.binary(min_size=count, max_size=count))
        array = np.frombuffer(raw, np.uint8).view(dtype).reshape(shape) if count else \
            np.empty(shape, dtype)
    if array.ndim and draw(st.booleans()):
        array = array[::-1]
    return np.asfortranarray(array) if array.ndim > 1 and draw(st.booleans()) else array


@st.composite
def states(draw, depth=2):
    """A random tree of states."""
    parts = draw(st.dictionaries(NAMES, states(depth - 1), max_size=2)) if depth else {}
    return State(
        kind=draw(st.text(max_size=8)),
        config=draw(st.dictionaries(st.text(max_size=5), JSON, max_size=3)),
        arrays=draw(st.dictionaries(NAMES, arrays(), max_size=3)),
        blobs=draw(st.dictionaries(NAMES, st.binary(max_size=20), max_size=2)),
        parts=parts,
    )


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=st.dictionaries(NAMES, states(), max_size=2),
       record=st.dictionaries(st.text(max_size=5), JSON, max_size=3),
       reference=st.dictionaries(NAMES, st.binary(max_size=20), max_size=2))
def test_random_trees_come_back_bit_equal(tmp_path_factory, tree, record, reference):
    path = tmp_path_factory.getbasetemp() / "random.wf"
    assert artifact.write(path, record, tree, reference=reference, force=True) == path
    first = path.read_bytes()
    assert artifact.to_bytes(record, tree, reference=reference) == first
    package = artifact.read(path)
    assert package.record == record
    assert list(package.record) == list(record)
    assert list(package.states) == list(tree)
    assert all(same(package.states[name], tree[name]) for name in tree)
    assert dict(package.reference) == reference
    assert package.format == artifact.FORMAT
    with zipfile.ZipFile(path) as archive:
        identity = hashlib.sha256(archive.read("wholefit.json")).hexdigest()
    assert package.sha256 == identity
    assert all(fact.ok for fact in artifact.verify(path))
    artifact.write(path, package.record, dict(package.states), reference=package.reference,
                   force=True)
    assert path.read_bytes() == first


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(array=arrays())
def test_numpy_reads_what_we_write_and_we_read_what_numpy_writes(array):
    ours = b"".join(_members.npy(_members.storable(array, "array")))
    back = np.load(io.BytesIO(ours), allow_pickle=False)
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert len(ours) == _members.npy_size(_members.storable(array, "array"))
    theirs = io.BytesIO()
    np.save(theirs, array, allow_pickle=False)
    data = theirs.getvalue()
    read = _members.read_array(io.BytesIO(data), len(data), hashlib.sha256(data).hexdigest(), "a")
    assert (read.dtype, read.shape, read.tobytes()) == (array.dtype, array.shape, array.tobytes())


def model() -> State:
    """A small state that uses every feature of the format."""
    trees = State("trees", arrays={"left": np.arange(-1, 3000, dtype=np.int32),
                                   "flags": np.array([True, False])})
    return State("stack", {"n_classes": 2, "names": ["a", "b"]},
                 {"weights": np.array([[0.25, np.nan], [-0.0, np.inf]])},
                 {"text": b"tree\nversion=v4\n"}, {"2": trees, "10": trees, "1": trees})


def test_the_same_contents_give_the_same_bytes_in_another_process(tmp_path):
    code = ("import sys; sys.path[:0] = sys.argv[2:]; from test_roundtrip import model; "
            "from wholefit import artifact; artifact.write(sys.argv[1], {'a': 1}, {'m': model()})")
    files = []
    for seed in ("1", "2"):
        path = tmp_path / f"{seed}.wf"
        subprocess.run([sys.executable, "-c", code, str(path), os.path.dirname(__file__),
                        *sys.path], check=True, env={**os.environ, "PYTHONHASHSEED": seed})
        files.append(path.read_bytes())
    assert files[0] == files[1]


def test_fortran_order_does_not_change_the_file():
    grid = np.arange(12.0).reshape(3, 4)
    one = artifact.to_bytes({}, {"m": State("k", arrays={"a": grid})})
    two = artifact.to_bytes({}, {"m": State("k", arrays={"a": np.asfortranarray(grid)})})
    assert one == two


def test_parts_keep_their_order_and_arrays_may_be_written_to(tmp_path):
    artifact.write(tmp_path / "m.wf", {}, {"model": model()})
    state = artifact.read(tmp_path / "m.wf").states["model"]
    assert list(state.parts) == ["2", "10", "1"]
    state.arrays["weights"][0, 0] = 9.0
    assert state.arrays["weights"][0, 0] == 9.0


def test_bytes_files_and_paths_read_alike(tmp_path):
    path = tmp_path / "m.wf"
    artifact.write(path, {"a": 1}, {"model": model()}, reference={"sketch": b"123"})
    data = path.read_bytes()
    sources = (path, str(path), data, bytearray(data), io.BytesIO(data))
    for package in (*map(artifact.read, sources), artifact.from_bytes(data)):
        assert same(package.states["model"], model())
        assert package.reference["sketch"] == b"123"
    with open(path, "rb") as file:
        assert artifact.read(file).record == {"a": 1}


def test_a_small_package_outlives_its_file(tmp_path):
    path = tmp_path / "m.wf"
    artifact.write(path, {}, {"model": model()})
    package = artifact.read(path)
    path.unlink()
    assert same(package.states["model"], model())


def test_a_large_package_whose_file_was_replaced_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["wholefit.artifact.read"], "_KEEP", 0)
    path = tmp_path / "m.wf"
    artifact.write(path, {}, {"model": model()})
    package = artifact.read(path)
    artifact.write(path, {}, {"other": model()}, force=True)
    with pytest.raises(ArtifactError, match="has changed since it was opened"):
        package.states["model"]


def test_an_unknown_state_is_a_key_error(tmp_path):
    artifact.write(tmp_path / "m.wf", {}, {"model": model()})
    package = artifact.read(tmp_path / "m.wf")
    with pytest.raises(KeyError):
        package.states["encoder"]
    assert len(package.states) == 1


def test_an_existing_file_is_replaced_only_by_force(tmp_path):
    path = tmp_path / "m.wf"
    artifact.write(path, {"n": 1}, {})
    with pytest.raises(ArtifactError, match=r"m\.wf exists; pass force=True / --force"):
        artifact.write(path, {"n": 2}, {})
    assert artifact.read(path).record == {"n": 1}
    artifact.write(path, {"n": 2}, {}, force=True)
    assert artifact.read(path).record == {"n": 2}


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch):
    path = tmp_path / "m.wf"
    artifact.write(path, {"n": 1}, {})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArtifactError, match=r"m\.wf cannot be written: No space left"):
        artifact.write(path, {"n": 2}, {"model": model()}, force=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.wf"]
    assert artifact.read(path).record == {"n": 1}


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.wf", tmp_path / "link.wf"
    artifact.write(real, {"n": 1}, {})
    try:
        link.symlink_to(real)
    except OSError as error:
        pytest.skip(f"links cannot be made here: {error}")
    artifact.write(link, {"n": 2}, {}, force=True)
    assert link.is_symlink()
    assert artifact.read(real).record == {"n": 2}


def test_folders_are_refused_with_a_way_out(tmp_path):
    with pytest.raises(ArtifactError, match="is a folder; give the name of a file"):
        artifact.write(tmp_path, {}, {})
    with pytest.raises(ArtifactError, match="does not exist; make it first"):
        artifact.write(tmp_path / "no" / "m.wf", {}, {})


@pytest.mark.parametrize(("record", "message"), [
    ({"scores": {"rmse": float("nan")}}, r"the record\.scores\.rmse is nan"),
    ({"a": [1, float("inf")]}, r"the record\.a\[1\] is inf"),
    ({"a": {3: 1}}, r"the record\.a has the key 3; JSON keys must be text"),
    ({"a": np.int64(3)}, r"the record\.a must be text, a number.*got int64"),
    ({"a": {1, 2}}, r"got set"),
])
def test_a_record_that_is_not_json_names_the_place(tmp_path, record, message):
    with pytest.raises(StateError, match=message):
        artifact.write(tmp_path / "m.wf", record, {})
    assert not list(tmp_path.iterdir())


def test_a_record_that_contains_itself_is_refused(tmp_path):
    record: dict = {}
    record["self"] = record
    with pytest.raises(StateError, match="nests deeper than 100 levels, or contains itself"):
        artifact.write(tmp_path / "m.wf", record, {})


def late(**arrays_) -> State:
    """A state whose arrays were changed after it was checked."""
    state = State("k")
    state.arrays.update(arrays_)
    return state


@pytest.mark.parametrize(("state", "message"), [
    (late(a=np.array([None])), "array 'a' has dtype object"),
    (late(a=np.zeros(2, [("x", "f8")])), "only booleans"),
    (late(a=np.zeros(2, np.longdouble)), "only booleans"),
    (late(a=np.ma.masked_array([1.0, 2.0], [0, 1])), "must be a plain numpy array"),
    (late(a=[1.0]), "must be a plain numpy array; got list"),
    (State("k", blobs={"t": "text"}), "blob 't' must be bytes; got str"),
    (State("k", config={"a": {1: 2}}), "JSON keys must be text"),
    (State("k", arrays={"": np.ones(1)}), "name of every array must be text"),
    (State("k", arrays={"\ud800": np.ones(1)}), "valid Unicode"),
    (State("k", arrays={"x" * 201: np.ones(1)}), "1 to 200 characters"),
])
def test_what_the_format_cannot_hold_is_refused_before_a_file_is_made(tmp_path, state, message):
    with pytest.raises(StateError, match=message):
        artifact.write(tmp_path / "m.wf", {}, {"m": state})
    assert not list(tmp_path.iterdir())


def test_parts_nest_to_the_stated_depth_and_no_deeper(tmp_path):
    state = State("leaf", arrays={"a": np.ones(2)})
    for _ in range(_format.MAX_PARTS - 1):
        state = State("node", parts={"p": state})
    artifact.write(tmp_path / "m.wf", {}, {"m": state})
    assert same(artifact.read(tmp_path / "m.wf").states["m"], state)
    with pytest.raises(StateError, match="nest at most 32 deep"):
        artifact.write(tmp_path / "n.wf", {}, {"m": State("node", parts={"p": state})})


def test_large_members_are_stored_and_read_in_chunks(tmp_path):
    zeros = np.zeros(2_200_000)  # 17.6 MB: would deflate to nothing
    artifact.write(tmp_path / "m.wf", {}, {"m": State("k", arrays={"big": zeros,
                                                                   "small": zeros[:1000]})})
    with zipfile.ZipFile(tmp_path / "m.wf") as archive:
        packed = {info.filename: info.compress_type for info in archive.infolist()}
    assert packed["states/m/big.npy"] == zipfile.ZIP_STORED
    assert packed["states/m/small.npy"] == zipfile.ZIP_DEFLATED
    assert np.array_equal(artifact.read(tmp_path / "m.wf").states["m"].arrays["big"], zeros)


def test_the_layout_is_the_documented_one(tmp_path):
    """Read the file as docs/artifact.md tells an implementer to, with no code of ours."""
    artifact.write(tmp_path / "m.wf", {"task": "x"}, {"model": model()}, reference={"s": b"1"})
    with zipfile.ZipFile(tmp_path / "m.wf") as archive:
        names = archive.namelist()
        manifest = json.loads(archive.read("wholefit.json"))
        for name, entry in manifest["members"].items():
            data = archive.read(name)
            assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["size"],
                                                                     entry["sha256"])
        left = manifest["states"]["model"]["parts"]["10"]["arrays"]["left"]
        assert left == "states/model/parts/10/left.npy"
        array = np.load(io.BytesIO(archive.read(left)), allow_pickle=False)
    assert names == sorted(names)
    assert sorted([*manifest["members"], "wholefit.json"]) == names
    assert set(manifest) == {"format", "writer", "record", "states", "reference", "members"}
    assert np.array_equal(array, np.arange(-1, 3000))


def test_reading_wakes_only_numpy(tmp_path):
    artifact.write(tmp_path / "m.wf", {}, {"model": model()})
    code = ("import sys, numpy; before = set(sys.modules); from wholefit import artifact; "
            "artifact.read(sys.argv[1]).states['model']; new = {m.split('.')[0] for m in "
            "set(sys.modules) - before} - set(sys.stdlib_module_names); print(sorted(new))")
    out = subprocess.run([sys.executable, "-c", code, str(tmp_path / "m.wf")], check=True,
                         capture_output=True, text=True,
                         env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert out.stdout.strip() == "['wholefit']"
