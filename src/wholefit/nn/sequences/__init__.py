"""Sequences: positions, attention, pooling, decoding, and models of language.

    from wholefit.nn.sequences.language import LanguageModel
    model = LanguageModel(tokens="character").fit(["a long text ..."])
    model.sample(3, length=200, temperature=0.8), model.perplexity(["another text"])
"""

from __future__ import annotations
