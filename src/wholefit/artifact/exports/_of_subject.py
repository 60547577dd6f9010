"""What the runtimes' targets share: a Subject's program, and the reasons for having none."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wholefit.artifact.exports._compile import compiled
from wholefit.artifact.exports._program import Program
from wholefit.artifact.exports._subject import Subject
from wholefit.base.errors import ExportError, StateError

TEMPLATES = Path(__file__).with_name("templates")


def program_of(fitted: Subject, runtime: str, most: int | None = None) -> Program:
    """The program of a fitted model; ExportError, with the way out, where it has none.

    `most` is how many bytes of numbers the runtime takes.
    """
    if fitted.recipe:
        raise ExportError(f"the {runtime} export knows no cleaning recipes: fit on a table that "
                          "was cleaned before (`wf.clean`), and clean new rows in the same way.")
    decision = None if fitted.decision is None else fitted.decision.to_json()
    codec = None if fitted.codec is None else fitted.codec.to_json()
    with refused(runtime):
        program = compiled(
            [column.to_json() for column in fitted.schema.columns
             if column.name in set(fitted.schema.features)],
            fitted.model, None if fitted.encoder is None else fitted.encoder.state(),
            task=fitted.task.name, target=fitted.schema.target, codec=codec, decision=decision)
    if most is not None and program.nbytes > most:
        raise ExportError(
            f"the {runtime} export is for models of at most {most / 1e6:,.0f} MB of numbers, and "
            f"this one has {program.nbytes / 1e6:,.1f} MB: teach a small one (`wholefit distil`), "
            "or export to numpy or onnx.")
    return program


@contextmanager
def refused(runtime: str) -> Iterator[None]:
    """What a state cannot give is told as an ExportError of this runtime."""
    try:
        yield
    except StateError as error:
        raise ExportError(f"the {runtime} export cannot hold this model: {error}") from error
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ExportError(f"the {runtime} export cannot read this model's state "
                          f"({type(error).__name__}: {error}): save it anew.") from error


def copied(path: Path, place: Path) -> Path:
    """A copy of an exported file, whose name a compiler or a runtime goes by; ExportError if none.
    """
    try:
        shutil.copyfile(path, place)
    except OSError as error:
        raise ExportError(f"{path} cannot be read: {error.strerror or error}.") from error
    return place


def table_of(frame: Any, cell: Callable[[Any], Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names of the columns that text can hold, and the rows of their cells, each as `cell` says."""
    names = [name for name in frame.columns
             if frame[name].dtype.__class__.__name__ not in ("Binary", "Object", "List")]
    columns = [[cell(value) for value in frame[name].to_list()] for name in names]
    return names, list(zip(*columns, strict=True))


def template(name: str) -> str:
    """The text of a template beside this module."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def filled(name: str, facts: Mapping[str, str]) -> str:
    """A template with its places, written @place@, filled; what is put in is never looked at."""
    return filled_text(template(name), facts)


def filled_text(text: str, facts: Mapping[str, str]) -> str:
    """The same of a template's text."""
    return re.sub(r"@([a-z_]+)@", lambda found: facts[found.group(1)], text)


def sections(names: tuple[str, ...], mark: str) -> dict[str, tuple[list[str], str]]:
    """Parts of templates by name: what each needs, and its text.

    A part begins with a line of `mark`, "@ ", its name and, after a colon, the names it needs.
    """
    return sections_of([(template(name), mark) for name in names])


def sections_of(texts: Sequence[tuple[str, str]]) -> dict[str, tuple[list[str], str]]:
    """The same of texts, each with its mark."""
    found: dict[str, tuple[list[str], str]] = {}
    for text, mark in texts:
        for part in text.split(f"{mark}@ ")[1:]:
            head, _, body = part.partition("\n")
            title, _, needs = head.replace("*/", "").partition(":")
            found[title.strip()] = (needs.split(), body)
    return found


def chosen(parts: dict[str, tuple[list[str], str]], wanted: set[str]) -> str:
    """The text of the wanted parts and of all that they need, in the order of the templates."""
    needed, left = set(wanted), list(wanted)
    while left:
        for name in parts[left.pop()][0]:
            if name not in needed:
                needed.add(name)
                left.append(name)
    return "\n".join(text for name, (_, text) in parts.items() if name in needed)
