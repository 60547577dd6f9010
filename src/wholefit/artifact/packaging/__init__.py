"""A model file and what it takes to run it somewhere: files for containers, clusters and clouds.

`plan` holds the words of a bundle, checked; `needs` finds the packages that answer the model;
`targets` is a folder with one file for each place; `bundle` writes them all.
"""

from __future__ import annotations

from wholefit.artifact.packaging import example, wheel
from wholefit.artifact.packaging.bundle import Written, write
from wholefit.artifact.packaging.needs import Needs, Trial, find
from wholefit.artifact.packaging.plan import Plan, label, megabytes
from wholefit.artifact.packaging.targets import chosen, known

__all__ = ["Needs", "Plan", "Trial", "Written", "chosen", "example", "find", "known", "label",
           "megabytes", "wheel", "write"]
