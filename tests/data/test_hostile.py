"""Damaged, misnamed and hostile sources: a sentence, or a repair that is said aloud; never more."""

from __future__ import annotations

import gzip
import random
import zipfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wholefit.base.errors import DataError, WholefitError
from wholefit.data import _repair, _unpack
from wholefit.data.notes import Note
from wholefit.data.read import Table, read

FRAME = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
TEXT = b"a,b\n1,x\n2,y\n"


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def note(table: Table, kind: str) -> Note:
    return next(n for n in table.notes if n.kind == kind)


# Repaired, and said ---------------------------------------------------------------------------

def test_short_rows_are_filled_and_named(tmp_path: Path) -> None:
    table = read(put(tmp_path, "f.csv", b"a,b,c\n1,2,3\n1,2\n4,5,6\n7\n,,\n"))
    assert table.frame.rows() == [(1, 2, 3), (1, 2, None), (4, 5, 6), (7, None, None),
                                  (None, None, None)]
    assert note(table, "short_rows").rows == (2, 4) and note(table, "short_rows").count == 2


def test_short_rows_are_found_where_cells_hold_delimiters(tmp_path: Path) -> None:
    table = read(put(tmp_path, "f.csv", b'a,b,c\n"1,1",2,3\n"x,y",2\n"q\nr,s",5,\n'))
    assert table.frame.rows() == [("1,1", 2, 3), ("x,y", 2, None), ("q\nr,s", 5, None)]
    assert note(table, "short_rows").rows == (2,)


def test_empty_last_cells_are_no_short_rows(tmp_path: Path) -> None:
    table = read(put(tmp_path, "f.csv", b"a,b,c\n1,2,\n3,4,5\n\n\n"))
    assert table.frame.rows() == [(1, 2, None), (3, 4, 5)] and table.notes == []


def test_long_rows_keep_their_place_with_cells_missing(tmp_path: Path) -> None:
    table = read(put(tmp_path, "f.csv", b"a,b\n1,x\n2,y,oops\n3,z\n4,w,,\n"))
    assert table.frame.rows() == [(1, "x"), (None, None), (3, "z"), (4, "w")]
    assert note(table, "long_rows").rows == (2,)
    assert note(table, "long_rows").severity == "warning"
    assert note(table, "trailing_delimiters").count == 1


def test_a_file_of_long_rows_is_refused(tmp_path: Path) -> None:
    rows = b"".join(b"1,2\n1,2,3\n1,2,3,4\n" for _ in range(50))
    with pytest.raises(DataError, match="say delimiter= or header="):
        read(put(tmp_path, "f.csv", b"a,b\n" + rows), delimiter=",")


def test_repeated_and_empty_names(tmp_path: Path) -> None:
    table = read(put(tmp_path, "f.csv", b"b,,b,b_2,b\n1,2,3,4,5\n6,7,8,9,10\n"))
    assert table.frame.columns == ["b", "column_2", "b_3", "b_2", "b_4"]
    assert note(table, "repeated_names").count == 2 and note(table, "unnamed_columns").count == 1
    assert table.frame.row(0) == (1, 2, 3, 4, 5)


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    table = read(put(tmp_path, "f.csv", b"a,b\n1,x\n\n  \n2,y\n"))
    assert table.frame.equals(FRAME) and note(table, "blank_lines").count == 2


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_ends(tmp_path: Path, end: bytes) -> None:
    assert read(put(tmp_path, "f.csv", TEXT.replace(b"\n", end))).frame.equals(FRAME)


def test_mixed_line_ends(tmp_path: Path) -> None:
    assert read(put(tmp_path, "f.csv", b"a,b\r\n1,x\n2,y\r\n")).frame.equals(FRAME)


def test_nul_bytes(tmp_path: Path) -> None:
    table = read(put(tmp_path, "f.csv", b"a,b\n1,x\0\n2,y\n"))
    assert table.frame.equals(FRAME) and note(table, "nul_bytes").count == 1
    far = b"a,b\n" + b"1,x\n" * 400_000 + b"2,y\0\n"
    assert read(put(tmp_path, "f.csv", far)).frame["b"][-1] == "y"


def test_stray_and_unclosed_quotes(tmp_path: Path) -> None:
    table = read(put(tmp_path, "f.csv", b'a,b\n1,"x\n2,y\n3,5" pipe\n4,"p""q"\n'))
    assert table.frame["a"].to_list() == [1, 2, 3, 4]
    assert table.frame["b"].to_list() == ['"x', "y", '5" pipe', 'p"q']
    assert note(table, "quotes").rows == (1,)


def test_a_quote_left_open_far_down(tmp_path: Path) -> None:
    lines = [b'%d,"t, %d"\n' % (i, i) for i in range(50_000)]
    lines[40_000] = b'40000,"never closed\n'
    table = read(put(tmp_path, "f.csv", b"a,b\n" + b"".join(lines)))
    assert table.frame.height == 50_000 and table.frame["a"].to_list() == list(range(50_000))
    assert note(table, "quotes").rows == (40_001,)


def test_bytes_of_two_encodings(tmp_path: Path) -> None:
    table = read(put(tmp_path, "f.csv", "a,b\n1,é\n".encode() + "2,é\n".encode("latin-1")))
    assert table.frame["b"].to_list() == ["é", "é"] and note(table, "encoding").rows == (2,)


def test_foreign_bytes_beyond_the_sample(tmp_path: Path) -> None:
    content = b"a,b\n" + b"1,x\n" * 600_000 + b"2,caf\xe9\n"
    table = read(put(tmp_path, "f.csv", content))
    assert table.frame["b"][-1] == "café" and note(table, "encoding").count == 1


def test_ten_thousand_columns(tmp_path: Path) -> None:
    names = ",".join(f"c{i}" for i in range(10_000))
    rows = "".join(",".join(f"{i * j % 97}.5" for i in range(10_000)) + "\n" for j in range(20))
    table = read(put(tmp_path, "f.csv", f"{names}\n{rows}".encode()))
    assert table.frame.shape == (20, 10_000) and set(table.frame.dtypes) == {pl.Float64}
    text = ",".join("x y" for _ in range(10_000))
    table = read(put(tmp_path, "f.csv", f"{names}\n{text}\n{text}\n".encode()))
    assert table.frame.shape == (2, 10_000)


def test_names_that_the_engine_could_mistake(tmp_path: Path) -> None:
    path = put(tmp_path, "a*[b]?.csv", b"^a$,*,\"c d\"\n1,x,1\n2,y,2\n")
    assert read(path).frame.columns == ["^a$", "*", "c d"]


# Read as what it is ---------------------------------------------------------------------------

def test_misnamed_files(tmp_path: Path) -> None:
    FRAME.write_parquet(tmp_path / "p.csv")
    packed = put(tmp_path, "g.csv", gzip.compress(TEXT, mtime=0))
    twice = put(tmp_path, "t.csv.gz", gzip.compress(gzip.compress(TEXT), mtime=0))
    for path, kind in ((tmp_path / "p.csv", "format"), (packed, "compressed")):
        table = read(path)
        assert table.frame.equals(FRAME) and note(table, kind)
    assert read(twice).frame.equals(FRAME)
    with zipfile.ZipFile(tmp_path / "z.csv", "w") as archive:
        archive.writestr("f.csv", TEXT)
    assert read(tmp_path / "z.csv").frame.equals(FRAME)


def test_named_like_parquet_but_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="named like parquet, but its bytes are not"):
        read(put(tmp_path, "f.parquet", TEXT))
    assert read(put(tmp_path, "f.parquet", TEXT), format="csv").frame.equals(FRAME)


# Refused in a sentence ------------------------------------------------------------------------

@pytest.mark.parametrize(("name", "content", "said"), [
    ("f.csv", b"", "is empty"), ("f.csv", b"\n\n  \n", "is empty"),
    ("f.csv", b"a,b\n", "has a header .* but no rows"), ("f.csv", b"a,b", "but no rows"),
    ("f.csv.gz", gzip.compress(b"", mtime=0), "empty once unpacked"),
    ("f.csv.gz", gzip.compress(TEXT * 999, mtime=0)[:60], "damaged"),
    ("f.csv.gz", gzip.compress(TEXT, mtime=0)[:-4] + b"abcd", "damaged"),
    ("f.parquet", b"PAR1" + b"x" * 50, "damaged or cut short"),
    ("f.arrow", b"ARROW1\0\0" + b"x" * 50, "damaged or cut short"),
    ("f.db", b"SQLite format 3\0" + b"x" * 200, "SQLite"),
    ("f.xlsx", b"\xd0\xcf\x11\xe0" + b"x" * 600, "spreadsheet"),
    ("f.zip", b"PK\x03\x04" + b"x" * 50, "damaged"), ("f.png", b"\x89PNG\r\n\x1a\n", "PNG image"),
    ("f.pkl", b"\x80\x04K\x01.", "pickle"), ("f.json", b"[1, 2", "not JSON"),
    ("f.json", b"[]", "no table"), ("f.json", b"3", "no table|JSON"),
    ("f.bin", bytes(range(256)) * 40, "binary data"), ("f.npy", b"\x93NUMPY\x01\0zz", "damaged")])
def test_refusals(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    if name.endswith(".xlsx"):
        pytest.importorskip("fastexcel")
    with pytest.raises(DataError, match=said):
        read(put(tmp_path, name, content))


def test_cut_short_parquet(tmp_path: Path) -> None:
    FRAME.write_parquet(tmp_path / "f.parquet")
    whole = (tmp_path / "f.parquet").read_bytes()
    with pytest.raises(DataError, match="damaged or cut short"):
        read(put(tmp_path, "g.parquet", whole[: len(whole) // 2]))


def test_folder_with_nothing_to_read(tmp_path: Path) -> None:
    put(tmp_path, "notes.md", b"# hello")
    with pytest.raises(DataError, match="holds no file named like a table"):
        read(tmp_path)


def test_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_repair, "LONGEST_LINE", 4 << 20)
    with pytest.raises(DataError, match="line longer than"):
        read(put(tmp_path, "f.csv", b"a,b" * (3 << 20)))


def test_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_unpack, "limit", lambda: 5_000_000)
    bomb = gzip.compress(b"a,b\n" + b"1,2\n" * 3_000_000, mtime=0)
    assert len(bomb) < 100_000
    with pytest.raises(DataError, match="fit in memory"):
        read(put(tmp_path, "f.csv.gz", bomb))
    with zipfile.ZipFile(tmp_path / "f.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("f.csv", b"1,2\n" * 3_000_000)
    with pytest.raises(DataError, match="fit in memory"):
        read(tmp_path / "f.zip")


def test_bombs_that_carry_their_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wholefit.data import _files

    monkeypatch.setattr(_files, "limit", lambda: 5_000_000)
    pl.DataFrame({"a": [7] * 3_000_000}).write_parquet(tmp_path / "f.parquet")
    assert (tmp_path / "f.parquet").stat().st_size < 50_000
    with zipfile.ZipFile(tmp_path / "f.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", b"0" * 20_000_000)
    for name in ("f.parquet", "f.xlsx"):
        with pytest.raises(DataError, match="fit in memory"):
            read(tmp_path / name)


@pytest.mark.parametrize("text", ['a,b\n1,2\n"', 'a,b\n1,2\n3,"', 'x\n1\n"\n',
                                  'a,b\n1,2\n\n\n"'])
def test_a_lone_quote_at_the_end_is_repaired(tmp_path: Path, text: str) -> None:
    table = read(put(tmp_path, "f.csv", text.encode()))
    assert str(table.frame.row(0)[0]) == "1"
    assert "quotes" in [note.kind for note in table.notes]


# Anything at all ------------------------------------------------------------------------------

def survives(path: Path) -> None:
    try:
        table = read(path)
    except WholefitError as error:
        assert len(str(error)) > 10
    else:
        assert isinstance(table.frame, pl.DataFrame) and table.frame.width > 0


_HEADS = (b"", b"PAR1", b"ARROW1\0\0", b"\x1f\x8b\x08", b"PK\x03\x04", b"[", b"{\"a\":", b"BZh9",
          b"SQLite format 3\0", b"Obj\x01", b"\x93NUMPY\x01\0", b"\xff\xfe", b"\xef\xbb\xbf",
          b"\xff\xff\xff\xff", b"\xfd7zXZ\0", b"\xd0\xcf\x11\xe0", b"a,b\n")


def test_random_bytes_end_in_a_table_or_a_sentence(tmp_path: Path) -> None:
    random.seed(7)
    names = ("f.csv", "f.json", "f.jsonl", "f.parquet", "f", "f.tsv", "f.csv.gz", "f.xlsx")
    for turn in range(300):
        body = random.randbytes(random.randrange(1, 400))
        survives(put(tmp_path, names[turn % len(names)], _HEADS[turn % len(_HEADS)] + body))


def test_damaged_files_end_in_a_table_or_a_sentence(tmp_path: Path) -> None:
    random.seed(8)
    big = pl.DataFrame({"a": range(300), "b": [f"s{i}" for i in range(300)]})
    big.write_parquet(tmp_path / "f.parquet")
    big.write_ipc(tmp_path / "f.arrow")
    big.write_csv(tmp_path / "f.csv")
    big.write_ndjson(tmp_path / "f.jsonl")
    put(tmp_path, "f.csv.gz", gzip.compress((tmp_path / "f.csv").read_bytes()))
    for name in ("f.parquet", "f.arrow", "f.csv", "f.jsonl", "f.csv.gz"):
        whole = (tmp_path / name).read_bytes()
        for _ in range(25):
            torn = bytearray(whole[: random.randrange(1, len(whole) + 1)])
            for _ in range(random.randrange(4)):
                torn[random.randrange(len(torn))] = random.randrange(256)
            survives(put(tmp_path, "torn-" + name, bytes(torn)))


@settings(max_examples=150, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet='ab1,;"\n\r\t .-\0é', min_size=1, max_size=80))
def test_table_like_text_ends_in_a_table_or_a_sentence(tmp_path: Path, text: str) -> None:
    survives(put(tmp_path, "f.csv", text.encode()))
