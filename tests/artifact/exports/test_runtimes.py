"""The numpy, C and JavaScript runtimes: every operation, on cells of every kind, as the model."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from wholefit import data, models
from wholefit.artifact import exports
from wholefit.artifact.exports import (
    _c_run,
    _javascript_run,
    _numpy_models,
    _numpy_ops,
    _ubjson,
    c,
    javascript,
)
from wholefit.artifact.exports._numpy_run import Scorer
from wholefit.artifact.exports._of_subject import program_of, sections
from wholefit.artifact.exports._program import Cell, Program
from wholefit.base import tasks
from wholefit.base.errors import ExportError, SchemaError, StateError, WholefitError
from wholefit.data.schema import target_facts
from wholefit.training.decision import by_costs, by_threshold
from wholefit.training.fitted import Fitted
from wholefit.training.plain import fit_plain

needs_c = pytest.mark.skipif(_c_run.compiler() is None, reason="no C compiler is installed")
needs_js = pytest.mark.skipif(_javascript_run.runtime() is None, reason="no node, bun or deno")
RUNTIMES = [pytest.param("numpy"), pytest.param("c", marks=needs_c),
            pytest.param("javascript", marks=needs_js)]
WORDS = ["good Dress", "bad fit", "ÉTÉ lovely", "ΣΊΣΥΦΟΣ ΟΔΟΣ", "it's 3rd_size", "İstanbul", "x"]


@cache
def table(rows: int = 260, seed: int = 0) -> pl.DataFrame:
    """Numbers with gaps and infinities, truth values, names, times, texts; targets of each kind."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=rows), rng.exponential(size=rows)
    kind = rng.choice(["a", "b", "ü", "d, \"q\""], rows)
    yes = rng.random(rows) < 0.4
    hours = rng.integers(0, 9e5, rows).tolist()
    when = [dt.datetime(1969, 11, 5) + dt.timedelta(hours=each) for each in hours]
    text = [" ".join(rng.choice(WORDS, 3)) for _ in range(rows)]
    good = x + (kind == "a") + yes + 0.3 * rng.normal(size=rows)
    frame = pl.DataFrame({
        "x": x, "z": z, "yes": yes, "kind": kind, "code": rng.integers(1, 7, rows).astype(str),
        "when": when, "text": text,
        "two": np.where(good > 0.8, "in", "out"),
        "three": np.digitize(good, [0.3, 1.2]).astype(str),
        "number": 40 + 10 * good + z, "count": rng.poisson(np.exp(np.clip(good, -2, 2)))})
    gaps = pl.Series(rng.random(rows) < 0.08)
    return frame.with_columns(
        x=pl.when(gaps).then(None).otherwise(pl.col("x")),
        kind=pl.when(gaps.shift(1, fill_value=False)).then(None).otherwise(pl.col("kind")),
        when=pl.when(gaps.shift(2, fill_value=False)).then(None).otherwise(pl.col("when")),
        text=pl.when(gaps.shift(3, fill_value=False)).then(None).otherwise(pl.col("text")))


def odd() -> pl.DataFrame:
    """Rows unlike those of training: other names, infinite numbers, far times, nothing at all."""
    frame = table(60, 1)
    first = pl.int_range(pl.len()) < 12
    nothing = pl.int_range(pl.len()) == 13
    return frame.with_columns(
        x=pl.when(first).then(float("inf")).otherwise(-pl.col("x") * 1e9),
        kind=pl.when(first).then(pl.lit("never seen")).otherwise(pl.col("kind"))).with_columns(
        [pl.when(nothing).then(None).otherwise(pl.col(name)).alias(name)
         for name in ("x", "z", "yes", "kind", "code", "when", "text")])


def fitted(model: str, target: str, drop: tuple[str, ...] = ()) -> Fitted:
    others = {"two", "three", "number", "count"} - {target}
    frame = table().drop(*others, *drop)
    dataset = data.load(frame, target=target, roles={
        name: role for name, role in (("text", "text"), ("code", "categorical"))
        if name not in drop})
    name = "classification" if tasks.get("classification").recognise(
        target_facts(frame, target)) and target != "number" else "regression"
    return fit_plain(dataset, tasks.get(name), models.make(model))


CASES = [
    ("logistic", "two"), ("logistic", "three"), ("sgd(loss='modified_huber')", "three"),
    ("linear_svm", "three"), ("ridge", "number"), ("lasso", "number"), ("polynomial", "number"),
    ("decision_tree", "three"), ("random_forest(n_estimators=5)", "two"),
    ("ada_boost(n_estimators=5)", "number"), ("gradient_boosting(n_estimators=5)", "three"),
    ("hist_gradient_boosting(n_estimators=8)", "two"), ("lightgbm(n_estimators=12)", "two"),
    ("lightgbm(n_estimators=6)", "three"), ("lightgbm(n_estimators=9, loss='poisson')", "count"),
    ("xgboost(n_estimators=12)", "two"), ("xgboost(n_estimators=6)", "three"),
    ("xgboost(n_estimators=9, loss='poisson')", "count"),
    ("catboost(n_estimators=12)", "two"), ("catboost(n_estimators=8)", "three"),
    ("catboost(n_estimators=8, one_hot_levels=5)", "number"),
    ("catboost(n_estimators=8, categories='codes')", "number"),
    ("gaussian_nb", "three"), ("multinomial_nb", "three"), ("bernoulli_nb", "three"),
    ("knn", "three"), ("knn(weights='distance', p=1)", "number"), ("svc", "three"),
    ("svc(kernel='poly')", "two"), ("svr", "number"), ("additive", "two"), ("rule_list", "three"),
    ("dummy", "two"), ("stacking", "two"), ("voting", "three"), ("bagging", "number"),
    *((f"mlp(epochs=2, width=5, scaling={scale!r}, norm={norm!r}, activation={bend!r})", target)
      for scale, norm, bend, target in (
          ("quantile", "none", "gelu", "two"), ("standard", "batch", "mish", "three"),
          ("robust", "layer", "silu", "number"), ("quantile", "none", "elu", "two"),
          ("standard", "none", "selu", "two"), ("standard", "none", "tanh", "two"),
          ("standard", "none", "leaky_relu", "two"), ("standard", "none", "sigmoid", "two"))),
]


def known(case: tuple[str, str]) -> Fitted:
    made = _FITTED.get(case)
    if made is None:
        made = _FITTED[case] = fitted(*case)
    return made


_FITTED: dict[tuple[str, str], Fitted] = {}


# the most telling ones in every language each time; the others in `make study`
QUICK = {"linear_svm", "polynomial", "random_forest(n_estimators=5)", "hist_gradient_boosting",
         "lightgbm(n_estimators=6)", "xgboost(n_estimators=6)", "catboost(n_estimators=12)",
         "gaussian_nb", "knn(weights='distance', p=1)", "svc", "additive", "rule_list", "stacking",
         "mlp(epochs=2, width=5, scaling='quantile', norm='none', activation='gelu')",
         "mlp(epochs=2, width=5, scaling='standard', norm='batch', activation='mish')"}


def asked() -> list[Any]:
    marks = {"c": [needs_c], "javascript": [needs_js], "numpy": []}
    return [pytest.param(
        runtime, case, id=f"{runtime}-{case[0]}-{case[1]}",
        marks=[*marks[runtime], *([pytest.mark.slow] if runtime != "numpy"
                                  and case[0] not in QUICK else [])])
        for runtime in marks for case in CASES]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("runtime", "case"), asked())
def test_answers_are_those_of_the_model(
    runtime: str, case: tuple[str, str], tmp_path: Path
) -> None:
    model = known(case)
    path = tmp_path / f"m{exports.get(runtime).EXTENSION}"
    found = exports.export(model, runtime, path, odd())
    assert found.parity.most < (2e-7 if "xgboost" in case[0] else 1e-10)
    assert found.parity.agreement == 1 and found.size == path.stat().st_size


def ops_of(module: Any) -> set[str]:
    return {name for name, value in vars(module).items()
            if callable(value) and not name.startswith("_")
            and getattr(value, "__module__", "") == module.__name__} - {"levels_of"}


@pytest.mark.parametrize("runtime", RUNTIMES[1:])
def test_every_operation_gives_the_same_in_every_language(runtime: str, tmp_path: Path) -> None:
    """Each operation that no model above needs, on the same numbers."""
    rng = np.random.default_rng(0)
    program = Program(columns=[Cell("x", "number"), Cell("z", "number"), Cell("u", "number")])
    x = program.do("numbers", 3, program.table([0, 1, 2], "i4"))
    shares = program.do("softmax", 3, x)
    two = program.do("pair", 2, program.do("sigmoid", 1, program.do(
        "pick", 1, x, program.table([0], "i4"))))
    made = [
        program.do("tempered", 3, shares, 1.7, 1e-300), program.do("log_shares", 3, shares, 1e-4),
        program.do("log_odds", 1, two, 1e-4), program.do("clip", 3, x, -0.5, 0.5),
        program.do("shifted", 3, shares, program.table([0.2, 1.0, 3.0]), 0.7, 1e-12),
        program.do("softplus", 3, x), program.do("huber", 3, x), program.do("exp", 3, x),
        program.do("normal", 3, program.do("relu", 3, x)),
        program.do("spread", 5, shares, program.table([0, 2, 3], "i4")),
        program.do("beyond", 3, x, program.table([0, 1, 2], "i4"), program.table([0, 1, 0], "i4"),
                   program.table([0.1, 0.0, -0.3])),
        *(program.do("similar", 4, x, program.table(rng.normal(size=12)), kind, 0.3, 0.5, 3.0)
          for kind in range(4)),
    ]
    program.answer = program.register(sum(each.width for each in made))
    at = 0
    for each in made:
        program.do("copy", program.answer, each, start=at, width=each.width)
        at += each.width
    frame = pl.DataFrame(np.concatenate([rng.normal(size=(40, 3)), np.zeros((1, 3))]),
                         schema=["x", "z", "u"])
    want = Scorer(program).answer(frame.to_dict(as_series=False))
    program.classes = tuple(f"c{i}" for i in range(program.answer.width))
    source, run = (c.source, c.open) if runtime == "c" else (javascript.source, javascript.open)
    path = tmp_path / ("m" + exports.get(runtime).EXTENSION)
    path.write_text(source(program, path.name))
    np.testing.assert_allclose(run(path).answer(frame), want, rtol=1e-12, atol=1e-15)


def test_every_operation_is_held_to_something() -> None:
    made = ops_of(_numpy_ops) | ops_of(_numpy_models)
    used: set[str] = set()
    for case in CASES:
        used |= program_of(exports.subject(known(case)), "numpy").names
    text = Path(__file__).read_text()
    assert not {name for name in made - used if f'"{name}"' not in text}
    assert made <= set(sections(("operations.c", "models.c", "kernels.c"), "/*"))


def test_numpy_answers_without_any_other_library(tmp_path: Path) -> None:
    path = tmp_path / "m.pyz"
    exports.export(known(("lightgbm(n_estimators=12)", "two")), "numpy", path, odd())
    assert path.stat().st_size < 300_000
    ask = (f"import sys; sys.path.insert(0, {str(path)!r}); import wholefit_scorer\n"
           "row = {'x': 1, 'z': '2.5', 'yes': 'no', 'kind': None, 'code': 3,"
           " 'when': '1999-01-02 03:04', 'text': 'a good Dress'}\n"
           "print(*wholefit_scorer.load().answer([row])[0].tolist())\n"
           "print(*sorted({name.split('.')[0] for name in sys.modules} & "
           "{'polars', 'scipy', 'sklearn', 'wholefit', 'lightgbm', 'pandas'}))")
    done = subprocess.run([sys.executable, "-I", "-c", ask], capture_output=True, text=True,
                          check=True)
    answer, woken = done.stdout.split("\n")[:2]
    row = pl.DataFrame({"x": [1.0], "z": [2.5], "yes": [False], "kind": [None], "code": ["3"],
                        "when": [dt.datetime(1999, 1, 2, 3, 4)], "text": ["a good Dress"]})
    model = known(("lightgbm(n_estimators=12)", "two"))
    want = model.answer(data.conforming(row, model.schema))[0]
    assert woken == ""
    np.testing.assert_allclose([float(each) for each in answer.split()], want, rtol=1e-12)


def test_the_numpy_program_answers_a_table_and_refuses_a_wrong_one(tmp_path: Path) -> None:
    path, rows = tmp_path / "m.pyz", tmp_path / "rows.csv"
    exports.export(known(("logistic", "two")), "numpy", path, odd())
    table(20).select("x", "z", "yes", "kind", "code", "when", "text").write_csv(rows)
    done = subprocess.run([sys.executable, str(path), str(rows)], capture_output=True, text=True,
                          check=True)
    assert done.stdout.startswith("prediction,p_in,p_out\n") and done.stdout.count("\n") == 21
    for text, said in (("x,z\n1,2\n", "column 'yes'"),
                       (rows.read_text().replace("true", "maybe"), "must hold a truth")):
        rows.write_text(text)
        done = subprocess.run([sys.executable, str(path), str(rows)], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr


def test_cells_of_rows() -> None:
    scorer = Scorer(program_of(exports.subject(known(("logistic", "two"))), "numpy"))
    row = {"x": 1.0, "z": 2, "yes": True, "kind": "a", "code": 3.0, "when": dt.date(2001, 2, 3),
           "text": "fit"}
    spelt = {**row, "yes": "yes", "code": "3", "when": "2001-02-03T00:00:00Z", "x": " 1e0 "}
    np.testing.assert_array_equal(scorer.answer([row]), scorer.answer([spelt]))
    assert scorer.predict([row])[0] in ("in", "out")
    for wrong in ({"x": "abc"}, {"yes": "perhaps"}, {"when": "soon"}, {"x": [1]}):
        with pytest.raises(SchemaError, match=next(iter(wrong))):
            scorer.answer([{**row, **wrong}])
    with pytest.raises(SchemaError, match="kind"):
        scorer.answer([{name: value for name, value in row.items() if name != "kind"}])


@needs_c
def test_c_is_clean_under_a_strict_compiler(tmp_path: Path) -> None:
    path = tmp_path / "m.c"
    for case in (("stacking", "two"), ("knn", "three"), ("svc", "three"), ("additive", "two")):
        path.write_text(c.source(program_of(exports.subject(known(case)), "c"), "m.c"))
        command = [_c_run.compiler(), "-std=c99", "-Wall", "-Wextra", "-pedantic", "-DWF_MAIN",
                   "-c", str(path), "-o", str(tmp_path / "m.o")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert not done.stderr
    if shutil.which("tcc"):
        subprocess.run(["tcc", "-DWF_MAIN", "-o", str(tmp_path / "m"), str(path), "-lm"],
                       check=True)


@needs_c
def test_the_c_program_wants_every_column_once(tmp_path: Path) -> None:
    exports.export(known(("logistic", "two")), "c", tmp_path / "m.c", odd())
    compiled = _c_run.Compiled(tmp_path / "m.c")
    head = ["x", "z", "yes", "kind", "code", "when", "text"]
    for names, code in ((head, 0), ([*head, "x"], 0), (["x", *head[:-1]], 2)):
        done = subprocess.run([str(compiled.program)], input=",".join(names) + "\n", text=True,
                              capture_output=True, check=False)
        assert done.returncode == code, done.stderr


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_file_may_be_called_anything(runtime: str, tmp_path: Path) -> None:
    path = tmp_path / "m.js"
    exports.export(known(("logistic", "two")), runtime, path, table(20))
    with pytest.raises(WholefitError, match="cannot be read"):
        exports.runner(tmp_path / "none.x", runtime)
    path.write_bytes(b"noise")
    with pytest.raises(WholefitError):
        exports.runner(path, runtime).answer(table(3))


HOSTILE = ('*/ int main(void){return 1;} /*', 'a"b\\', "@data@", "line\nbreak", "ü${1}`</script>")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_names_never_become_code(runtime: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({name: rng.choice(HOSTILE, 90) for name in HOSTILE} | {
        "*/ y @title@": rng.choice(HOSTILE[:2], 90)})
    dataset = data.load(frame, target="*/ y @title@")
    model = fit_plain(dataset, tasks.get("classification"), models.make("logistic"))
    path = tmp_path / f"m{exports.get(runtime).EXTENSION}"
    assert exports.export(model, runtime, path, frame).parity.agreement == 1


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("decision", [
    by_threshold(0.9, 0, "0.9", "given"),
    by_costs(np.array([[0.0, 1.0, 9.0], [4.0, 0.0, 1.0], [1.0, 2.0, 0.0]]), 0, "costs", "given")])
def test_decisions_are_kept(runtime: str, decision: Any, tmp_path: Path) -> None:
    model = fitted("logistic", "two" if decision.threshold else "three")
    model.decision = decision
    path = tmp_path / f"m{exports.get(runtime).EXTENSION}"
    found = exports.export(model, runtime, path, table(60, 1))
    assert found.parity.agreement == 1
    runner, asked = exports.runner(path), exports.subject(model)
    dataset = asked.asked(table(60, 1))
    codes = runner.labels(asked.frame(dataset))  # type: ignore[attr-defined]
    assert (codes == model.codes(model.answer(dataset))).all()
    assert (codes != model.answer(dataset).argmax(axis=1)).any(), "the decision must matter here"


def test_what_has_no_form_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "m.pyz"
    model = fitted("tabm(epochs=1)", "two", drop=("text",))
    with pytest.raises(ExportError, match=r"tabm.*onnx"):
        exports.export(model, "numpy", path, table(20))
    model = known(("logistic", "two"))
    model.replay = object()  # type: ignore[assignment]
    try:
        with pytest.raises(ExportError, match="cleaning"):
            exports.export(model, "numpy", path, table(20))
    finally:
        model.replay = None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "at", "value"), [
    ("feature", 0, 999), ("size", 0, 1), ("value", None, None)])
def test_arrays_that_point_outside_are_refused(name: str, at: Any, value: Any) -> None:
    subject = exports.subject(fitted("decision_tree", "two"))
    arrays = dict(subject.model.arrays)
    arrays[name] = arrays[name].copy()[:1] if at is None else arrays[name].copy()
    if at is not None:
        arrays[name][at] = value
    model = replace(subject.model, arrays=arrays)
    with pytest.raises(ExportError, match=r"arrays|trees"):
        program_of(replace(subject, model=model), "c")


def test_no_compiler_and_no_node_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    model = known(("logistic", "two"))
    for runtime, word in (("c", "compiler"), ("javascript", "node")):
        with pytest.raises(ExportError, match=word):
            exports.export(model, runtime, tmp_path / "m.x", table(20))


def test_ubjson_is_read_as_the_library_writes_json() -> None:
    xgboost = pytest.importorskip("xgboost")
    blob = known(("xgboost(n_estimators=6)", "three")).state().blobs["model"]
    booster = xgboost.Booster()
    booster.load_model(bytearray(blob))
    want = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]
    mine = _ubjson.read(blob)["learner"]["gradient_booster"]["model"]
    assert list(mine["tree_info"]) == want["tree_info"]
    for ours, theirs in zip(mine["trees"], want["trees"], strict=True):
        np.testing.assert_allclose(ours["split_conditions"], theirs["split_conditions"], rtol=1e-6,
                                   atol=1e-40)
        assert list(ours["left_children"]) == theirs["left_children"]
    for cut in (1, 40, len(blob) // 2):
        with pytest.raises(StateError):
            _ubjson.read(blob[:cut])
