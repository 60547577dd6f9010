"""The packages that a model answers with: which they are, what they are held to, what is known.

`installed` finds them and what they need, `sbom` writes them down (CycloneDX), `outdated` asks the
registry for newer ones, `osv` holds them against a database of vulnerabilities, and `audit` puts
the three together and says what could not be known.
"""

from __future__ import annotations

from wholefit.artifact.dependencies.audit import Audit, audit
from wholefit.artifact.dependencies.installed import Distribution, closure, normal

__all__ = ["Audit", "Distribution", "audit", "closure", "normal"]
