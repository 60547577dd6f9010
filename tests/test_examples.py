"""Every file in examples/ runs, and ends in the numbers it claims."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
from threadpoolctl import threadpool_limits

EXAMPLES = Path(__file__).parents[1] / "examples"
FILES = sorted(EXAMPLES.glob("*.py"))

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def load(path: Path) -> ModuleType:
    """The example as a module, under a name that hides nobody else's."""
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up while they are made
    spec.loader.exec_module(module)
    return module


def test_there_are_examples() -> None:
    assert len(FILES) >= 13


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_example(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))  # as when it is run: python examples/it.py
    example = load(path)
    data = getattr(example, "DATA", None)
    if data is not None:
        folder = os.environ.get("WHOLEFIT_DATA")
        if not folder:
            pytest.skip(f"WHOLEFIT_DATA is not set; {path.name} needs {data}")
        if not (Path(folder) / data).exists():
            pytest.skip(f"WHOLEFIT_DATA has no {data}, which {path.name} needs")
    with threadpool_limits(1):  # tests beside this one use the other cores
        found = example.main()
    wrong = {name: value for name, value in found.items()
             if not example.EXPECTED[name][0] <= value <= example.EXPECTED[name][1]}
    assert not wrong, f"outside what {path.name} claims: {wrong}"
    assert set(found) == set(example.EXPECTED), "a number that is promised must be given"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_example_is_a_program_to_learn_from(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "it says what it shows"
    assert len(text.splitlines()) <= 110, "it is short"
    last = tree.body[-1]
    assert isinstance(last, ast.If) and "__main__" in ast.unparse(last.test)
    names = {target.id for node in tree.body if isinstance(node, ast.Assign)
             for target in node.targets if isinstance(target, ast.Name)}
    assert "EXPECTED" in names, "it can fail"
    assert ("WHOLEFIT_DATA" in text) == ("DATA" in names), "what it needs is declared"
