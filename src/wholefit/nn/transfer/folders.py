"""A folder in Hugging Face's layout: config.json, model.safetensors, tokenizer.json.

BERT-like encoders (config "model_type": "bert") become a network of ours, so that they are saved
and loaded without any other library. Other kinds go through transformers, where that is installed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from wholefit.base.errors import DataError
from wholefit.base.optional import need
from wholefit.nn import networks
from wholefit.nn.transfer import libraries
from wholefit.nn.transfer.bases import Base

_MOST = 4 * 2**30
_LENGTH = 128
_LARGEST = {"vocab_size": 2**20, "max_position_embeddings": 2**16, "hidden_size": 2**14,
            "num_hidden_layers": 256, "num_attention_heads": 256, "intermediate_size": 2**16,
            "type_vocab_size": 64}


def load(folder: Path) -> Base:
    """The base in the folder; DataError for one that is incomplete or of an unknown kind."""
    config = _json(folder / "config.json")
    if config.get("model_type") != "bert":
        return libraries.load("hf", str(folder))
    given = _weights(folder / "model.safetensors")
    sizes = {word: _size(config, word, most) for word, most in _LARGEST.items()}
    module = networks.make(
        "bert", vocabulary=sizes["vocab_size"], length=sizes["max_position_embeddings"], outputs=1,
        width=sizes["hidden_size"], layers=sizes["num_hidden_layers"],
        heads=sizes["num_attention_heads"], inner=sizes["intermediate_size"],
        types=sizes["type_vocab_size"], activation=str(config.get("hidden_act", "gelu")),
        dropout=float(config.get("hidden_dropout_prob", 0.1)),
        eps=float(config.get("layer_norm_eps", 1e-12)), unit=_unit(folder))
    wanted = module.state_dict()
    named = {_name(name): value for name, value in given.items()}
    usual = {name: value for name, value in wanted.items() if name.startswith("head.")}
    whole = usual | {name: value for name, value in named.items() if name in wanted}
    odd = [name for name, value in wanted.items()
           if name not in whole or whole[name].shape != value.shape]
    if odd:
        raise DataError(f"{folder} does not hold the weights its config.json states: {odd[0]!r} is "
                        f"missing or of another shape ({len(odd)} such).")
    module.load_state_dict(whole)
    return Base(module.eval(), tokenizer=_tokenizer(folder), length=_most_tokens(folder, sizes),
                name=folder.name, source=str(folder))


def _weights(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise DataError(f"{path} is missing: a base is read from safetensors alone (a file that "
                        "torch wrote may hold code).")
    if path.stat().st_size > _MOST:
        raise DataError(f"{path} is larger than {_MOST / 2**30:.0f} GB; it is not read.")
    loader = need("safetensors.torch", extra="deep", user="loading a base")
    try:
        return dict(loader.load_file(path))
    except Exception as error:  # safetensors has an error class of its own for each fault
        raise DataError(f"{path} cannot be read as safetensors: {error}.") from error


# Theirs to ours; what has no place in an encoder (pooler, position_ids) keeps its name.
_NAMES = (
    (r"(?:bert\.)?embeddings\.word_embeddings", "words"),
    (r"(?:bert\.)?embeddings\.position_embeddings", "positions"),
    (r"(?:bert\.)?embeddings\.token_type_embeddings", "types"),
    (r"(?:bert\.)?embeddings\.LayerNorm", "norm"),
    (r"(?:bert\.)?encoder\.layer\.(\d+)\.attention\.self\.(query|key|value)", r"layers.\1.\2"),
    (r"(?:bert\.)?encoder\.layer\.(\d+)\.attention\.output\.dense", r"layers.\1.out"),
    (r"(?:bert\.)?encoder\.layer\.(\d+)\.attention\.output\.LayerNorm", r"layers.\1.norm"),
    (r"(?:bert\.)?encoder\.layer\.(\d+)\.intermediate\.dense", r"layers.\1.wide"),
    (r"(?:bert\.)?encoder\.layer\.(\d+)\.output\.dense", r"layers.\1.narrow"),
    (r"(?:bert\.)?encoder\.layer\.(\d+)\.output\.LayerNorm", r"layers.\1.last"),
)


def _name(name: str) -> str:
    layer, _, kind = name.rpartition(".")
    for pattern, ours in _NAMES:
        found = re.fullmatch(pattern, layer)
        if found:
            kind = {"gamma": "weight", "beta": "bias"}.get(kind, kind)
            return f"{found.expand(ours)}.{kind}"
    return name


def _size(config: Mapping[str, Any], word: str, most: int) -> int:
    found = config.get(word)
    if not isinstance(found, int) or not 1 <= found <= most:
        raise DataError(f"config.json must state {word} as a number from 1 to {most}; got "
                        f"{str(found)[:40]!r}.")
    return found


def _unit(folder: Path) -> bool:
    """Whether sentence embeddings are brought to length 1: their list of modules says so."""
    path = folder / "modules.json"
    if not path.is_file():
        return False
    try:
        return any("Normalize" in str(part.get("type")) for part in json.loads(path.read_text()))
    except (ValueError, AttributeError, TypeError) as error:
        raise DataError(f"{path} is not as it must be: {error}.") from error


def _tokenizer(folder: Path) -> str | None:
    path = folder / "tokenizer.json"
    if not path.is_file() or path.stat().st_size > 2**28:
        return None
    return path.read_text(encoding="utf-8")


def _most_tokens(folder: Path, sizes: Mapping[str, int]) -> int:
    """Most tokens of a text: what the folder says it was trained with, at most 128."""
    path = folder / "sentence_bert_config.json"
    stated = _json(path).get("max_seq_length") if path.is_file() else None
    known = stated if isinstance(stated, int) and stated > 0 else _LENGTH
    return min(known, sizes["max_position_embeddings"], _LENGTH)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read: {error}. A folder that is a base holds "
                        "config.json and model.safetensors.") from error
    if not isinstance(found, dict):
        raise DataError(f"{path} must hold an object; it holds {type(found).__name__}.")
    return found
