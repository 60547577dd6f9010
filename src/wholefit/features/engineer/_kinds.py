"""The kinds of engineered features, by the word that names them, and where each is made."""

from __future__ import annotations

_HERE = "wholefit.features.engineer"

KINDS: dict[str, str] = {
    "ratio": f"{_HERE}.arithmetic:Ratio",
    "difference": f"{_HERE}.arithmetic:Difference",
    "product": f"{_HERE}.arithmetic:Product",
    "log": f"{_HERE}.arithmetic:SignedLog",
    "polynomial": f"{_HERE}.polynomial:Polynomial",
    "expression": f"{_HERE}.expression:Expression",
    "power": f"{_HERE}.power:Power",
    "ranks": f"{_HERE}.ranks:Ranks",
    "bins": f"{_HERE}.bins:Bins",
    "cyclic": f"{_HERE}.dates:Cyclic",
    "elapsed": f"{_HERE}.dates:Elapsed",
    "lags": f"{_HERE}.history:Lags",
    "rolling": f"{_HERE}.history:Rolling",
    "aggregate": f"{_HERE}.aggregate:Aggregate",
    "frequency": f"{_HERE}.frequency:Frequency",
    "target": f"{_HERE}.target:TargetMean",
    "hashing": f"{_HERE}.hashing:Hashing",
    "text": f"{_HERE}.text:TextStatistics",
    "missing": f"{_HERE}.missing:MissingCount",
}
"""The word to "module:Class"; nothing is imported until a kind is used."""

STATES = {f"engineer.{word}": place for word, place in KINDS.items()}
"""The kind of stored state to "module:Class"."""
