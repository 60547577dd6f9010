"""Reading: every format and every guest gives the same values; types hold over whole columns."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import json
import lzma
import os
import sqlite3
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wholefit.base.errors import DataError, UnknownNameError
from wholefit.data import _memory
from wholefit.data.read import Table, read
from wholefit.data.streaming import sample, scan

FRAME = pl.DataFrame({
    "n": [1, 2, None, 4], "x": [0.5, None, -2.25, 1e10], "s": ["a", "b,c", None, 'd "e"'],
    "b": [True, False, None, True],
    "d": [dt.date(2020, 1, 2), None, dt.date(1999, 12, 31), dt.date(2024, 2, 29)],
    "t": [dt.datetime(2020, 1, 2, 3, 4, 5), dt.datetime(2021, 6, 7), None,
          dt.datetime(2022, 1, 1, 23, 59, 59, 500000)]})
TEXT = FRAME.write_csv().encode()


def put(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read_text(folder: Path, content: bytes | str, name: str = "f.csv", **options) -> Table:
    return read(put(folder, name, content), **options)


def kinds(table: Table) -> list[str]:
    return [note.kind for note in table.notes]


# Formats --------------------------------------------------------------------------------------

@pytest.mark.parametrize(("name", "pack"), [
    ("f.csv", bytes), ("f.txt", bytes), ("f.csv.gz", gzip.compress), ("f.csv.bz2", bz2.compress),
    ("f.csv.xz", lzma.compress)])
def test_delimited_text_packed_and_not(tmp_path: Path, name: str, pack) -> None:
    table = read(put(tmp_path, name, pack(TEXT)))
    assert table.frame.equals(FRAME)
    assert (table.source, table.guest, table.notes) == (name, "file", [])


def test_zstandard(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    packed = arrow.Codec("zstd").compress(TEXT, asbytes=True)
    assert read(put(tmp_path, "f.csv.zst", packed)).frame.equals(FRAME)


def test_binary_formats(tmp_path: Path) -> None:
    FRAME.write_parquet(tmp_path / "f.parquet")
    FRAME.write_ipc(tmp_path / "f.arrow")
    FRAME.write_ipc_stream(tmp_path / "s.arrow")
    FRAME.write_avro(tmp_path / "f.avro")
    for name in ("f.parquet", "f.arrow", "s.arrow", "f.avro"):
        assert read(tmp_path / name).frame.equals(FRAME), name


@pytest.mark.parametrize("content", [
    '[{"a": 1, "b": "x"}, {"a": 2}]', '{"a": [1, 2], "b": ["x", null]}',
    '{"a": 1, "b": "x"}\n{"a": 2, "b": null}\n', '{"a": {"0": 1, "1": 2}, "b": {"0": "x"}}',
    '{"columns": ["a", "b"], "data": [[1, "x"], [2, null]]}',
    '{"rows": [{"a": 1, "b": "x"}, {"a": 2}]}'])
def test_json_in_every_shape(tmp_path: Path, content: str) -> None:
    assert read_text(tmp_path, content, "f.json").frame.to_dict(as_series=False) == {
        "a": [1, 2], "b": ["x", None]}


def test_json_nests_are_opened(tmp_path: Path) -> None:
    table = read_text(tmp_path, '[{"a": {"u": 1, "v": 2}, "l": [1, 2]}]', "f.json")
    assert table.frame.row(0, named=True) == {"a.u": 1, "a.v": 2, "l": "[1, 2]"}
    assert kinds(table) == ["nested", "nested"]


@pytest.mark.parametrize("row, columns", [
    ({"a": {"b": 1}, "c ": {"d": 1}}, ["a.b", "c .d"]),
    ({"a": {"b": 1}, "a.b": {"d": 1}}, ["a.b", "a.b.d"]),
    ({"a": {"b": {"c": 1}}, "a.b": {"c": 2}}, ["a.b.c", "a.b.c_2"])])
def test_records_beside_names_that_have_to_change(row: dict, columns: list[str]) -> None:
    table = read([row, row])
    assert table.frame.columns == columns and table.frame.height == 2


def test_json_lines_error_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"f\.jsonl, line 2 is not JSON"):
        read_text(tmp_path, '{"a": 1}\n{"a": \n', "f.jsonl")


def test_excel(tmp_path: Path) -> None:
    pytest.importorskip("fastexcel")
    book = pytest.importorskip("openpyxl").Workbook()
    sheet = book.active
    for row in (["a", "b", "when"], [1, "x", dt.datetime(2020, 1, 2)],
                [2.5, "01", dt.datetime(2021, 1, 2)]):
        sheet.append(row)
    book.create_sheet("other").append(["only"])
    book["other"].append([7])
    book.save(tmp_path / "f.xlsx")
    table = read(tmp_path / "f.xlsx")
    assert table.frame["a"].to_list() == [1, 2.5] and table.frame["b"].to_list() == ["x", "01"]
    assert table.frame["when"].dtype.is_temporal() and kinds(table) == ["sheet"]
    assert read(tmp_path / "f.xlsx", sheet="other").frame.to_dicts() == [{"only": 7}]
    with pytest.raises(UnknownNameError, match="other"):
        read(tmp_path / "f.xlsx", sheet="othr")


def make_sqlite(path: Path) -> Path:
    link = sqlite3.connect(path)
    link.execute("create table people (name text, age integer, height real)")
    link.executemany("insert into people values (?, ?, ?)",
                     [("Ann", 30, 1.7), ("Bob", None, 1.8)])
    link.commit()
    link.close()
    return path


def test_sqlite_one_table_query_and_read_only(tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "f.db")
    before = path.read_bytes()
    assert read(path).frame.rows() == [("Ann", 30, 1.7), ("Bob", None, 1.8)]
    assert read(path, query="select age from people where age > 1").frame.rows() == [(30,)]
    with pytest.raises(DataError, match=r"readonly|read-only|not authorized"):
        read(path, query="delete from people")
    assert path.read_bytes() == before
    with pytest.raises(UnknownNameError, match="did you mean 'people'"):
        read(path, table="poeple")


def test_sqlite_with_two_tables_asks(tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "f.db")
    link = sqlite3.connect(path)
    link.execute("create table more (x)")
    link.close()
    with pytest.raises(DataError, match=r"2 tables \(more, people\): name one with table="):
        read(path)
    assert read(path, table="people").frame.height == 2


def test_database_url_keeps_no_credentials(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    path = make_sqlite(tmp_path / "f.db")
    table = read(f"sqlite:///{path}", table="people")
    assert table.frame.height == 2 and table.source == "sqlite: f.db"
    with pytest.raises(Exception) as caught:
        read("postgresql+nodriver://user:s3cret@host/db", table="t")
    assert "s3cret" not in str(caught.value)


def test_addresses_are_refused() -> None:
    with pytest.raises(DataError, match="fetches nothing over the network"):
        read("https://example.org/a.csv")


def test_standard_input() -> None:
    code = "from wholefit.data.read import read; t = read('-'); print(t.source, t.frame.to_dicts())"
    for content in (b"a,b\n1,x\n", b'[{"a": 1, "b": "x"}]', gzip.compress(b"a,b\n1,x\n")):
        done = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True,
                              check=True)
        assert done.stdout.decode().strip() == "standard input [{'a': 1, 'b': 'x'}]"
    assert read(io.BytesIO(TEXT)).frame.equals(FRAME)


def test_folder(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "x,y\n1,2\n")
    FRAME.select(x="n", y="x").write_parquet(tmp_path / "b.parquet")
    put(tmp_path, "README.md", "no table")
    table = read(tmp_path)
    assert table.frame.height == 5 and table.frame["y"].to_list()[:2] == [2.0, 0.5]
    put(tmp_path, "c.csv", "x,z\n1,2\n")
    assert "missing_columns" in kinds(read(tmp_path))
    put(tmp_path, "d.csv", "q,r\n1,2\n")
    with pytest.raises(DataError, match="share no column"):
        read(tmp_path)


# Detection ------------------------------------------------------------------------------------

@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ":", " "])
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    text = "name,size,colour\nann,1,red\nbob,2,blue\n".replace(",", delimiter)
    table = read_text(tmp_path, text)
    assert table.frame.to_dicts()[1] == {"name": "bob", "size": 2, "colour": "blue"}
    assert table.notes == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    table = read_text(tmp_path, "name,n\nJosé,1\nZoë,2\n".encode(encoding))
    assert table.frame.columns == ["name", "n"] and table.frame["name"].to_list() == ["José", "Zoë"]


def test_windows_encoding_is_noted(tmp_path: Path) -> None:
    table = read_text(tmp_path, "name,n\nJosé,1\nbob,2\n€uro,3\n".encode("cp1252"))
    assert table.frame["name"].to_list() == ["José", "bob", "€uro"]
    note = next(n for n in table.notes if n.kind == "encoding")
    assert note.rows == (1, 3) and note.severity == "warning"


def test_header_or_none(tmp_path: Path) -> None:
    none = read_text(tmp_path, "1,a\n2,b\n3,c\n")
    assert none.frame.columns == ["column_1", "column_2"] and none.frame.height == 3
    assert "no_header" in kinds(none)
    years = read_text(tmp_path, "country,2019,2020\nFR,1,2\nUK,3,4\n")
    assert years.frame.columns == ["country", "2019", "2020"]
    words = read_text(tmp_path, "sunny,hot\nrainy,hot\nsunny,cold\nrainy,cold\n")
    assert words.frame.height == 4
    assert read_text(tmp_path, "a,b\n1,2\n", header=False).frame.height == 2


def test_title_lines_above_the_table(tmp_path: Path) -> None:
    table = read_text(tmp_path, "Sales of 2020\n\na,b,c\n1,2,3\n4,5,6\n")
    assert table.frame.columns == ["a", "b", "c"] and "preamble" in kinds(table)


def test_single_quotes(tmp_path: Path) -> None:
    table = read_text(tmp_path, "a,b\n'x, y','z'\n'u','v'\n")
    assert table.frame.rows() == [("x, y", "z"), ("u", "v")]


@pytest.mark.parametrize(("cells", "expected"), [
    (["1", "2", ""], [1, 2, None]), (["1", "2.5"], [1.0, 2.5]), (["1e3", "2"], [1000.0, 2.0]),
    (['"1,234"', '"2,345,678"'], [1234, 2345678]), (['"1,5"', '"2,25"'], [1.5, 2.25]),
    (['"1.234,5"', '"2.000"'], [1234.5, 2000.0]), (["1 234", "5"], [1234, 5]),
    (["01234", "98765"], ["01234", "98765"]), (["true", "FALSE", "NA"], [True, False, None]),
    (["yes", "no"], ["yes", "no"]), (["0", "1"], [0, 1]),
    (["9" * 25, "1"], ["9" * 25, "1"]), (["+5", "-3"], [5, -3]), ([" 5", "3 "], [5, 3]),
    (["2020-01-02", "?"], [dt.date(2020, 1, 2), None]),
    (["13/02/2020", "01/03/2020"], [dt.date(2020, 2, 13), dt.date(2020, 3, 1)]),
    (["02/13/2020", "01/03/2020"], [dt.date(2020, 2, 13), dt.date(2020, 1, 3)]),
    (["3.4.2020", "5.6.2020"], [dt.date(2020, 4, 3), dt.date(2020, 6, 5)]),
    (["1/2/20 10:30", "1/13/20 9:05"],
     [dt.datetime(2020, 1, 2, 10, 30), dt.datetime(2020, 1, 13, 9, 5)]),
    (["1/2/2020 10:30", "1/13/2020 9:05:07", "1/14/2020"],
     [dt.datetime(2020, 1, 2, 10, 30), dt.datetime(2020, 1, 13, 9, 5, 7),
      dt.datetime(2020, 1, 14)]),
    (["3 Jan 2020", "14 Feb 2021"], [dt.date(2020, 1, 3), dt.date(2021, 2, 14)]),
    (["2020-01-02T03:04:05Z", "2020-01-02 05:04:05+02:00"],
     [dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.UTC)] * 2),
    (["2020-02-30", "x"], ["2020-02-30", "x"]), (["12:30", "13:45"], ["12:30", "13:45"]),
    (["1", "-", ".", "?", "None", "#N/A"], [1, None, None, None, None, None]),
    (["a", "NA", "n/a", "None", "?"], ["a", None, None, "None", "?"]),
    (["inf", "1"], [float("inf"), 1.0]), (["1.0", "2.0"], [1.0, 2.0])])
def test_types_of_columns(tmp_path: Path, cells: list[str], expected: list) -> None:
    text = "id,v,w\n" + "".join(f"k{i},{c},x\n" for i, c in enumerate(cells))
    found = read_text(tmp_path, text).frame["v"].to_list()
    assert found == expected
    assert [type(v) for v in found] == [type(v) for v in expected]


def test_ambiguous_dates_are_said_aloud_and_follow_sure_ones(tmp_path: Path) -> None:
    alone = read_text(tmp_path, "d,v\n01/02/2020,1\n03/04/2020,2\n")
    assert alone.frame["d"].to_list() == [dt.date(2020, 1, 2), dt.date(2020, 3, 4)]
    assert "ambiguous_dates" in kinds(alone) and alone.formats == {"d": "%m/%d/%Y"}
    other = read_text(tmp_path, "d,v\n01/02/2020,1\n03/04/2020,2\n", dtypes={"d": "%d/%m/%Y"})
    assert other.frame["d"][0] == dt.date(2020, 2, 1)
    helped = read_text(tmp_path, "d,e\n01/02/2020,13/01/2020\n03/04/2020,02/02/2020\n")
    assert helped.frame["d"][0] == dt.date(2020, 2, 1) and "ambiguous_dates" not in kinds(helped)


def test_decimal_is_decided_by_the_delimiter_or_the_user(tmp_path: Path) -> None:
    german = read_text(tmp_path, "a;b\n1,234;x\n2,345;y\n")
    assert german.frame["a"].to_list() == [1.234, 2.345]
    assert "number_style_guessed" in kinds(german)
    told = read_text(tmp_path, "a;b\n1.234;x\n2.345;y\n", decimal=",")
    assert told.frame["a"].to_list() == [1234, 2345]


def test_few_bad_cells_are_named(tmp_path: Path) -> None:
    cells = [str(i) for i in range(1000)]
    cells[16], cells[500] = "abc", "n/a "
    table = read_text(tmp_path, "age,w\n" + "".join(f"{c},x\n" for c in cells))
    assert table.frame["age"].dtype == pl.Int64 and table.frame["age"].null_count() == 2
    bad = next(n for n in table.notes if n.kind == "bad_cells")
    assert (bad.column, bad.rows, bad.count, bad.severity) == ("age", (17,), 1, "warning")
    assert "'abc'" in bad.message and "na_values" in bad.message


def test_many_bad_cells_stay_text(tmp_path: Path) -> None:
    cells = [str(i) if i % 20 else "bad" for i in range(1, 1000)]
    table = read_text(tmp_path, "age,w\n" + "".join(f"{c},x\n" for c in cells))
    assert table.frame["age"].dtype == pl.String and "mostly_number" in kinds(table)
    told = read_text(tmp_path, "age,w\n" + "".join(f"{c},x\n" for c in cells), na_values=["bad"])
    assert told.frame["age"].dtype == pl.Int64


@pytest.mark.parametrize(("late", "kind"), [
    ("1.5", pl.Float64), ("x", pl.Int64), ("01234", pl.String), ("NA", pl.Int64),
    ("9" * 30, pl.String)])
def test_types_hold_beyond_the_sample(tmp_path: Path, late: str, kind: type) -> None:
    lines = ["12345,2020-01-01,true\n"] * 300_000
    lines[200_000] = f"{late},2020-01-01,true\n"
    table = read_text(tmp_path, "a,d,b\n" + "".join(lines))
    assert table.frame.dtypes == [kind, pl.Date, pl.Boolean] and table.frame.height == 300_000
    cell = table.frame["a"][200_000]
    assert cell == {"1.5": 1.5, "01234": "01234", "9" * 30: "9" * 30}.get(late)


def test_options(tmp_path: Path) -> None:
    path = put(tmp_path, "f.csv", "a,b,c\n1,x,2020\n2,y,2021\n")
    assert read(path, columns=["c", "a"]).frame.rows() == [(2020, 1), (2021, 2)]
    told = read(path, dtypes={"a": "text", "c": "number"}, na_values={"b": ["x"]}).frame
    assert told.rows() == [("1", None, 2020.0), ("2", "y", 2021.0)]
    for options, word in (({"columns": ["d"]}, "column"), ({"dtypes": {"aa": "text"}}, "column"),
                          ({"dtypes": {"a": "txt"}}, "text"), ({"format": "cvs"}, "csv")):
        with pytest.raises(UnknownNameError, match=word):
            read(path, **options)
    with pytest.raises(DataError, match=r"did you mean 'f\.csv'"):
        read(tmp_path / "g.csv")


# In memory ------------------------------------------------------------------------------------

def test_polars_guests() -> None:
    table = read(FRAME)
    assert table.frame.equals(FRAME) and table.guest == "polars"
    assert table.source == "memory (polars)"
    assert read(FRAME.lazy()).frame.equals(FRAME)
    nan = read(pl.DataFrame({"x": [1.0, float("nan")], "c": pl.Series(["u", None],
                                                                     dtype=pl.Categorical)}))
    assert nan.frame.rows() == [(1.0, "u"), (None, None)]


def test_dicts_lists_and_numpy() -> None:
    expected = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert read({"a": [1, 2], "b": ["x", None]}).frame.to_dicts() == expected
    assert read([{"a": 1, "b": "x"}, {"a": 2}]).frame.to_dicts() == expected
    assert read({"a": np.array([1, 2]), "b": pl.Series(["x", None])}).frame.to_dicts() == expected
    assert read(np.array([[1.0, np.nan], [3, 4]])).frame.rows() == [(1.0, None), (3.0, 4.0)]
    assert read(np.eye(2)).frame.columns == ["x0", "x1"]
    structured = np.array([(1, "x", "2020-01-02")], dtype=[("a", "i4"), ("b", "U3"),
                                                          ("t", "datetime64[D]")])
    assert read(structured).frame.rows() == [(1, "x", dt.datetime(2020, 1, 2))]
    mixed = read({"m": [1, "a", None, 2.5]})
    assert mixed.frame["m"].to_list() == ["1", "a", None, "2.5"]
    assert read({"a": 1, "b": "x"}).frame.rows() == [(1, "x")]


@pytest.mark.parametrize("source", [
    np.zeros((2,) * 5), np.array(1.0), [], [1, 2], [[1, 2], [3]], {"a": [1], "b": [1, 2]}, 3,
    object(), None, np.array([[1j]])])
def test_what_is_no_table_is_refused(source: object) -> None:
    with pytest.raises(DataError):
        read(source)


def test_pyarrow_guest() -> None:
    pytest.importorskip("pyarrow")
    assert read(FRAME.to_arrow()).frame.equals(FRAME)
    assert read(FRAME.to_arrow()).guest == "pyarrow"


def test_pandas_guest() -> None:
    pandas = pytest.importorskip("pandas")
    stamps = pandas.to_datetime(["2020-01-02 03:04", None])
    frame = pandas.DataFrame({
        "i": [1, 2], "f": [0.5, None], "o": ["x", None], "mixed": [1, "a"],
        "b": [True, False], "I": pandas.array([1, None], dtype="Int64"),
        "F": pandas.array([1.5, None], dtype="Float64"),
        "B": pandas.array([True, None], dtype="boolean"),
        "S": pandas.array(["u", None], dtype="string"), "t": stamps,
        "z": stamps.tz_localize("Europe/Paris"), "c": pandas.Categorical(["k", None]),
        "cn": pandas.Categorical([3, 5]), "d": pandas.to_timedelta([1, 2], unit="s"),
        ("multi", 1): [1, 2], 7: [1, 2]}, index=[5, 9])
    table = read(frame)
    got = table.frame.to_dict(as_series=False)
    naive = dt.datetime(2020, 1, 2, 3, 4)
    assert got.pop("z")[0].astimezone(dt.UTC) == dt.datetime(2020, 1, 2, 2, 4, tzinfo=dt.UTC)
    assert got == {
        "i": [1, 2], "f": [0.5, None], "o": ["x", None], "mixed": ["1", "a"], "b": [True, False],
        "I": [1, None], "F": [1.5, None], "B": [True, None], "S": ["u", None],
        "t": [naive, None], "c": ["k", None], "cn": [3, 5], "d": [1.0, 2.0],
        "multi.1": [1, 2], "7": [1, 2]}
    assert (table.guest, table.source) == ("pandas", "memory (pandas)")


_CELLS = (
    ["a", None, "b"], ["a", float("nan"), ""], ["a", 1.5], [1, 2, None], [2**63 - 1, -2**63],
    [2**63, 1], [1.5, float("nan"), None], [float("nan")], [None], [True, None], [True, 1],
    [1, 2.0], ["a", np.str_("b")], ["a", b"b"], [dt.date(2020, 1, 2), None], [[1], [2, 3]], [])


@pytest.mark.parametrize("cells", _CELLS, ids=repr)
def test_the_short_way_to_a_column_makes_what_the_long_one_does(
    cells: list[object], monkeypatch: pytest.MonkeyPatch,
) -> None:
    short = _memory.objects("x", cells)
    monkeypatch.setattr(_memory, "_plain", lambda name, values: None)
    long = _memory.objects("x", cells)
    assert short.dtype == long.dtype
    assert short.equals(long, null_equal=True)


def test_text_of_pandas_is_not_taken_cell_by_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = pytest.importorskip("pandas")
    plain = pandas.DataFrame({"x": ["a", None, "b"] * 3})
    monkeypatch.setattr(_memory, "_native", lambda value: pytest.fail("a cell was looked at"))
    frames = (plain, plain.astype(object), plain.where(plain.notna(), float("nan")))
    for frame in (*frames, *(pandas.concat([frame] * 99) for frame in frames)):
        assert read(frame).frame["x"].to_list() == ["a", None, "b"] * (len(frame) // 3)


def test_pandas_needs_no_pyarrow() -> None:
    pytest.importorskip("pandas")
    code = textwrap.dedent("""
        import sys
        sys.modules["pyarrow"] = None
        import pandas, polars
        from wholefit.data.read import read
        from wholefit.data.write import give_back
        frame = pandas.DataFrame({"a": [1, 2], "s": ["x", None],
            "c": pandas.Categorical(["u", "v"]),
            "t": pandas.to_datetime(["2020-01-01", "2021-01-01"]).tz_localize("UTC")})
        back = give_back(read(frame).frame, "pandas")
        assert back["a"].tolist() == [1, 2] and back["s"][0] == "x" and back["s"].isna()[1]
        assert str(back["t"].dtype).endswith("UTC]"), back["t"].dtype
        print("fine")
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "fine", done.stderr


def test_reading_wakes_neither_pandas_nor_pyarrow(tmp_path: Path) -> None:
    path = put(tmp_path, "f.csv", TEXT)
    code = (f"import sys; from wholefit.data.read import read; read({str(path)!r});"
            "woken = {'pandas', 'pyarrow', 'sklearn', 'sqlalchemy'} & {*sys.modules}; print(woken)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# Streaming ------------------------------------------------------------------------------------

@pytest.mark.parametrize("ending", ["csv", "csv.gz", "jsonl", "parquet", "arrow"])
def test_sample_is_uniform_in_order_and_repeatable(tmp_path: Path, ending: str) -> None:
    from wholefit.data.write import write

    path = tmp_path / f"f.{ending}"
    write(pl.DataFrame({"i": range(20_000), "s": [f'a "{i}",\nb' for i in range(20_000)]}), path)
    table = sample(path, rows=1000, seed=3)
    drawn = table.frame["i"].to_list()
    assert len(drawn) == 1000 == len(set(drawn)) and drawn == sorted(drawn)
    assert abs(np.mean(drawn) - 10_000) < 4 * 20_000 / np.sqrt(12 * 1000)
    assert sample(path, rows=1000, seed=3).frame.equals(table.frame)
    assert not sample(path, rows=1000, seed=4).frame.equals(table.frame)
    assert table.source == path.name and kinds(table)[0] == "sample"
    assert sample(path, rows=30_000).frame.height == 20_000


def test_scan_has_types_that_hold(tmp_path: Path) -> None:
    lines = ["1,2020-01-01,u\n"] * 200_000
    lines[150_000] = "1.5,2020-01-01,\n"
    path = put(tmp_path, "f.csv", "a,d,s\n" + "".join(lines))
    found = scan(path).select(pl.col("a").cast(pl.Float64).sum(), pl.len()).collect()
    assert found.row(0) == (200_000.5, 200_000)
    ragged = put(tmp_path, "g.csv", "a,b\n1,2\n3\n4,5,6\n7,8\n")
    assert scan(ragged).collect().rows() == [(1, 2), (3, None), (None, None), (7, 8)]


# Real data ------------------------------------------------------------------------------------

DATA = os.environ.get("WHOLEFIT_DATA")


@pytest.mark.skipif(not DATA, reason="WHOLEFIT_DATA is not set: no folder of real data to read")
def test_every_real_table() -> None:
    folder = Path(DATA or "")
    paths = sorted([*folder.glob("*/*.parquet"), *folder.glob("*/*.csv.gz")])
    assert paths
    for path in paths:
        table = read(path)
        assert table.frame.height > 100 and table.frame.width >= 2, path
        assert not [n for n in table.notes if n.severity == "warning" and n.kind != "nested"], path


@pytest.mark.skipif(not DATA, reason="WHOLEFIT_DATA is not set: no folder of real data to read")
def test_text_and_parquet_agree_on_real_data(tmp_path: Path) -> None:
    frame = pl.read_parquet(Path(DATA or "") / "nycflights13" / "data.parquet").head(50_000)
    frame.write_csv(tmp_path / "f.csv")
    found = read(tmp_path / "f.csv").frame
    assert found.columns == frame.columns
    for name in frame.columns:
        wanted = frame[name].cast(found.schema[name])
        assert found[name].equals(wanted, null_equal=True), name


def test_json_text_is_json_again(tmp_path: Path) -> None:
    table = read_text(tmp_path, json.dumps([{"a": [{"b": 1}]}]), "f.json")
    assert json.loads(table.frame["a"][0]) == [{"b": 1}]


def test_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        archive.writestr("in.csv", TEXT)
    assert read(tmp_path / "f.zip").frame.equals(FRAME)
    with zipfile.ZipFile(tmp_path / "f.zip", "a") as archive:
        archive.writestr("other.csv", "a\n1\n")
    with pytest.raises(DataError, match="name one with table="):
        read(tmp_path / "f.zip")
    assert read(tmp_path / "f.zip", table="other.csv").frame.rows() == [(1,)]


@pytest.mark.parametrize("name", ["prose.txt", "prose.txt.gz", "prose"])
def test_paragraphs_of_a_text_are_rows(tmp_path: Path, name: str) -> None:
    """Blank lines part them, lines are joined; commas, braces and quotes are letters."""
    text = '\ufeff{"It was", she said,\r\nhalf past  nine.\r\n\r\n \r\nHe went,\nand came.\n\nEnd'
    raw = text.encode()
    found = read(put(tmp_path, name, gzip.compress(raw) if name.endswith("gz") else raw),
                 format="paragraphs")
    assert found.frame.columns == ["text"] and found.roles == {"text": "text"}
    assert found.frame["text"].to_list() == ['{"It was", she said, half past nine.',
                                             "He went, and came.", "End"]


def test_text_without_blank_lines_has_a_row_a_line(tmp_path: Path) -> None:
    found = read(put(tmp_path, "a.txt", "na\u00efve\ntwo\n".encode("latin-1")), format="paragraphs")
    assert found.frame["text"].to_list() == ["na\u00efve", "two"]
    assert any("no blank lines" in note.message for note in found.notes)
    for content in (b" \n\n ", b"\x00\x01\x02\x03" * 50):
        with pytest.raises(DataError):
            read(put(tmp_path, "b.txt", content), format="paragraphs")
    with pytest.raises(DataError, match="paragraphs"):
        read(put(tmp_path, "c.parquet", b"PAR1" + b"x" * 50), format="paragraphs")
