"""Words of a text counted inside an ONNX graph.

Letters are made small (StringNormalizer), the text is cut at what is no letter, digit or
underscore (ONNX Runtime's own Tokenizer, which knows Unicode), and the words of the vocabulary
are counted (TfIdfVectorizer). The pattern is what `\\w\\w+` means to Python.
"""

from __future__ import annotations

from wholefit.artifact.exports._onnx_graph import Value

RUNTIME = "com.microsoft"
_WORD = r"[\p{L}\p{N}_][\p{L}\p{N}_]+"
_PAD = "#"
"""Fills up shorter texts; no word can be it."""


def counted(text: Value, words: list[str], locale: str) -> Value:
    """How often each of `words` stands in each text (rows, 1): (rows, words) of float64."""
    graph = text.graph
    flat = text.shaped(-1)
    small = graph.op("StringNormalizer", flat, kind="s", case_change_action="LOWER", locale=locale)
    cut = graph.op("Tokenizer", small, kind="s", domain=RUNTIME, mark=0, mincharnum=1,
                   pad_value=_PAD, tokenexp=_WORD)
    # one word that is in no vocabulary, so that no row is without any
    never = graph.op("LabelEncoder", text, kind="s", domain="ai.onnx.ml", keys_strings=[_PAD],
                     values_strings=[_PAD], default_string=_PAD)
    counts = graph.op(
        "TfIdfVectorizer", graph.side_by_side([cut, never]), kind="f4", mode="TF",
        min_gram_length=1, max_gram_length=1, max_skip_count=0, ngram_counts=[0],
        ngram_indexes=list(range(len(words))), pool_strings=words)
    return counts.cast("f8")
