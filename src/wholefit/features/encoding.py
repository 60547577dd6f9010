"""What a family needs of its columns, and what a user may ask for instead."""

from __future__ import annotations

from dataclasses import dataclass

from wholefit.base.params import Params, param


@dataclass(frozen=True)
class Encoding(Params):
    """How a Dataset becomes a matrix. Every statistic is learnt on training rows only."""

    impute: str = param(
        "median", "What replaces a missing number; 'none' leaves NaN for models that take it.",
        choices=("mean", "median", "mode", "constant", "none"))
    fill: float = param(0.0, "The number that impute='constant' puts in.")
    indicator: bool = param(
        True, "Add a 0/1 feature for each numeric column that had missing values in training.")
    scale: str = param(
        "none", "How numbers are brought to a common scale.",
        choices=("none", "standard", "minmax", "robust"))
    categories: str = param(
        "onehot", "Categories as 0/1 features, as whole-number codes, or left out.",
        choices=("onehot", "ordinal", "drop"))
    rare: float = param(
        0.0, "Categories seen in a smaller share of training rows fold into one, with the unseen.",
        low=0, below=1, search=(0.0, 0.05))
    max_levels: int = param(
        100, "Categories kept for a column when one-hot; the rest fold into one.", low=1)
    dates: bool = param(
        True, "Turn each datetime into year, month, day, weekday, hour and days since the first.")
    text: str = param(
        "tfidf", "Text as weighted words, as a few dense directions of them (SVD), or left out.",
        choices=("tfidf", "svd", "drop"))
    words: int = param(2000, "Most frequent words kept for each text column.", low=1)
    directions: int = param(32, "Directions kept for each text column when text='svd'.", low=1)
    degree: int = param(
        1, "Degree of polynomial terms of the numeric columns, with interactions.",
        low=1, high=5, search=(1, 3))
    interactions_only: bool = param(
        False, "Leave out powers of one column: products of different columns only.")
    dense: bool = param(False, "Always give a dense matrix, even where most entries are zero.")
    single: bool = param(False, "Give float32 instead of float64.")


def for_trees(**changes: object) -> Encoding:
    """Codes, native missing values, no scaling; float32, as tree learners bin anyway."""
    base = Encoding(impute="none", indicator=False, scale="none", categories="ordinal",
                    text="svd", dense=True, single=True)
    return base.replace(**changes)


def for_linear(**changes: object) -> Encoding:
    """One-hot, imputed with indicators, standardised; sparse where that is smaller."""
    return Encoding(scale="standard").replace(**changes)


def for_distances(**changes: object) -> Encoding:
    """As for linear models, but dense: neighbours and kernels measure distances."""
    return Encoding(scale="standard", text="svd", dense=True, rare=0.01).replace(**changes)


def for_counts(**changes: object) -> Encoding:
    """Non-negative: one-hot, numbers brought to 0..1."""
    return Encoding(scale="minmax").replace(**changes)
