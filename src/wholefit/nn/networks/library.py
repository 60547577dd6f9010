"""A network of another library, known by its id: laid out untrained, its weights ours to keep."""

from __future__ import annotations

import json
import re
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.base.optional import need
from wholefit.nn.networks._registry import network

LIBRARIES = ("timm", "torchvision", "hf")
# A plain name: timm takes one with a colon or a slash ("hf-hub:owner/name") as an address to fetch.
_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,200}")
# Encoders of texts that are laid out of their config alone. Other kinds may name a backbone, which
# transformers then fetches; so may the words below, of kernels and the like.
_KINDS = frozenset((
    "albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "ernie",
    "modernbert", "mpnet", "nomic_bert", "roberta", "xlm-roberta"))
_FETCHED = ("auto_map", "attn_implementation", "backbone", "quantization_config")


@network("library")
class Library(nn.Module):
    """What `library` calls `name`, untrained; with `outputs` as its last layer has.

    `library` is "timm", "torchvision" or "hf" (transformers; `config` is then its JSON, and a
    text's features are the mean of its tokens' vectors). Nothing is fetched: weights come from the
    file that this was stored in. Needs the library where it is made.
    """

    def __init__(self, library: str, name: str, outputs: int = 1000, config: str = "") -> None:
        super().__init__()
        if library not in LIBRARIES:
            raise ParameterError(f"library must be one of {', '.join(LIBRARIES)}; got {library!r}.")
        self.texts = library == "hf"
        if not self.texts and not _PLAIN.fullmatch(name):
            raise ParameterError(f"a network of {library} is known by a plain name; got "
                                 f"{name[:100]!r}.")
        if self.texts:
            self.inner: Any = _of_config(config)
            self.head: nn.Module = nn.Linear(int(self.inner.config.hidden_size), outputs)
        else:
            kept = need(library, extra="deep", user=f"the base {library}:{name}")
            self.inner = (kept.create_model(name, pretrained=False, num_classes=outputs)
                          if library == "timm" else
                          kept.models.get_model(name, weights=None, num_classes=outputs))

    def stages(self) -> list[nn.Module]:
        """The parts that can be frozen."""
        from wholefit.nn.transfer.bodies import stages

        return stages(self.inner)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Logits or numbers."""
        if not self.texts:
            return self.inner(*inputs)
        tokens = inputs[0].long()
        there = tokens != 0
        found = self.inner(input_ids=tokens, attention_mask=there.long()).last_hidden_state
        weight = there.unsqueeze(-1).to(found.dtype)
        return self.head((found * weight).sum(dim=1) / weight.sum(dim=1).clamp_min(1e-9))


def _of_config(config: str) -> nn.Module:
    """An untrained encoder; only kinds that the library itself knows, never code of a stranger."""
    kept = need("transformers", extra="text", user="a base of another kind than BERT")
    words = dict(json.loads(config))
    kind = str(words.pop("model_type", ""))
    if kind not in _KINDS:
        known = ", ".join(sorted(_KINDS))
        raise ParameterError(f"an encoder of transformers is one of {known}; got {kind[:60]!r}.")
    words = {name: value for name, value in words.items()
             if not any(word in name for word in _FETCHED)}
    return kept.AutoModel.from_config(kept.AutoConfig.for_model(kind, **words),
                                      trust_remote_code=False)
