"""What a run's bits hang on besides its rows and words: versions, threads, the arithmetic here."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterable
from typing import Any

from wholefit import models
from wholefit.base.cores import cores

_ALWAYS = ("numpy", "scipy", "scikit-learn", "polars", "threadpoolctl")
_PACKAGES = {"sklearn": ("scikit-learn",), "xgboost": ("xgboost", "xgboost-cpu")}
_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_CORETYPE")


def libraries(used: Iterable[str]) -> dict[str, str]:
    """Versions of the libraries that a fit of these models rests on, woken here or elsewhere.

    Models may be fitted in another process: what this one has imported does not tell.
    """
    needed = {models.get(name).requires for name in used if name in models.names()} - {None}
    packages = [*_ALWAYS, *(package for module in sorted(filter(None, needed))
                            for package in _PACKAGES.get(module, (module,)))]
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return dict(sorted(found.items()))


def threads() -> dict[str, str]:
    """Words of the environment that limit threads or choose kernels, where they are set."""
    return {"cores": str(cores()), **{name: os.environ[name] for name in _LIMITS
                                      if name in os.environ}}


def arithmetic() -> dict[str, str]:
    """The processor's family, and the kernels that linear algebra chose for it."""
    from threadpoolctl import threadpool_info

    kernels = {f"{pool.get('internal_api')} {pool.get('architecture', '')}".strip()
               for pool in threadpool_info() if pool.get("user_api") == "blas"}
    return {"processor": platform.machine(), "linear algebra": ", ".join(sorted(kernels))}


def facts(used: Iterable[str]) -> dict[str, Any]:
    """All of it, as a lineage holds it."""
    return {"libraries": libraries(used), "threads": threads(), "machine": arithmetic()}
