"""The command by which pipelines ask whether a new model may take an old one's place."""

from __future__ import annotations

COMMAND = 'wholefit gate "$served" model.wf "$HELD_OUT"'
"""Exit code 1 where it may not. A test holds it to the command line of this version."""
