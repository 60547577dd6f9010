"""Models as people write them: "ridge", "ridge(alpha=2)", "my_package.models:Mine(depth=3)".

Values are Python literals and nothing else is read, so the text of a model can come from a
command line or a web form. Only the third form imports a module: the one that it names.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
from collections.abc import Iterator
from typing import Any

from wholefit.base.errors import ParameterError, UnknownNameError, unknown
from wholefit.models._model import Model

_LONGEST = 2000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_.]*\Z")
_OPEN, _CLOSE = "([{", ")]}"


def make(model: Any) -> Model:
    """A Model from its text, its class, an instance, or a scikit-learn estimator (or its class).

    Text is a catalog name or an import path "package.module:Class", with values in parentheses
    where the defaults are not wanted. Raises ParameterError for text that is not of this shape
    or a value out of bounds, UnknownNameError for a name that names nothing.
    """
    if isinstance(model, Model):
        return model
    if isinstance(model, str):
        name, values = parse(model)
        return _construct(_kind(name), values, model)
    if isinstance(model, type) and issubclass(model, Model):
        return model()
    from wholefit.models._brought import is_brought

    return _guest(model() if isinstance(model, type) and not is_brought(model) else model)


def split_list(text: str) -> list[str]:
    """Split "ridge, random_forest(n_estimators=10)" at the commas outside brackets and quotes."""
    parts = [""]
    for letter, depth in _depths(text):
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _depths(text: str) -> Iterator[tuple[str, int]]:
    """Each letter with the number of brackets and quotes that are open around it."""
    depth, quote = 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in _OPEN:
            depth += 1
        elif letter in _CLOSE:
            depth -= 1
        yield letter, depth + bool(quote)


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the values in "name" or "name(key=literal, ...)"; ParameterError otherwise."""
    stripped = text.strip()
    name, bracket, rest = stripped.partition("(")
    name = name.strip()
    if len(text) > _LONGEST or not (_NAME.match(name) or _PATH.match(name)):
        raise _malformed(text)
    if not bracket:
        return name, {}
    try:
        call = ast.parse(f"f({rest}", mode="eval").body
        return name, _keywords(call)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise _malformed(text) from error


def _keywords(call: ast.expr) -> dict[str, Any]:
    """Values of a call that has keywords with literal values only; ValueError for anything else."""
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
        raise ValueError("not a call with keywords")
    if any(keyword.arg is None for keyword in call.keywords):
        raise ValueError("** is not read")
    if len({keyword.arg for keyword in call.keywords}) < len(call.keywords):
        raise ValueError("a keyword is repeated")
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}


def _malformed(text: str) -> ParameterError:
    shown = text if len(text) <= 80 else text[:77] + "..."
    return ParameterError(
        "a model must be written as a name with literal values, words in quotes, such as "
        "'ridge(alpha=2)', \"cnn(augment='none')\" or 'package.module:Class(depth=3)'; got "
        f"{shown!r}."
    )


def _kind(name: str) -> Any:
    from wholefit import models

    return _imported(name) if ":" in name else models.get(name)


def _imported(path: str) -> Any:
    module_name, _, attribute = path.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise UnknownNameError(
            f"model {path!r} cannot be imported: {error}. Check the path, and that its folder "
            "is on PYTHONPATH."
        ) from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise unknown(f"class of {module_name}", attribute,
                          [word for word in dir(found) if not word.startswith("_")])
        found = getattr(found, part)
    return found


def _construct(kind: Any, values: dict[str, Any], text: str) -> Model:
    if isinstance(kind, type) and issubclass(kind, Model):
        return kind.from_dict(_as_tuples(kind, values))
    try:
        return _guest(kind(**values))
    except TypeError as error:
        raise ParameterError(f"model {text!r} cannot be made: {error}.") from error


def _as_tuples(kind: type[Model], values: dict[str, Any]) -> dict[str, Any]:
    """Lists become tuples where the parameter is one: [64, 32] may be written for (64, 32)."""
    wanted = {spec.name for spec in kind.specs() if spec.type is tuple}
    return {name: tuple(value) if name in wanted and isinstance(value, list) else value
            for name, value in values.items()}


def _guest(estimator: Any) -> Model:
    from wholefit.models._brought import brought, is_brought
    from wholefit.models._guest import GuestModel

    if is_brought(estimator):
        return brought(estimator)
    if not (hasattr(estimator, "fit") and hasattr(estimator, "get_params")):
        shown = dataclasses.is_dataclass(estimator) or type(estimator).__name__
        raise ParameterError(
            "a model must be a name from the catalog, a wholefit Model, an estimator of the "
            "scikit-learn kind with fit and get_params, a torch module (or a function of inputs, "
            f"outputs that makes one) or a compiled Keras model; got {shown}."
        )
    return GuestModel(estimator)
