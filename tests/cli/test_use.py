"""predict, evaluate, compare, profile: one answer a row, in order, and the truth about odd rows."""

from __future__ import annotations

import io
import json
from pathlib import Path

import polars as pl
import pytest

import wholefit as wf

from .conftest import Done, process


@pytest.fixture
def answered(room: Path):
    """Ask churn.wf about a frame, and give (how it ended, the answers)."""
    import os

    from wholefit.cli import main

    def ask(frame: pl.DataFrame, capsys, *argv: str) -> tuple[Done, pl.DataFrame | None]:
        frame.write_csv("q.csv")
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["predict", os.fspath(room / "churn.wf"), "q.csv", *argv])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        code = int(ended.value.code or 0)
        answer = pl.read_csv(io.StringIO(out)) if code == 0 and "--out" not in argv else None
        return Done(code, out, err), answer

    return ask


@pytest.fixture
def new(room: Path, tmp_path: Path, monkeypatch) -> pl.DataFrame:
    monkeypatch.chdir(tmp_path)
    return pl.read_csv(room / "new.csv", infer_schema_length=None)


def test_one_row_for_each_row_in_order_with_identifiers(room: Path, new) -> None:
    done = process("predict", "churn.wf", "new.csv", cwd=room)
    assert done.code == 0 and done.err == ""
    found = pl.read_csv(io.StringIO(done.out))
    assert found.columns == ["customer_id", "prediction", "p_No", "p_Yes"]
    assert found["customer_id"].to_list() == new["customer_id"].to_list()
    assert (found["p_No"] + found["p_Yes"] - 1).abs().max() < 1e-12
    expected = wf.load(room / "churn.wf").answers(new)
    assert found["prediction"].to_list() == expected["prediction"].to_list()
    assert (found["p_Yes"] - expected["p_Yes"]).abs().max() < 1e-12


def test_standard_input_and_json(room: Path) -> None:
    rows = (room / "new.csv").read_bytes()
    plain = process("predict", "churn.wf", "-", cwd=room, stdin=rows)
    assert plain.out == process("predict", "churn.wf", "new.csv", "--out", "-", cwd=room).out
    found = json.loads(process("predict", "churn.wf", "-", "--json", cwd=room, stdin=rows).out)
    assert found == pl.read_csv(io.StringIO(plain.out)).to_dicts()


def test_the_order_of_rows_and_columns_changes_nothing(answered, capsys, new) -> None:
    _, whole = answered(new, capsys)
    rows = [9, 3, 50, 3]
    shuffled = new[rows].select(reversed(new.columns)).with_columns(more=pl.lit("x"))
    done, part = answered(shuffled, capsys)
    assert done.err == "" and part.equals(whole[rows])
    _, one = answered(new[7:8], capsys)
    assert one.equals(whole[7:8])


def test_missing_renamed_and_swapped_columns(answered, capsys, new) -> None:
    done, _ = answered(new.drop("tenure"), capsys)
    assert done.code == 1 and "must have column 'tenure'" in done.last
    done, found = answered(new.drop("tenure"), capsys, "--policy", "missing_column=impute")
    assert done.code == 0 and "'tenure' is absent" in done.last and len(found) == len(new)
    done, _ = answered(new.rename({"tenure": "Tenure "}), capsys)
    assert done.code == 1 and "there is 'Tenure" in done.last
    swapped = new.rename({"contract": "internet_service", "internet_service": "contract"})
    done, _ = answered(swapped, capsys)
    assert done.code == 1 and "look swapped" in done.last


def test_unseen_categories_and_wrong_types(answered, capsys, new) -> None:
    odd = new.with_columns(contract=pl.lit("For life"))
    done, found = answered(odd, capsys)
    assert done.code == 0 and "'For life'" in done.last and len(found) == len(new)
    done, _ = answered(odd, capsys, "--policy", "unseen_category=error")
    assert done.code == 1 and "say unseen_category='fold'" in done.last
    words = new.with_columns(tenure=pl.lit("long"))
    done, _ = answered(words, capsys)
    assert done.code == 1 and "must hold numbers" in done.last
    one = new.with_columns(tenure=pl.when(pl.int_range(pl.len()) == 4).then(pl.lit("long"))
                           .otherwise(pl.col("tenure").cast(pl.String)))
    done, found = answered(one, capsys)
    assert done.code == 0 and "'long'" in done.last and len(found) == len(new)
    done, _ = answered(one, capsys, "--policy", "wrong_type=error")
    assert done.code == 1 and "'long'" in done.last


@pytest.mark.parametrize(("policy", "code", "said"), [
    ("missing=impute", 1, "did you mean 'missing_column'?"),
    ("missing_column=guess", 1, "must be one of 'error', 'impute'; got 'guess'"),
    ("missing_column", 2, "NAME=VALUE"),
])
def test_wrong_policies(answered, capsys, new, policy, code, said) -> None:
    done, _ = answered(new[:2], capsys, "--policy", policy)
    assert done.code == code and said in done.last


def test_files_of_every_kind_and_none_is_overwritten(answered, capsys, new) -> None:
    done, whole = answered(new, capsys)
    for name, read in [("p.csv", pl.read_csv), ("p.parquet", pl.read_parquet),
                       ("p.json", pl.read_json)]:
        done, _ = answered(new, capsys, "--out", name)
        assert done.code == 0 and done.out == f"100 rows written to {name}\n"
        assert read(name)["prediction"].to_list() == whole["prediction"].to_list()
    done, _ = answered(new, capsys, "--out", "p.csv")
    assert done.code == 1 and "--force" in done.last
    done, _ = answered(new, capsys, "--out", "p.xyz")
    assert done.code == 1 and ".parquet" in done.last
    done, _ = answered(new, capsys, "--out", "q.csv", "--force")
    assert done.code == 1 and "the source itself" in done.last


def test_dates_mean_what_they_meant_in_training(run, tmp_path) -> None:
    days = [f"{1 + i % 28:02d}/{1 + i % 12:02d}/2021" for i in range(240)]
    late = ["yes" if int(day[3:5]) > 6 else "no" for day in days]
    pl.DataFrame({"when": days, "y": late}).write_csv("dates.csv")
    assert run("fit", "dates.csv", "--target", "y", "--models", "decision_tree", "--jobs", "1",
               "--metric", "accuracy", "--choose", "best").code == 0
    pl.DataFrame({"when": ["02/11/2021", "11/02/2021"]}).write_csv("q.csv")
    done = run("predict", "dates.wf", "q.csv")
    assert [line.split(",")[0] for line in done.out.split()[1:]] == ["yes", "no"]
    assert done.err == ""


def test_an_identifier_called_prediction_keeps_its_cells(run, tmp_path) -> None:
    frame = pl.DataFrame({"prediction": [f"u{i:05d}x" for i in range(80)],
                          "a": [i % 2 for i in range(80)], "y": ["no", "yes"] * 40})
    frame.write_csv("t.csv")
    assert run("fit", "t.csv", "--target", "y", "--models", "logistic", "--jobs", "1").code == 0
    found = pl.read_csv(io.StringIO(run("predict", "t.wf", "t.csv").out))
    assert found["prediction_given"].to_list() == frame["prediction"].to_list()
    assert found["prediction"].to_list() == frame["y"].to_list()


def test_what_reads_the_training_data_reads_new_data(run, tmp_path) -> None:
    rows = "".join(f"{'?' if i % 5 == 0 else 'ab'[i % 2]};{i % 2}\n" for i in range(60))
    Path("t.txt").write_text("letter;y\n" + rows)
    options = ["--na-values", "?", "--delimiter", ";"]
    assert run("fit", "t.txt", "--target", "y", "--models", "logistic", "--jobs", "1",
               *options).code == 0
    assert "'?'" in run("predict", "t.wf", "t.txt").last  # taken for a category
    for argv in (["predict", "t.wf"], ["evaluate", "t.wf"], ["compare", "t.wf", "t.wf"]):
        done = run(*argv, "t.txt", *options)
        assert done.code == 0 and done.err == ""
    assert run("profile", "t.txt", *options).code == 0


@pytest.mark.parametrize(("argv", "said"), [
    (["predict", "churn.csv", "new.csv"], "not a wholefit artifact"),
    (["predict", "nowhere.wf", "new.csv"], "does not exist"),
    (["predict", "new.csv", "churn.wf"], "the model comes first"),
    (["predict", "churn.wf", "churn.wf"], "is a model, not a table"),
    (["evaluate", "churn.wf", "bare.csv"], "must have the target column 'churn'"),
    (["evaluate", "churn.wf", "other.csv"], "that the model was not fitted with"),
    (["evaluate", "churn.wf", "empty.csv"], "must have rows with a value of 'churn'"),
    (["evaluate", "churn.wf", "new.csv", "--metric", "acuracy"], "did you mean 'accuracy'?"),
    (["compare", "churn.wf", "cut.wf", "new.csv"], "damaged"),
    (["report", "junk.wf"], "not a wholefit artifact"),
    (["profile", "nowhere.csv"], "no file 'nowhere.csv'"),
    (["profile", "new.csv", "--target", "chrun"], "did you mean 'churn'?"),
])
def test_wrong_files(room: Path, run, tmp_path, argv, said) -> None:
    model = (room / "churn.wf").read_bytes()
    Path("churn.wf").write_bytes(model)
    Path("cut.wf").write_bytes(model[: len(model) // 2])
    Path("junk.wf").write_bytes(bytes(range(256)) * 9)
    new = pl.read_csv(room / "new.csv", infer_schema_length=None)
    new.write_csv("new.csv")
    new.write_csv("churn.csv")
    new.drop("churn").write_csv("bare.csv")
    new.with_columns(churn=pl.lit("Perhaps")).write_csv("other.csv")
    new.with_columns(churn=pl.lit(None, dtype=pl.String)).write_csv("empty.csv")
    done = run(*argv)
    assert done.code == 1 and said in done.last and done.out == ""
    assert len(done.err.splitlines()) == 1


def test_evaluate_gives_every_metric_with_its_interval(room: Path) -> None:
    found = json.loads(process("evaluate", "churn.wf", "new.csv", "--json", cwd=room).out)
    scores = wf.load(room / "churn.wf").evaluate(str(room / "new.csv"))
    assert {name: score["value"] for name, score in found.items()} == {
        name: score.value for name, score in scores.items()}
    text = process("evaluate", "churn.wf", "new.csv", "--metric", "mcc", cwd=room).out.splitlines()
    assert text[0].startswith("metric") and text[1].startswith("mcc ")
    assert all("[" in line or "undefined" in line for line in text[1:])


def test_rows_without_the_target_are_left_out_and_counted(room: Path, tmp_path: Path) -> None:
    new = pl.read_csv(room / "new.csv", infer_schema_length=None)
    gap = pl.when(pl.int_range(pl.len()) < 3).then(None).otherwise(pl.col("churn"))
    new.with_columns(churn=gap).write_csv(tmp_path / "gaps.csv")
    new[3:].write_csv(tmp_path / "known.csv")
    done = process("evaluate", "churn.wf", str(tmp_path / "gaps.csv"), "--json", cwd=room)
    assert "3 of 100 rows have no value of 'churn'" in done.err
    known = process("evaluate", "churn.wf", str(tmp_path / "known.csv"), "--json", cwd=room)
    assert json.loads(done.out) == json.loads(known.out)


def test_compare_says_which_is_better_or_that_it_is_a_tie(room: Path, tmp_path: Path) -> None:
    base = tmp_path / "base.wf"
    process("fit", "churn.csv", "--target", "churn", "--models", "dummy", "--out", str(base),
            cwd=room)
    done = process("compare", "churn.wf", str(base), "new.csv", cwd=room)
    assert done.code == 0 and done.out.startswith("churn.wf is better than")
    done = process("compare", "churn.wf", "churn.wf", "-", "--json", cwd=room,
                   stdin=(room / "new.csv").read_bytes())
    found = json.loads(done.out)
    assert found["better"] == "tied" and found["value"] == 0


def test_profile_names_roles_and_reasons(room: Path, run) -> None:
    out = run("profile", str(room / "churn.csv"), "--target", "churn").out
    assert "customer_id" in out and "identifier" in out and "400" in out
    found = json.loads(run("profile", str(room / "churn.csv"), "--json").out)
    assert found["rows"] == 400 and len(found["columns"]) == 21
