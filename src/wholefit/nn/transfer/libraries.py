"""Bases by an id of a library that is installed: the only place that may fetch weights by name.

The library fetches them, once, into its own cache, because the user named the id; they are then
kept in our file, and loading that file fetches nothing.
"""

from __future__ import annotations

import json
from typing import Any

from torch import nn

from wholefit.base.errors import DataError
from wholefit.base.optional import need
from wholefit.nn import networks
from wholefit.nn.transfer.bases import Base, Picture

# What nearly all ImageNet weights of torchvision and timm were trained with, in pixels.
_MEAN, _SPREAD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def load(library: str, name: str, **options: Any) -> Base:
    """The base that `library` ("timm", "torchvision", "hf") calls `name`.

    `options` go to the library ("weights", "revision", ...). Raises MissingExtraError where the
    library is absent, DataError where it does not give what was asked for.
    """
    maker = {"timm": _timm, "torchvision": _torchvision, "hf": _hf}[library]
    try:
        return maker(name, options)
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(f"{library} did not give {name!r}: {str(error)[:300]}") from error


def _timm(name: str, options: dict[str, Any]) -> Base:
    kept = need("timm", extra="deep", user=f"the base timm:{name}")
    given = kept.create_model(name, pretrained=True, **options)
    stated = dict(getattr(given, "pretrained_cfg", None) or {})
    size = int((stated.get("input_size") or (3, 224, 224))[-1])
    mean, spread = (tuple(255.0 * float(value) for value in stated[word])
                    if word in stated else usual
                    for word, usual in (("mean", _MEAN), ("std", _SPREAD)))
    return _ours("timm", name, given, Picture(size, mean, spread))


def _torchvision(name: str, options: dict[str, Any]) -> Base:
    kept = need("torchvision", extra="deep", user=f"the base torchvision:{name}")
    given = kept.models.get_model(name, weights=options.pop("weights", "DEFAULT"), **options)
    return _ours("torchvision", name, given, Picture(224, _MEAN, _SPREAD))


def _ours(library: str, name: str, given: nn.Module, picture: Picture) -> Base:
    """The same network under our name, with the weights given."""
    last = [part for part in given.modules() if isinstance(part, nn.Linear)]
    outputs = int(last[-1].out_features) if last else 1000
    module = networks.make("library", library=library, name=name, outputs=outputs)
    module.inner.load_state_dict(given.state_dict())
    return Base(module.eval(), picture=picture, name=f"{library}:{name}")


def _hf(name: str, options: dict[str, Any]) -> Base:
    """An encoder of transformers: weights as safetensors only, no code of the folder's."""
    kept = need("transformers", extra="text", user=f"the base {name}")
    given = kept.AutoModel.from_pretrained(name, use_safetensors=True, trust_remote_code=False,
                                           **options)
    config = json.dumps(given.config.to_diff_dict() | {"model_type": given.config.model_type})
    module = networks.make("library", library="hf", name=name, outputs=1, config=config)
    module.inner.load_state_dict(given.state_dict())
    tokenizer = kept.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    text = tokenizer.backend_tokenizer.to_str() if hasattr(tokenizer, "backend_tokenizer") else None
    return Base(module.eval(), tokenizer=text, length=128, name=name)
