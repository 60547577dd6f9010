"""What a person should know, said twice: as an event for the faces, as a warning for Python."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from wholefit.base.errors import WholefitWarning
from wholefit.base.events import emit
from wholefit.data import Note


def tell(notes: Sequence[Note]) -> None:
    """Say what reading found and did; warn of what a person should look at."""
    for note in notes:
        emit("note", kind=note.kind, message=note.message, severity=note.severity)
        if note.severity == "warning":
            warnings.warn(note.message, WholefitWarning, stacklevel=4)


def warn(sentence: str, stacklevel: int = 3) -> None:
    """Say what should be known before a result is trusted; Python is shown the user's line."""
    emit("warning", message=sentence)
    warnings.warn(sentence, WholefitWarning, stacklevel=stacklevel)
