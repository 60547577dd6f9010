"""Arrays, idx files, parquet bytes: pictures that come without a folder."""

from __future__ import annotations

import base64
import gzip
import struct
import sys
import time

import numpy as np
import polars as pl
import pytest
from tests.data.images.conftest import encoded, painted

from wholefit import data
from wholefit.base.errors import DataError, SchemaError
from wholefit.data.images import arrays, cells, sizing, workers

decode = sys.modules["wholefit.data.images.decode"]  # the package holds a function of that name
RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (30, 9, 7), dtype=np.uint8)
LABELS = np.arange(30) % 3


def _images(dataset, shape=(1, 9, 7)):
    return dataset.images(dataset.schema.having("image")[0], shape)


def test_an_array_and_its_labels():
    for source in ((GREY, LABELS), {"image": GREY, "label": LABELS}):
        dataset = data.load(source, target="label")
        assert np.array_equal(_images(dataset)[:, 0], GREY)
        assert dataset.target_values().tolist() == [0, 1, 2]
    assert data.load((GREY, LABELS)).schema.target == "label"


def test_a_picture_column_beside_others():
    source = {"photo": GREY, "age": LABELS * 1.5 + np.arange(30), "y": LABELS}
    dataset = data.load(source, target="y")
    assert dataset.schema.features == ["photo", "age"]


@pytest.mark.parametrize("layout", ["last", "first"])
def test_channels_first_or_last(layout):
    colour = RNG.integers(0, 256, (5, 9, 8, 3), dtype=np.uint8)
    given = colour if layout == "last" else colour.transpose(0, 3, 1, 2)
    assert np.array_equal(_images(data.load(given), (3, 9, 8)), colour.transpose(0, 3, 1, 2))


def test_scales():
    assert np.array_equal(_images(data.load(GREY / 255.0))[:, 0], GREY)
    assert np.array_equal(_images(data.load(GREY.astype(np.float32)))[:, 0], GREY)
    assert np.array_equal(_images(data.load(GREY.astype(np.uint16) * 257))[:, 0], GREY)
    assert set(np.unique(_images(data.load(GREY > 100)))) == {0, 255}
    for wrong in (GREY / 127.5 - 1, GREY.astype(np.int64) * 1000, GREY.astype(complex)):
        with pytest.raises(DataError):
            data.load(wrong)


def test_pictures_that_hold_no_numbers_are_missing():
    spoilt = GREY / 255.0
    spoilt[4, 2, 2] = np.nan
    spoilt[7, 0, 0] = np.inf
    table = data.read(spoilt)
    assert np.flatnonzero(table.frame["image"].is_null().to_numpy()).tolist() == [4, 7]


def test_one_colour_picture_is_one_row():
    assert data.read(RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)).frame.height == 1
    assert data.read([painted(), painted(1, (5, 4))]).frame.height == 2


def test_shapes_that_are_no_pictures():
    for wrong in (np.zeros((3, 4, 5, 2), np.uint8), np.zeros((2, 2, 2, 2, 2), np.uint8),
                  np.zeros((3, 0, 5), np.uint8)):
        with pytest.raises(DataError):
            data.read(wrong)
    with pytest.raises(DataError, match="as many"):
        data.read((GREY, LABELS[:-1]))
    with pytest.raises(DataError, match="one length"):
        data.read({"image": GREY, "label": LABELS[:-1]})


def test_large_arrays_are_shrunk_and_none_is_copied_twice():
    big = np.full((2, 300, 200), 9, np.uint8)
    assert cells.sizes(data.read(big).frame["image"]).tolist() == [[1, 128, 85]] * 2


def test_files_of_arrays(tmp_path):
    np.save(tmp_path / "a.npy", GREY)
    assert np.array_equal(_images(data.load(tmp_path / "a.npy"))[:, 0], GREY)
    np.savez(tmp_path / "b.npz", x_train=GREY, y_train=LABELS, x_test=GREY[:2], y_test=LABELS[:2])
    dataset = data.load(tmp_path / "b.npz")
    assert len(dataset) == 30 and dataset.schema.target == "label"
    assert any("x_test" in note.message for note in dataset.notes)
    np.savez(tmp_path / "c.npz", a=np.array([{"code": 1}], dtype=object))
    with pytest.raises(DataError):
        data.read(tmp_path / "c.npz")
    np.save(tmp_path / "flat.npy", np.zeros((4, 3)))
    assert data.read(tmp_path / "flat.npy").frame.shape == (4, 3)


def _idx(values):
    return struct.pack(">BBBB", 0, 0, 8, values.ndim) + struct.pack(
        f">{values.ndim}I", *values.shape) + values.astype(np.uint8).tobytes()


def test_idx_files_of_a_folder(tmp_path):
    for part, count in (("train", 30), ("t10k", 6)):
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(_idx(GREY[:count])))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(_idx(LABELS[:count])))
    dataset = data.load(tmp_path)
    assert len(dataset) == 30 and np.array_equal(_images(dataset)[:, 0], GREY)
    assert len(data.load(tmp_path / "t10k-images-idx3-ubyte.gz")) == 6


@pytest.mark.parametrize("spoil", [
    lambda whole: whole[:-5], lambda whole: whole[:7], lambda whole: b"\0\0\x09\x03" + whole[4:],
    lambda whole: whole[:4] + struct.pack(">III", 2 ** 31, 2 ** 31, 2 ** 31) + b"xx",
    lambda whole: whole[:4] + struct.pack(">III", 10 ** 6, 28, 28) + b"xx",
    lambda whole: b"", lambda whole: gzip.compress(whole)[:40],
])
def test_damaged_idx_files_are_refused(tmp_path, spoil):
    path = tmp_path / "x-images-idx3-ubyte"
    path.write_bytes(spoil(_idx(GREY)))
    with pytest.raises(DataError):
        data.read(path)


def test_parquet_bytes_and_the_struct_of_hugging_face(tmp_path):
    files = [encoded(painted(at)) for at in range(4)] + [b"no picture"]
    frame = pl.DataFrame({"png": files, "y": [0, 1, 0, 1, 0]})
    frame.write_parquet(tmp_path / "a.parquet")
    table = data.read(tmp_path / "a.parquet")
    assert table.roles == {"png": "image"} and table.frame["png"].null_count() == 1
    assert any("row 5 (not a picture)" in note.message for note in table.notes)
    held = pl.DataFrame({"image": [{"bytes": b, "path": None} for b in files[:4]],
                         "y": [0, 1, 0, 1]})
    held.write_parquet(tmp_path / "b.parquet")
    dataset = data.load(tmp_path / "b.parquet", target="y")
    expected = np.stack([painted(at).transpose(2, 0, 1) for at in range(4)])
    assert np.array_equal(dataset.images("image", (3, 12, 10)), expected)
    plain = pl.DataFrame({"blob": [b"abc", b"def"], "y": [0, 1]})
    assert data.read(plain).roles == {}


def test_new_data_conforms_by_bytes_or_base64_and_never_by_path(tmp_path):
    dataset = data.load((GREY, LABELS))
    picture = encoded(painted(channels=1))
    text = base64.b64encode(picture).decode()
    for given in ([picture], [text], ["data:image/png;base64," + text]):
        new = data.conforming({"image": given}, dataset.schema)
        assert np.array_equal(new.images("image", (1, 12, 10))[0, 0], painted(channels=1)[:, :, 0])
    path = tmp_path / "a.png"
    path.write_bytes(picture)
    with pytest.raises(SchemaError, match="do not convert"):
        data.conforming([{"image": str(path)}], dataset.schema)
    renamed = data.conforming({"photo": GREY}, dataset.schema)  # its only picture column
    assert renamed.frame.columns == ["image"]


def test_sixty_thousand_small_pictures_stay_small():
    column = cells.of_pixels("image", np.zeros((6000, 28, 28), np.uint8))
    assert column.estimated_size() < 6000 * (28 * 28 + 10 + 20)


def test_sizing_ways():
    pixels = np.zeros((4, 8, 1), np.uint8)
    pixels[:, 4:] = 200
    column = cells.column("a", [cells.pack(pixels), None])
    stretched = sizing.at_size(column, (1, 4, 4))
    assert stretched[0, 0, 0].tolist() == [0, 25, 175, 200] and not stretched[1].any()
    boxed = sizing.at_size(column, (1, 8, 8), "letterbox")
    assert np.array_equal(boxed[0, 0, 2:6], pixels[:, :, 0]) and (boxed[0, 0, :2] == 100).all()
    cut = sizing.at_size(column, (1, 4, 4), "crop")
    assert np.array_equal(cut[0, 0], pixels[:, 2:6, 0])
    assert sizing.at_size(column, (3, 4, 8)).shape == (2, 3, 4, 8)


def test_usual_size():
    same = np.tile([1, 28, 28], (10, 1))
    assert sizing.usual_size(same) == (28, 28)
    assert sizing.usual_size(np.array([[3, 480, 640]] * 3)) == (48, 64)
    assert sizing.usual_size(np.array([[3, 10, 20], [3, 20, 40], [3, 30, 60]])) == (20, 40)
    assert sizing.usual_size(np.zeros((0, 3))) == (64, 64)


def test_series_that_memory_cannot_hold_are_refused_with_a_way_out(tmp_path, monkeypatch):
    """Pictures go to a file; series are held as a table is."""
    np.save(tmp_path / "d.npy", GREY)
    assert len(data.load(tmp_path / "d.npy", arrays="series")) == 30
    monkeypatch.setattr(arrays, "MOST_HELD", 1000)
    with pytest.raises(DataError, match="split it"):
        data.load(tmp_path / "d.npy", arrays="series")


def test_large_pictures_are_decoded_one_at_a_time(monkeypatch):
    """Whatever the threads, so that their pixels together stay bounded."""
    inside, most, was = [], [], decode._shrunk

    def counted(*given):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.01)
        found = was(*given)
        inside.pop()
        return found

    monkeypatch.setattr(decode, "_shrunk", counted)
    monkeypatch.setattr(workers, "cores", lambda: 4)
    workers.decode_all([encoded(painted())] * 8, 64)
    assert max(most) > 1
    most.clear()
    monkeypatch.setattr(decode, "LARGE", 10)
    assert all(isinstance(each, bytes) for each in workers.decode_all([encoded(painted())] * 8, 64))
    assert max(most) == 1


def test_a_path_in_a_cell_of_new_data_is_refused_and_the_way_is_said(tmp_path):
    (tmp_path / "p.png").write_bytes(encoded(painted()))
    schema = data.load({"image": GREY, "label": LABELS}, target="label").schema
    with pytest.raises(SchemaError, match="a path in a cell is not opened: ask with the folder"):
        data.conforming({"image": [str(tmp_path / "p.png")]}, schema)
