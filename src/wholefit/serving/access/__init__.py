"""Who may ask a server, for what, and how often; and a record of what was refused and changed.

    keys.KeyFile       API keys: only their hashes are kept; scopes, expiry, rotation
    limits.Limiter     so many requests a second, a caller
    audit.Audit        who changed or was refused what, in a chain that shows what was altered
    guard.Guard        the three together, as the server asks them

Nothing here is imported by a server that is open to all.
"""

from __future__ import annotations

from wholefit.serving.access.guard import Guard, guard
from wholefit.serving.access.keys import SCOPES, Key, KeyFile

__all__ = ["SCOPES", "Guard", "Key", "KeyFile", "guard"]
