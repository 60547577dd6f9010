"""Help, version, wrong words: quick, quiet, and one sentence for what cannot be understood."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from wholefit import __version__
from wholefit.base.errors import WholefitError
from wholefit.cli import _app, _show
from wholefit.cli._commands import LINES, Line

from .conftest import environment, process

COMMANDS = [line.name for line in LINES]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_the_list_says_what_the_command_says(line: Line) -> None:
    importlib.import_module(f"wholefit.cli.{line.file}")
    said = {command.name: command.help for command in _app._real.registered_commands}
    assert said[line.name].split("\n\n")[0] == line.says


def test_the_list_is_whole() -> None:
    for path in Path(_app.__file__).parent.glob("[a-z]*.py"):
        importlib.import_module(f"wholefit.cli.{path.stem}")
    assert {command.name for command in _app._real.registered_commands} == set(COMMANDS)


def test_help_lists_every_command(run) -> None:
    for argv in (["--help"], ["-h"], []):
        done = run(*argv)
        assert done.code == 0
        assert all(f" {name} " in done.out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_that_fits_80_columns(run, name, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = run(name, "--help")
    assert done.code == 0 and f"wholefit {name}" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_help_of_fit_is_grouped(run) -> None:
    out = run("fit", "--help").out
    panels = ["What is learnt", "How it is learnt", "How the source is read", "What comes out"]
    places = [out.index(panel) for panel in panels]
    assert places == sorted(places)
    for option, panel in [("--target", 0), ("--models", 1), ("--delimiter", 2), ("--force", 3)]:
        end = [*places, len(out)][panel + 1]
        assert places[panel] < out.index(f"{option} ", places[panel]) < end


def test_version(run) -> None:
    assert run("--version").out == f"wholefit {__version__}\n"


def test_python_m_and_a_bare_call_are_the_same(tmp_path: Path) -> None:
    assert process("--version", cwd=tmp_path).out == f"wholefit {__version__}\n"


def test_help_is_quick_and_wakes_nothing_heavy(tmp_path: Path) -> None:
    code = ("import sys; from wholefit.cli import main\ntry: main(['--help'])\n"
            "except SystemExit: pass\nprint(*sys.modules, file=sys.stderr)")
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                              cwd=tmp_path, env=environment(), check=True)
        seconds.append(time.perf_counter() - start)
    woken = {name.split(".")[0] for name in done.stderr.split()}
    assert not woken & {"numpy", "polars", "scipy", "sklearn", "pandas", "pyarrow", "duckdb"}
    bare = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import typer, rich.table"], env=environment(),
                   check=True)
    bare = time.perf_counter() - bare
    # A third of a second on a free machine; a busy one is compared with itself.
    assert min(seconds) < max(0.3, 3 * bare)


@pytest.mark.parametrize(("argv", "said"), [
    (["fti"], "No such command 'fti'. Did you mean 'fit'?"),
    (["fit"], "Missing argument 'SOURCE'"),
    (["fit", "x.csv", "--taget", "y"], "--target"),
    (["fit", "x.csv", "--folds", "many"], "--folds"),
    (["fit", "x.csv", "--role", "age"], "--role must be NAME=VALUE; got 'age'"),
    (["predict", "m.wf"], "SOURCE"),
    (["predict", "m.wf", "x.csv", "--json", "--out", "p.csv"], "say one of them"),
])
def test_wrong_usage_is_one_sentence_and_code_2(run, argv, said) -> None:
    done = run(*argv)
    assert done.code == 2 and done.out == ""
    assert done.err.startswith("error: ") and said in done.err and "--help" in done.err
    assert len(done.err.splitlines()) == 1


def raising(error: BaseException):
    @_app._guarded
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(("error", "code", "said"), [
    (WholefitError("no."), 1, "error: no."),
    (OSError(28, "No space left on device", "m.wf"), 1, "error: m.wf: No space left on device."),
    (MemoryError(), 1, "the memory is used up"),
    (KeyboardInterrupt(), 130, "interrupted"),
    (ZeroDivisionError("by zero"), 70, "a fault in wholefit: ZeroDivisionError: by zero"),
])
def test_every_error_has_its_code_and_sentence(capfd, error, code, said) -> None:
    with pytest.raises(_app.typer.Exit) as ended:
        raising(error)()
    err = capfd.readouterr().err
    assert ended.value.exit_code == code
    assert said in err and len(err.splitlines()) == 1


def test_debug_shows_where(monkeypatch) -> None:
    monkeypatch.setenv("WHOLEFIT_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        raising(ZeroDivisionError())()


def test_names_cannot_steer_the_terminal(capsys) -> None:
    _show.say("a\x1b[31mb\x07")
    _show.table(["x"], [["two\nlines\x1b]0;title\x07"]])
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\x07" not in out
    assert "a\\x1b[31mb" in out and "two\\nlines" in out


def test_json_is_strict(capsys) -> None:
    _show.as_json({"a": float("nan"), "b": [float("inf"), 1], "c": ("é", None)})
    assert capsys.readouterr().out == '{"a": null, "b": [null, 1], "c": ["é", null]}\n'


def test_a_name_may_hold_an_equals_sign() -> None:
    assert _app.pairs(["a=b=categorical"], "--role", plain=False) == {"a=b": "categorical"}
    assert _app.pairs(["degree=2", "rare=0.1", "dense=true", "scale=none"], "--feature") == {
        "degree": 2, "rare": 0.1, "dense": True, "scale": "none"}


def test_models_lists_the_catalog_and_one_model(run) -> None:
    out = run("models").out
    assert re.search(r"^logistic +", out, re.M) and re.search(r"^ridge +", out, re.M)
    only = run("models", "--task", "regression").out
    assert re.search(r"^ridge +", only, re.M) and not re.search(r"^logistic +", only, re.M)
    one = run("models", "ridge")
    assert one.code == 0 and re.search(r"^alpha +1\.0 +>= 0 ", one.out, re.M)


@pytest.mark.parametrize(("argv", "said"), [
    (["models", "rigde"], "did you mean 'ridge'?"),
    (["models", "--task", "regresion"], "did you mean 'regression'?"),
])
def test_misspelt_catalog_words(run, argv, said) -> None:
    done = run(*argv)
    assert done.code == 1 and said in done.last


def test_doctor_names_every_extra_and_its_command(run) -> None:
    out = run("doctor").out
    pyproject = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    for extra in set(pyproject["project"]["optional-dependencies"]) - {"all", "dev"}:
        assert f"pip install 'wholefit[{extra}]'" in out
    assert __version__ in out
