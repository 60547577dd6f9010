"""Progress of a fit: a bar in a terminal, plain lines in a log, nothing in a pipe."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from wholefit.base.events import Listener, listen
from wholefit.cli import _show


@contextmanager
def told(quiet: bool) -> Iterator[list[str]]:
    """Tell what happens inside; gives the notes and warnings, each once, to be said after."""
    said: list[str] = []
    watch = _Interrupts()
    bar = None if quiet else _bar()
    tell = bar.tell if bar else (_line if not quiet and _is_log() else _nothing)
    try:
        with listen(_keeping(said)), listen(watch.tell), listen(tell):
            yield said
    except KeyboardInterrupt:
        raise KeyboardInterrupt(watch.lost) from None
    finally:
        if bar:
            bar.close()


def _keeping(said: list[str]) -> Listener:
    def keep(event: str, facts: dict[str, Any]) -> None:
        sentence = None
        if event == "warning" or (event == "note" and facts["severity"] == "warning"):
            sentence = f"warning: {facts['message']}"
        elif event == "note":
            sentence = f"note: {facts['message']}"
        elif event == "plugin_failed":
            sentence = f"warning: model {facts['name']} cannot be loaded: {facts['reason']}"
        if sentence is not None and sentence not in said:
            said.append(sentence)

    return keep


class _Interrupts:
    """What Ctrl-C stops, and what would be lost by it."""

    def __init__(self) -> None:
        self.lost = "nothing was finished, and nothing is saved"

    def tell(self, event: str, facts: dict[str, Any]) -> None:
        """Follow the run; say at once that the first Ctrl-C was understood."""
        if event == "refit_start":
            self.lost = (f"{facts['model']} was being fitted on all rows, and nothing is saved")
        elif event == "interrupted":
            _show.aside(f"interrupted during {facts['model']}: keeping {', '.join(facts['kept'])} "
                        "(Ctrl-C again leaves with nothing)")
        elif event == "refit_stopped":
            _show.aside(f"{facts['model']} could not be fitted on all rows ({facts['reason']}): "
                        "taking a quicker model of the leaderboard (Ctrl-C again leaves with "
                        "nothing)")


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
        folds = facts["folds"]
        _show.aside(f"{facts['model']}: {folds} {'fold' if folds == 1 else 'folds'} in "
                    f"{facts['seconds']:.1f} s")
    elif event in ("model_skipped", "model_failed", "model_stopped"):
        _show.aside(f"{facts['model']}: {event[6:]}: {facts['reason']}")
    elif event == "refit_done":
        _show.aside(f"{facts['model']}: fitted on all rows in {facts['seconds']:.1f} s")


def _bar() -> _Bar | None:
    return _Bar() if sys.stderr.isatty() else None


class _Bar:
    """A Rich bar on standard error; one step a fold, and one for the refit."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(bar_width=30),
            TimeElapsedColumn(), TextColumn("{task.fields[limit]}", markup=False),
            console=Console(stderr=True), transient=True,
            # What goes to a pipe or a file must go there, not above the bar.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = self._progress.add_task("reading", total=None, limit="")
        self._folds = 0
        self._progress.start()

    def tell(self, event: str, facts: dict[str, Any]) -> None:
        """Move the bar."""
        if event == "plan":
            self._folds = facts["folds"]
            self._progress.update(self._task, total=len(facts["models"]) * self._folds + 1,
                                  limit=f"of at most {facts['budget']}")
        elif event == "model_start":
            self._progress.update(self._task, description=facts["model"])
        elif event == "fold_done":
            self._progress.advance(self._task)
        elif event in ("model_skipped", "model_failed", "model_stopped"):
            self._progress.advance(self._task, self._folds)
        elif event == "refit_start":
            self._progress.update(self._task, description=f"{facts['model']} on all rows")
        elif event in ("select_step", "report_step", "explain_step", "curve_step"):
            self._progress.update(self._task, description=facts["step"])

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()
