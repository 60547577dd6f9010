"""Pictures that memory should not hold: every way of giving them, the same cells, from a file."""

from __future__ import annotations

import gc
import gzip
import shutil
import struct
import tempfile
from collections import namedtuple
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.data.images.conftest import encoded, painted

from wholefit import data
from wholefit.base.errors import DataError
from wholefit.base.spool import SAID, Filed
from wholefit.data.images import cells, keeping, sizing, workers
from wholefit.data.images.decode import Bad

PIXELS = np.random.default_rng(3).integers(0, 256, (40, 9, 7, 3), dtype=np.uint8)
PIXELS[7] = PIXELS[30]  # equal pictures stay equal
GREY = PIXELS[..., 0]
LABELS = np.arange(40) % 2


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """The temporary folder, to see what is left in it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def _idx() -> bytes:
    return b"\0\0\x08\x03" + struct.pack(">3I", *GREY.shape) + GREY.tobytes()


def _sources(folder: Path) -> dict[str, object]:
    """Every way of giving the pictures."""
    names = []
    for at, pixels in enumerate(PIXELS):
        path = folder / "photos" / f"class{at % 2}" / f"{at:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(pixels))
        names.append(str(path))
    pl.DataFrame({"file": [f"photos/class{at % 2}/{at:02}.png" for at in range(40)],
                  "y": LABELS}).write_csv(folder / "table.csv")
    pl.DataFrame({"p": [encoded(each) for each in PIXELS], "y": LABELS}).write_parquet(
        folder / "bytes.parquet")
    (folder / "d-idx3-ubyte").write_bytes(_idx())
    (folder / "e-idx3-ubyte.gz").write_bytes(gzip.compress(_idx()))
    np.save(folder / "d.npy", PIXELS)
    np.savez(folder / "d.npz", x=PIXELS, y=LABELS)
    np.savez_compressed(folder / "e.npz", x=PIXELS, y=LABELS)
    paths = {name: folder / name for name in (
        "photos", "table.csv", "bytes.parquet", "d-idx3-ubyte", "e-idx3-ubyte.gz", "d.npy",
        "d.npz", "e.npz")}
    return {**paths, "array": PIXELS, "pair": (PIXELS, LABELS), "paths": names,
            "mapped": np.load(folder / "d.npy", mmap_mode="r"),
            "floats": PIXELS / 255.0, "upper": PIXELS.astype(np.uint16) * 257,
            "transparent": np.concatenate([PIXELS, PIXELS[..., :1]], axis=3),
            "columns": {"image": PIXELS, "age": LABELS * 2}, "limited": PIXELS}


@pytest.mark.parametrize("kind", [
    "photos", "table.csv", "bytes.parquet", "d-idx3-ubyte", "e-idx3-ubyte.gz", "d.npy", "d.npz",
    "e.npz", "array", "pair", "paths", "mapped", "floats", "upper", "transparent", "columns",
    "limited"])
def test_every_source_gives_the_same_from_a_file(kind, tmp_path, temporary, monkeypatch):
    source = _sources(tmp_path)[kind]
    options = {"image_limit": 5} if kind == "limited" else {}
    whole = data.load(source, **options)
    name, shape = whole.schema.having("image")[0], (3, 6, 6)
    wanted = whole.images(name, shape)
    monkeypatch.setenv(SAID, "2kB")
    filed = data.load(source, **options)
    column = filed.frame[name]
    assert cells.are_cells(column) and keeping.leads(column) and not keeping.leads(
        whole.frame[name])
    assert all(np.array_equal(cells.unpack(one), cells.unpack(other)) for one, other in
               zip(whole.frame[name], column, strict=True))
    assert np.array_equal(whole.row_keys(), filed.row_keys())
    assert np.array_equal(whole.image_sizes(name), filed.image_sizes(name))
    large = filed.images(name, shape)
    assert isinstance(large, Filed) and np.array_equal(large[:], wanted)
    part = filed.take(np.array([3, 39, 3]))
    assert np.array_equal(part.images(name, shape)[:], large[[3, 39, 3]])
    assert [(note.kind, note.message) for note in whole.notes] == [
        (note.kind, note.message) for note in filed.notes]
    assert list(temporary.iterdir())
    del large, filed, column
    gc.collect()
    assert list(temporary.iterdir()), "what was taken holds the pixels still"
    del part
    gc.collect()
    assert not list(temporary.iterdir())


def test_equal_pictures_are_written_once_and_equal(monkeypatch):
    monkeypatch.setenv(SAID, "2kB")
    table = data.read(PIXELS)
    column = table.frame["image"]
    assert column[7] == column[30] and column.n_unique() == 39
    assert table.held[0].spool.size == 39 * PIXELS[0].size


def test_broken_pictures_and_gaps_stay_what_they_are(monkeypatch):
    sources = [encoded(painted(at)) for at in range(9)] + [b"", None, encoded(painted(1))[:60]]
    whole = workers.decode_all(sources, 64)
    monkeypatch.setenv(SAID, "1kB")
    filed = workers.decode_all(sources, 64)
    assert [type(each) for each in filed] == [type(each) for each in whole]
    assert [str(each) for each in filed[9:]] == [str(each) for each in whole[9:]]
    assert isinstance(filed[9], Bad) and filed[10] is None
    assert keeping.brought(filed[:9]) == whole[:9]


@pytest.mark.parametrize("kind", ["photos", "e-idx3-ubyte.gz", "e.npz", "array"])
def test_a_disk_without_room_is_refused_before_it_is_filled(
    kind, tmp_path, temporary, monkeypatch
):
    source = _sources(tmp_path)[kind]
    usage = namedtuple("usage", "total used free")
    monkeypatch.setenv(SAID, "2kB")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    with pytest.raises(DataError, match=r"[\d,]+ bytes \(0.0 GB\).*only 1,000 bytes.*TMPDIR"):
        data.load(source)
    gc.collect()
    assert not list(temporary.iterdir())


def test_a_reading_that_fails_leaves_no_file(temporary, monkeypatch):
    monkeypatch.setenv(SAID, "1kB")

    def sources():
        yield from (cells.pack(each) for each in PIXELS)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workers._gathered(sources(), 40)
    gc.collect()
    assert not list(temporary.iterdir())


def test_cells_that_come_from_outside_lead_nowhere(monkeypatch):
    monkeypatch.setenv(SAID, "2kB")
    table = data.read(PIXELS)
    led = table.frame["image"][0]
    for forged in (led[:10] + bytes(8) + led[18:], led[:18] + b"\xff" * 8, led + b"x", led[:20],
                   led[:4] + b"\x02" + led[5:]):
        assert not cells.is_cell(forged)
        assert not cells.are_cells(pl.Series([led, forged]))
        with pytest.raises(DataError):
            cells.unpack(forged)
    del table
    gc.collect()
    assert not cells.is_cell(led)
    with pytest.raises(DataError, match="must be a picture"):
        cells.size(led)
    with pytest.raises(DataError, match="no longer there"):
        keeping.brought([led])


def test_reading_lets_go_of_pages_but_never_of_what_was_changed(tmp_path):
    np.save(tmp_path / "d.npy", PIXELS)
    own = np.load(tmp_path / "d.npy", mmap_mode="c")
    own[:] = 7
    for part in cells.stretches(own[2:]):
        assert (part == 7).all()
    assert (own == 7).all()


def test_all_fits_come_from_a_file_alike(monkeypatch):
    column = cells.column("p", [cells.pack(painted(at, (8 + at, 12))) for at in range(4)] + [None])
    for fit in sizing.FITS:
        whole = sizing.at_size(column, (3, 10, 10), fit)
        monkeypatch.setenv(SAID, "1kB")
        assert np.array_equal(sizing.at_size(column, (3, 10, 10), fit)[:], whole)
        monkeypatch.delenv(SAID)
