"""A source as a table: what is given may be a Dataset, a Table, or anything that `read` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wholefit.data import Dataset, Table, read
from wholefit.training import _cleaning

if TYPE_CHECKING:
    from wholefit.data.clean import Recipe
    from wholefit.training import Options


def as_table(source: Any, reading: dict[str, Any]) -> Table:
    """The source read; a Dataset gives the rows as the user gave them."""
    if isinstance(source, Dataset):
        return Table(source.original, source.source, source.guest, list(source.notes))
    return read(source, **reading)


def read_recipe(given: Any) -> Recipe:
    """A recipe, of whatever says one."""
    from wholefit.data.clean import Recipe

    return Recipe.of(given)


def cleaned(
    source: Any, options: Options, recipe: Recipe | None, special: Mapping[str, str | None],
    reading: dict[str, Any],
) -> tuple[Any, Options, dict[str, Any]]:
    """What `fit` reads, its options and reading options, once fixed cleaning steps are done."""
    if recipe is None:
        return source, options, reading
    table, clean = _cleaning.prepare(as_table(source, reading), recipe, special)
    return table, replace(options, clean=clean), {}
