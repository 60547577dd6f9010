"""Pictures beside what augmentation makes of them: a page, or one picture."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from wholefit._version import __version__
from wholefit.base.errors import ParameterError
from wholefit.report import writing
from wholefit.report._html import Html, bullets, code, data, el, join, table
from wholefit.report.images._png import encode, sheet, tile

_SIDE_BY_SIDE = "display:flex;flex-wrap:wrap;gap:.5rem;width:34rem;max-width:60vw"


def page(found: Any) -> str:
    """The page of a preview: what is done, why, and each picture beside its altered versions."""
    parts = [("what", "What is done", _said(found)), ("see", "Pictures and versions", rows(found))]
    foot = el("footer", el("p", "This page shows pictures of the data: share it like them."),
              el("p", f"wholefit {__version__}. Nothing on this page is fetched from elsewhere."))
    return writing.whole("Augmentation", lambda nav: _top(found, nav), parts, foot)


def write(found: Any, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write the preview to `path`: .html is the page, .png one picture, a row an original.

    Raises ArtifactError where the file cannot be written, ParameterError for another ending.
    """
    ending = Path(path).suffix.lower()
    if ending in (".html", ".htm"):
        return writing.put(lambda: page(found), path, force)
    if ending != ".png":
        raise ParameterError("a preview's file must end in .html or .png; got "
                             f"{Path(path).name!r}.")
    writing.check_place(path, force)
    Path(path).write_bytes(encode(sheet([[first, *others] for first, others in
                                         zip(found.originals, found.altered, strict=True)])))
    return Path(path)


def rows(found: Any) -> Html:
    """A table: a picture, then its versions."""
    lines = []
    for at, (original, others) in enumerate(zip(found.originals, found.altered, strict=True)):
        name = f"picture {at + 1}" if found.labels is None else str(found.labels[at])
        versions = el("div", *(tile(each, f"{name}, version {number + 1}")
                               for number, each in enumerate(others)), style=_SIDE_BY_SIDE)
        lines.append([data(name, 40), tile(original, f"{name}, as it is"), versions])
    return table(["", "as it is", "altered, drawn anew each time"], lines,
                 "Pictures and altered versions", cls="plain")


def _said(found: Any) -> Html:
    words = {name: value for name, value in found.words.to_dict().items()
             if value != getattr(type(found.words)(), name)}
    program = ",\n             ".join(
        ", ".join(f"{name}={value!r}" for name, value in list(words.items())[at:at + 5])
        for at in range(0, len(words), 5))
    worries = bullets(data(each, 300) for each in found.worries) if found.worries else None
    return join([el("p", data(found.said, 600)) if found.said else None,
                 code(f"Augmentation({program})"), worries,
                 el("p", f"{found.speed:,.0f} pictures a second on this machine, one thread. What "
                    "the altered versions show should still be of the same class: if you cannot "
                    "tell, the network cannot either.")])


def _top(found: Any, nav: Html) -> Html:
    _, channels, high, wide = np.shape(found.originals)
    return el("header", el("h1", "Augmentation of ", data(found.source, 120)),
              el("p", f"{len(found.originals)} pictures of {wide} x {high}, "
                 f"{'grey' if channels == 1 else 'colour'}, {found.altered.shape[1]} versions of "
                 "each", cls="kind"), nav)
