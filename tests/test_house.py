"""The house itself: imports run one way, nothing heavy wakes, every public name is documented."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import wholefit
from wholefit.base import tasks

SRC = Path(wholefit.__file__).parent
# From the ground up; rooms on one line may not import each other.
FLOORS = [
    {"base"}, {"data"}, {"features", "evaluation"}, {"nn"}, {"models", "agents"}, {"training"},
    {"explain", "artifact"}, {"checks", "report"}, {"serving"}, {"monitoring"}, {"api"},
    {"web"}, {"cli"},
]
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
HEAVY = {"torch", "sklearn", "pandas", "lightgbm", "polars", "numpy", "scipy", "xgboost",
         "catboost", "rich", "duckdb", "pyarrow", "umap", "openTSNE", "numba"}
FILES = sorted(SRC.rglob("*.py"))
# Rooms in which a task without a target has a file or a package of its name.
_TASK_ROOMS = {"training", "report", "api", "checks"}


def room_of(path: Path) -> str | None:
    parts = path.relative_to(SRC).parts
    return parts[0] if len(parts) > 1 else None


def imported_rooms(path: Path) -> set[str]:
    """Rooms that a file imports, at module level or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wholefit"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names
                      if alias.name.startswith("wholefit.")}
    return found & set(FLOOR)


def test_every_room_has_its_floor() -> None:
    rooms = {path.name for path in SRC.iterdir() if (path / "__init__.py").exists()}
    assert rooms <= set(FLOOR), f"rooms without a floor: {rooms - set(FLOOR)}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SRC)))
def test_imports_run_one_way(path: Path) -> None:
    here = room_of(path)
    if here is None:
        return
    for room in imported_rooms(path) - {here}:
        assert FLOOR[room] < FLOOR[here], (
            f"{path.relative_to(SRC)} imports {room}, which does not lie below {here}"
        )


@pytest.mark.parametrize("task", tasks.names(supervised=False))
def test_a_task_does_not_lean_on_another(task: str) -> None:
    """What two tasks share has a home outside both, so that one can change and the other stays."""
    others = set(tasks.names(supervised=False)) - {task}
    for path in FILES:
        inside = path.relative_to(SRC).with_suffix("").parts
        if inside[0] not in _TASK_ROOMS or len(inside) < 2 or inside[1] != task:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wholefit."):
                named = [f"{node.module}.{alias.name}".split(".") for alias in node.names]
                assert not any(parts[1] in _TASK_ROOMS and parts[2] in others for parts in named), (
                    f"{path.relative_to(SRC)} imports {node.module}, which is another task's")


def test_relative_imports_are_not_used() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: relative import"


def woken(code: str) -> set[str]:
    """Top-level modules that `code` wakes in a fresh interpreter."""
    script = f"import sys\nbefore = set(sys.modules)\n{code}\nprint(*(set(sys.modules) - before))"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(out.stdout.split())


def test_import_wakes_nothing_heavy() -> None:
    modules = woken("import wholefit")
    assert not {name.split(".")[0] for name in modules} & HEAVY
    assert len(modules) <= 50, sorted(modules)


def test_help_wakes_nothing_heavy() -> None:
    modules = woken(
        "import contextlib, io; from wholefit.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main(['--help'])\n"
    )
    assert not {name.split(".")[0] for name in modules} & (HEAVY - {"rich"})


def test_the_catalog_wakes_no_learning_library() -> None:
    modules = woken("from wholefit import models; models.describe()")
    learners = HEAVY - {"numpy", "rich"}
    assert not {name.split(".")[0] for name in modules} & learners


def test_no_file_is_a_giant() -> None:
    lines = {str(path.relative_to(SRC)): path.read_text().count("\n") for path in FILES}
    assert not {name: count for name, count in lines.items() if count > 400}


def test_no_function_is_a_giant() -> None:
    large = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                doc = ast.get_docstring(node) is not None
                body = node.body[doc:] or node.body
                length = (node.end_lineno or 0) - body[0].lineno
                if length > 60:
                    large.append(f"{path.relative_to(SRC)}:{node.lineno} {node.name} {length}")
    assert not large, large


def test_every_public_name_is_documented() -> None:
    for name in wholefit.__all__:
        value = getattr(wholefit, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"wholefit.{name} has no docstring"


def test_nothing_below_the_faces_prints() -> None:
    for path in FILES:
        if room_of(path) in ("cli", "web"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            called = isinstance(node, ast.Call) and getattr(node.func, "id", "")
            assert called not in ("print", "input", "eval", "exec"), f"{path}:{node.lineno}"


def test_no_pickle_anywhere() -> None:
    forbidden = {"pickle", "joblib", "dill", "cloudpickle", "marshal", "shelve"}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {name.split(".")[0] for name in names} & forbidden, str(path)
