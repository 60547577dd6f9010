"""`python -m benchmarks.understanding [PART ...]`: runs parts of this folder, a page for each."""

from __future__ import annotations

from benchmarks import _parts

if __name__ == "__main__":
    _parts.main("understanding", "Understanding models",
                ("numpy", "scipy", "scikit-learn", "polars"))
