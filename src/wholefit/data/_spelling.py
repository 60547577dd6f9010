"""The plain spelling of a text: what stays when case, spaces and loose punctuation are set aside.

Signs that carry meaning stay: "A+" and "A-" differ, and so do "<=50K" and ">50K", "1.5" and "15".
"""

from __future__ import annotations

import polars as pl

# Joined words are words: "new-york" and "new_york" are "new york".
_JOINTS = r"([\p{L}\p{N}])[-_/]+([\p{L}])"
_DOTS = r"(\p{L})[.'’`´]+"
_STRAY = r"[ \t\r\n\u{a0}\u{200b}\u{feff}]{2,}|[\t\r\n\u{a0}\u{200b}\u{feff}]"
_SPACES = r"[\s\u{a0}\u{200b}\u{feff}]+"


def plainly(texts: pl.Series) -> pl.Series:
    """Texts in lower case, with single spaces, "N.Y." as "ny", "new-york" as "new york"."""
    plain = texts.cast(pl.String).str.normalize("NFKC").str.to_lowercase()
    for _ in range(2):  # a letter between two joints is part of both
        plain = plain.str.replace_all(_JOINTS, "$1 $2")
    plain = plain.str.replace_all(_DOTS, "$1")
    return plain.str.replace_all(_SPACES, " ").str.strip_chars()


def stripped(texts: pl.Series) -> pl.Series:
    """Texts without spaces around them, and with single ones inside."""
    return texts.cast(pl.String).str.replace_all(_STRAY, " ").str.strip_chars()
