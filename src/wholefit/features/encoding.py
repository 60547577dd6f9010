"""What a family needs of its columns, and what a user may ask for instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wholefit.base.errors import ParameterError
from wholefit.base.params import Params, param


@dataclass(frozen=True)
class Encoding(Params):
    """How a Dataset becomes a matrix. Every statistic is learnt on training rows only."""

    impute: str = param(
        "median", "What replaces a missing number: a figure of its column, or what the row's "
        "other numbers say, by the nearest rows (2,000 of which the model then holds) or by "
        "regressions in turn; 'none' leaves NaN for models that take it.",
        choices=("mean", "median", "mode", "constant", "knn", "iterative", "none"))
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
        "tfidf", "Text as weighted words, as a few dense directions of them (SVD), as numbers of "
        "its tokens in order (for networks that read), or left out.",
        choices=("tfidf", "svd", "tokens", "drop"))
    words: int = param(2000, "Most frequent words kept for each text column.", low=1)
    directions: int = param(32, "Directions kept for each text column when text='svd'.", low=1)
    tokens: str = param(
        "word", "What a text is cut into when text='tokens'; 'pretrained' as the tokenizer of a "
        "pretrained network does it.", choices=("word", "character", "bpe", "pretrained"))
    tokenizer: str | None = param(
        None, "Where that tokenizer is (tokens='pretrained'): a folder with tokenizer.json, or a "
        "base's file.", none=True)
    vocabulary: int = param(
        30_000, "Most frequent tokens that get a number of their own (text='tokens').", low=1,
        high=10_000_000)
    length: int | None = param(
        None, "Tokens read of each text (text='tokens'); None takes what holds 95 % of training "
        "texts whole, at most 512 words or 1,024 characters.", low=1, high=65_536, none=True)
    lower: bool = param(True, "Make letters small before texts are cut (text='tokens').")
    part: str = param(
        "both", "What is read of a longer text (text='tokens'): its head, its tail, or half of "
        "the length from each.", choices=("head", "tail", "both"))
    images: str = param(
        "descriptors", "Pictures as pixels, which networks want, as classic features of shades, "
        "colours and edges, or left out; pixels also of tables with a column for each.",
        choices=("pixels", "descriptors", "drop"))
    image_size: int | None = param(
        None, "Side in pixels that pictures are brought to when images='pixels'; None takes the "
        "commonest or median size of the training rows, at most 64.", low=1, high=1024, none=True)
    image_colour: str = param(
        "auto", "Grey or colour; 'auto' is grey where all training pictures are.",
        choices=("auto", "grey", "rgb"))
    image_fit: str = param(
        "stretch", "Pictures of another shape: stretched, kept whole on a border, or cut.",
        choices=("stretch", "letterbox", "crop"))
    degree: int = param(
        1, "Degree of polynomial terms of the numeric columns, with interactions.",
        low=1, high=5, search=(1, 3))
    interactions_only: bool = param(
        False, "Leave out powers of one column: products of different columns only.")
    select: str = param(
        "none", "Which features stay, by what training rows show: spread, one test a feature, "
        "repetition of others, weight under an L1 penalty, importance in trees, elimination.",
        choices=("none", "variance", "f", "chi2", "mutual_info", "correlation", "l1", "tree",
                 "rfe"))
    keep: float | None = param(
        None, "How many features 'select' keeps: a number, or a share below 1; None leaves it to "
        "the method.", above=0, none=True)
    whole_columns: bool = param(
        False, "Select columns, not single features: all features of a column stay or go.")
    alike: float = param(
        0.95, "Correlation from which one feature repeats another (select='correlation').",
        above=0, high=1)
    pca: float | None = param(
        None, "Replace features by principal components: a number of them, or, below 1, the "
        "share of variance they hold.", above=0, none=True)
    dense: bool = param(False, "Always give a dense matrix, even where most entries are zero.")
    single: bool = param(False, "Give float32 instead of float64.")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("keep", "pca"):
            value = getattr(self, name)
            if value is not None and value >= 1 and value != int(value):
                raise ParameterError(f"Encoding.{name} must be a whole number, or a share below "
                                     f"1; got {value!r}.")
        if self.select == "none" and (self.keep is not None or self.whole_columns):
            raise ParameterError("Encoding.keep and Encoding.whole_columns must come with a "
                                 "method of selection; got select='none': say, for one, "
                                 "select='f'.")
        if self.text == "tokens" and self.reduces:
            raise ParameterError("Encoding.text='tokens' must keep every feature, as their order "
                                 "is what they mean; got select or pca: leave those out, or say "
                                 "text='tfidf'.")

    @property
    def reduces(self) -> bool:
        """True if features are selected or projected once they are made."""
        return self.select != "none" or self.pca is not None


def changed(wanted: Encoding, changes: Mapping[str, Any]) -> Encoding:
    """What a family wants, with the user's changes, and what these ask for in turn.

    Principal components need numbers without gaps and, to be worth anything, on one scale: where
    the family asks for neither and the user has not said otherwise, gaps are filled with the
    median, numbers standardised, and categories made 0/1.
    """
    found = wanted.replace(**changes)
    if found.pca is None:
        return found
    needed = {"impute": ("none", "median"), "scale": ("none", "standard"),
              "categories": ("ordinal", "onehot")}
    return found.replace(**{name: better for name, (bad, better) in needed.items()
                            if name not in changes and getattr(found, name) == bad})


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
