"""A fitted thing <-> one safe file (.wf): JSON, arrays and libraries' own formats, never code.

>>> import tempfile, numpy as np
>>> from wholefit.base.state import State
>>> file = tempfile.mkdtemp() + "/m.wf"
>>> _ = write(file, {"task": "regression"}, {"model": State("linear", arrays={"w": np.ones(2)})})
>>> read(file).states["model"].arrays["w"]
array([1., 1.])

The format is described for implementers in any language in docs/artifact.md.
"""

from __future__ import annotations

from wholefit.artifact._format import FORMAT
from wholefit.artifact.read import DEFAULT_LIMIT, Fact, Package, from_bytes, read, verify
from wholefit.artifact.write import to_bytes, write

__all__ = ["DEFAULT_LIMIT", "FORMAT", "Fact", "Package", "from_bytes", "read", "to_bytes", "verify",
           "write"]
