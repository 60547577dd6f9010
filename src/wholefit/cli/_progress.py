"""Progress of a fit: a bar in a terminal, plain lines in a log, nothing in a pipe."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from wholefit.base.events import Listener, listen


@contextmanager
def told(quiet: bool) -> Iterator[list[str]]:
    """Tell what happens inside; gives the notes and warnings, to be said after."""
    said: list[str] = []
    bar = None if quiet else _bar()
    tell = bar.tell if bar else (_line if not quiet and _is_log() else _nothing)
    try:
        with listen(_keeping(said)), listen(tell):
            yield said
    finally:
        if bar:
            bar.close()


def _keeping(said: list[str]) -> Listener:
    def keep(event: str, facts: dict[str, Any]) -> None:
        if event == "warning" or (event == "note" and facts["severity"] == "warning"):
            said.append(f"warning: {facts['message']}")
        elif event == "note":
            said.append(f"note: {facts['message']}")
        elif event in ("model_failed", "plugin_failed"):
            said.append(f"failed: {facts.get('model') or facts.get('name')}: {facts['reason']}")

    return keep


def _is_log() -> bool:
    """True if standard error goes to a file: a person may read it later."""
    try:
        return stat.S_ISREG(os.fstat(sys.stderr.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def _nothing(event: str, facts: dict[str, Any]) -> None:
    return None


def _line(event: str, facts: dict[str, Any]) -> None:
    if event == "model_done":
        typer.echo(f"{facts['model']}: {facts['folds']} folds in {facts['seconds']:.1f} s", err=True)
    elif event in ("model_skipped", "model_failed", "model_stopped"):
        typer.echo(f"{facts['model']}: {event[6:]}: {facts['reason']}", err=True)
    elif event == "refit_done":
        typer.echo(f"{facts['model']}: fitted on all rows in {facts['seconds']:.1f} s", err=True)


def _bar() -> _Bar | None:
    return _Bar() if sys.stderr.isatty() else None


class _Bar:
    """A Rich bar on standard error; one step a fold, and one for the refit."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=30), TimeElapsedColumn(),
            console=Console(stderr=True), transient=True,
        )
        self._task = self._progress.add_task("reading", total=None)
        self._folds = 0
        self._progress.start()

    def tell(self, event: str, facts: dict[str, Any]) -> None:
        """Move the bar."""
        if event == "plan":
            self._folds = facts["folds"]
            self._progress.update(self._task, total=len(facts["models"]) * self._folds + 1)
        elif event == "model_start":
            self._progress.update(self._task, description=facts["model"])
        elif event == "fold_done":
            self._progress.advance(self._task)
        elif event in ("model_skipped", "model_failed"):
            self._progress.advance(self._task, self._folds)
        elif event == "refit_start":
            self._progress.update(self._task, description=f"{facts['model']} on all rows")

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()
