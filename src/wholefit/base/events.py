"""Progress as events: code below the faces never prints, it calls `emit`.

A face (command line, web page, log writer) listens while it runs something:

>>> seen = []
>>> with listen(lambda event, facts: seen.append((event, facts))):
...     emit("fold_done", model="ridge", fold=1, seconds=0.2)
>>> seen
[('fold_done', {'model': 'ridge', 'fold': 1, 'seconds': 0.2})]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Listener = Callable[[str, dict[str, Any]], None]

_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("wholefit_listeners", default=())


def emit(event: str, **facts: Any) -> None:
    """Tell every listener that `event` happened, with its facts."""
    for listener in _listeners.get():
        listener(event, facts)


@contextmanager
def listen(listener: Listener) -> Iterator[None]:
    """Call `listener(event, facts)` for each event emitted inside the block."""
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)
