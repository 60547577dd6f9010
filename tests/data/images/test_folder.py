"""Folders of pictures, and what is wrong with them said by name."""

from __future__ import annotations

import os

import numpy as np
import polars as pl
import pytest
from tests.data.images.conftest import encoded, painted

from wholefit import data
from wholefit.base.errors import DataError, UnknownNameError
from wholefit.data.images import cells


def test_class_folders_are_a_table(photos):
    dataset = data.load(photos)
    assert len(dataset) == 24 and dataset.schema.target == "label"
    assert dataset.schema.having("image") == ["image"]
    assert dataset.schema.role("file") == "identifier"
    assert sorted(dataset.target_values().tolist()) == ["dark", "light"]
    images = dataset.images("image", (3, 12, 10))
    first = np.ascontiguousarray((painted(0) // 8 + 40).transpose(2, 0, 1))
    assert images.dtype == np.uint8 and np.array_equal(images[0], first)


def test_folds_take_pictures_like_any_column(photos):
    dataset = data.load(photos)
    rows = np.array([20, 3])
    picked = dataset.take(rows)
    whole = dataset.images("image", (3, 8, 8))
    assert np.array_equal(picked.images("image", (3, 8, 8)), whole[rows])
    assert picked.texts("label") == ["light", "dark"]
    assert not np.shares_memory(dataset.row_keys()[:1], dataset.row_keys()[1:2])


def test_bad_files_are_named_counted_and_left_out(photos):
    good = (photos / "dark" / "dark00.png").read_bytes()
    (photos / "dark" / "cut.png").write_bytes(good[:len(good) // 2])
    (photos / "dark" / "words.jpg").write_bytes(b"these are words")
    (photos / "light" / "nothing.png").write_bytes(b"")
    (photos / "light" / "notes.txt").write_text("about the pictures")
    table = data.read(photos)
    assert table.frame.height == 27 and table.frame["image"].null_count() == 3
    said = next(note.message for note in table.notes if note.kind == "bad_pictures")
    for part in ("3 of 27", "dark/cut.png", "dark/words.jpg (not a picture)",
                 "light/nothing.png (empty)"):
        assert part in said
    assert any("notes.txt" in note.message for note in table.notes)
    dataset = data.load(photos)
    assert len(dataset) == 24
    assert any(note.kind == "picture_missing" and note.count == 3 for note in dataset.notes)


def test_a_class_with_too_few_pictures_is_said(photos):
    for at in range(9):
        (photos / "dark" / f"dark{at:02}.png").write_bytes(b"broken")
    said = [note.message for note in data.read(photos).notes if note.kind == "few_pictures"]
    assert len(said) == 1 and "'dark' (3)" in said[0] and "light" not in said[0]


def test_links_out_of_the_folder_are_not_followed(photos, tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(encoded(painted(9)))
    os.symlink(secret, photos / "dark" / "link.png")
    os.symlink(tmp_path, photos / "elsewhere")
    os.symlink(photos / "dark" / "dark00.png", photos / "dark" / "inner.png")
    table = data.read(photos)
    files = table.frame["file"].to_list()
    assert "dark/link.png" not in files and "dark/inner.png" in files
    assert not any("elsewhere" in file for file in files)
    assert any(note.kind == "links" and note.count == 2 for note in table.notes)


def test_sub_folders_that_are_a_split_are_refused(photos, tmp_path):
    for name in ("train", "test"):
        (tmp_path / "split" / name).mkdir(parents=True)
        (tmp_path / "split" / name / "a.png").write_bytes(encoded(painted()))
    with pytest.raises(DataError, match="parts of a split"):
        data.read(tmp_path / "split")


def test_a_flat_folder_and_a_single_file_have_no_target(photos):
    flat = data.read(photos / "dark")
    assert flat.frame.columns == ["image", "file"] and flat.target is None
    one = data.read(photos / "dark" / "dark00.png")
    assert one.frame.height == 1 and cells.are_cells(one.frame["image"])


def test_a_table_of_paths(photos):
    paths = [f"{label}/{label}{at:02}.png" for label in ("dark", "light") for at in range(12)]
    frame = pl.DataFrame({"photo": paths, "weight": range(24), "kind": ["d"] * 12 + ["l"] * 12})
    frame.write_csv(photos / "table.csv")
    dataset = data.load(photos / "table.csv", target="kind")
    assert dataset.schema.having("image") == ["image"] and "weight" in dataset.schema.features
    assert dataset.schema.role("photo") == "identifier"
    assert len(dataset) == 24 and (dataset.image_sizes("image") == (3, 12, 10)).all()
    by_folder = data.load(photos, target="kind")  # the folder, for its table
    assert by_folder.images("image", (3, 4, 4)).shape == (24, 3, 4, 4)


def test_paths_that_leave_the_folder_are_not_read(photos, tmp_path):
    (tmp_path / "secret.png").write_bytes(encoded(painted(9)))
    wanted = ["dark/dark00.png", "../secret.png", str(tmp_path / "secret.png"), "no/such.png"]
    pl.DataFrame({"path": wanted, "y": [0, 1, 0, 1]}).write_csv(photos / "t.csv")
    table = data.read(photos / "t.csv")
    assert table.frame["image"].null_count() == 3
    said = next(note.message for note in table.notes if note.kind == "bad_pictures")
    assert said.count("outside the folder") == 2 and "no such file" in said


def test_image_folder_says_where_paths_lie(photos, tmp_path):
    pl.DataFrame({"path": ["dark00.png", "dark01.png"], "y": [0, 1]}).write_csv(tmp_path / "t.csv")
    plain = data.read(tmp_path / "t.csv")
    assert "image" not in plain.frame.columns
    found = data.read(tmp_path / "t.csv", image_folder=str(photos / "dark"))
    assert found.frame["image"].null_count() == 0
    frame = pl.DataFrame({"path": ["dark00.png"], "y": [1]})
    assert data.read(frame, image_folder=str(photos / "dark")).roles["image"] == "image"
    with pytest.raises(DataError, match="image_folder"):
        data.read(frame, image_folder=str(photos / "no"))


def test_limits_and_the_cache(photos, tmp_path):
    small = data.read(photos, image_limit=6)
    assert cells.sizes(small.frame["image"]).max() == 6
    for wrong in (0, 1.5, True, 10 ** 9):
        with pytest.raises(DataError, match="image_limit"):
            data.read(photos, image_limit=wrong)
    cache = tmp_path / "kept"
    first = data.read(photos, image_cache=str(cache)).frame["image"]
    files = list(cache.iterdir())
    assert len(files) == 24
    files[0].write_bytes(b"spoilt")  # looked at before it is believed
    again = data.read(photos, image_cache=str(cache)).frame["image"]
    assert first.equals(again)


def test_an_empty_folder_and_a_wrong_role(tmp_path):
    with pytest.raises(DataError, match="no file named like a table"):
        data.read(tmp_path)
    with pytest.raises(DataError, match="cannot be image"):
        data.load({"a": ["x", "y"], "y": [0, 1]}, target="y", roles={"a": "image"})
    with pytest.raises(UnknownNameError):
        data.load({"a": [1, 2], "y": [0, 1]}, target="y", roles={"a": "imag"})


def test_names_in_any_script(tmp_path):
    folder = tmp_path / "фото"
    for label in ("кошка 🐈", "犬"):
        (folder / label).mkdir(parents=True)
        (folder / label / "été 1.png").write_bytes(encoded(painted()))
    table = data.read(folder)
    assert sorted(table.frame["label"].to_list()) == ["кошка 🐈", "犬"]
