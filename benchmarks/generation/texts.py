"""Writers of texts: how many bits a character of texts not read tells them, beside compressors.

    WHOLEFIT_DATA=... python -m benchmarks.generation texts [--short]

The yardstick is no model of ours: what xz and bzip2 need for the texts set apart once they have
read the others, less what they need for the others alone, in bits a character.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import lzma
from collections.abc import Callable

import polars as pl

import wholefit as wf
from benchmarks import _tools

MODELS = {"ngram_language_model": "ngram_language_model",
          "language_model (lstm)": "language_model"}
MEASURES = ("bits_per_character", "told_apart", "copied")


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--short", action="store_true")
    asked = parser.parse_args(words)
    lines = ["# Texts that are written, and how well others are foretold", ""]
    for name, texts in sources().items():
        texts = texts[:400] if asked.short else texts
        lines += [f"## {name}: {len(texts):,} texts, {sum(map(len, texts)):,} characters", "",
                  *section(texts, asked.short), ""]
    lines += [_tools.machine("wholefit", "torch", "scikit-learn"), "",
              "Made by `python -m benchmarks.generation texts`."]
    if asked.short:
        print("\n".join(lines))
    else:
        _tools.save("generation_texts", "\n".join(lines))


def sources() -> dict[str, list[str]]:
    """Paragraphs of a novel, tweets, messages."""
    folder = _tools.data_folder()
    novel = wf.read(folder / "jane_austen" / "prideprejudice.txt.gz", format="paragraphs").frame
    tweets = pl.read_parquet(folder / "trump_tweets" / "data.parquet")
    messages = wf.read(folder / "sms_spam" / "data.csv.gz").frame
    column = next(name for name, kind in messages.schema.items() if kind == pl.String)
    return {"Pride and Prejudice": novel["text"].to_list(),
            "tweets": tweets["text"].drop_nulls().to_list(),
            "text messages": messages[column].drop_nulls().to_list()}


def section(texts: list[str], short: bool) -> list[str]:
    """The table of one source."""
    from wholefit.data import load
    from wholefit.training.generation._texts_parts import texts_of
    from wholefit.training.generation._trials import Options

    parts = texts_of(load({"text": texts}, roles={"text": "text"}), "text", Options(), 0)
    rows = []
    for name, model in list(MODELS.items())[:1 if short else None]:
        found = wf.fit({"text": texts}, task="generation", text="text", models=model,
                       budget="60min")
        entry = next(iter(found.leaderboard))
        rows.append([name, *(str(entry.scores[each]) for each in MEASURES),
                     f"{entry.fit_seconds:.1f}"])
    rows.append(["how frequent each character is", f"{found.told['by_frequency']:.3f}", "", "", ""])
    for name, packed in (("xz", _xz), ("bzip2", bz2.compress), ("gzip", gzip.compress)):
        rows.append([name, f"{bits(parts.learn, parts.held, packed):.3f}", "", "", ""])
    return [_tools.markdown(["", *MEASURES, "fit s"], rows), "",
            f"{parts.split[:1].upper()}{parts.split[1:]}."]


def bits(learn: list[str], held: list[str], packed: Callable[[bytes], bytes]) -> float:
    """What a compressor needs for the texts set apart after the others, in bits a character."""
    before, after = ("\n".join(each).encode() for each in (learn, held))
    more = len(packed(before + b"\n" + after)) - len(packed(before))
    return 8 * more / sum(map(len, held))


def _xz(raw: bytes) -> bytes:
    return lzma.compress(raw, preset=9 | lzma.PRESET_EXTREME)
