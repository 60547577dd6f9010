"""The registry: versions of models in a folder, which one is served, and who decided it.

>>> import tempfile
>>> registry = Registry(tempfile.mkdtemp())
>>> registry.names(), registry.served("churn"), registry.revision
([], None, 0)

    folder/registry.db          SQLite: versions, promotions, shares, and the trail of every change
    folder/files/ab/ab12...wf   the model files, each named by the SHA-256 of its bytes

A file is whole on the disk before a row names it, and each change is one transaction: whatever is
killed at whatever byte, the rows name whole files alone, and the version that is served is always
one that was promoted. Several processes may write at once.
"""

from __future__ import annotations

from wholefit.artifact.registry._records import Event, Version
from wholefit.artifact.registry.registry import VARIABLE, Registry, folder_of

__all__ = ["VARIABLE", "Event", "Registry", "Version", "folder_of"]
