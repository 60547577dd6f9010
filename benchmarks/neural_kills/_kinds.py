"""One small training a kind of network, with what makes going on hard: everything that is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from wholefit.nn import Recipe, networks, train
from wholefit.nn.augment import Augmentation, Augmenter
from wholefit.nn.checkpoints import Checkpoint
from wholefit.nn.generative import (
    PairRecipe,
    Rebuilding,
    Variation,
    train_autoencoder,
    train_pair,
    train_vae,
)
from wholefit.nn.sequences.language import LanguageModel

Found = tuple[list[nn.Module], list[dict[str, float]]]
Kind = Callable[[Checkpoint, Sequence[Any]], Found]
_TEXT = "the cat sat on the mat. the dog lay on the log. a bird flew over the old mill. " * 12


def mlp(checkpoint: Checkpoint, heard: Sequence[Any]) -> Found:
    """Dropout, batch norm, noise on the inputs, a mean of weights, patience, two batches a step."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2),
                           nn.Linear(16, 3))
    draw = torch.Generator().manual_seed(5)
    rows = torch.randn(200, 6, generator=draw), torch.randint(0, 3, (200,), generator=draw)
    recipe = Recipe(epochs=8, batch=16, rate=0.02, schedule="one_cycle", ema=0.95, patience=5,
                    accumulate=2, clip=1.0, device="cpu")
    return _trained(module, rows, recipe, checkpoint, heard, valid=rows, change=_noisy)


def cnn(checkpoint: Checkpoint, heard: Sequence[Any]) -> Found:
    """Convolutions whose channels lie last; pictures mirrored, moved, cut out and blended."""
    torch.manual_seed(1)
    module = networks.make("cnn", channels=3, height=12, width=12, outputs=3, stages=[8, 8],
                           norm="batch", dropout=0.2)
    draw = torch.Generator().manual_seed(1)
    rows = (torch.randint(0, 256, (120, 3, 12, 12), generator=draw, dtype=torch.uint8),
            torch.randint(0, 3, (120,), generator=draw))
    altered = Augmenter(Augmentation(flip="horizontal", crop=2, cutout=0.3, mixup=0.2), classes=3)

    def change(batch: Any, generator: Any) -> Any:
        images, target = altered(batch, generator)
        return images.float() / 255, target

    recipe = Recipe(epochs=6, batch=16, rate=5e-3, schedule="cosine", weight_decay=1e-2,
                    layout="channels_last", device="cpu")
    return _trained(module, rows, recipe, checkpoint, heard, change=change)


def lstm(checkpoint: Checkpoint, heard: Sequence[Any]) -> Found:
    """Two layers with dropout between, texts of like length together, a rate that drops."""
    torch.manual_seed(2)
    module = networks.make("lstm", outputs=3, vocabulary=30, width=8, hidden=12, layers=2,
                           dropout=0.3)
    recipe = Recipe(epochs=6, batch=16, rate=0.01, schedule="plateau", wait=0, clip=1.0,
                    bucket=True, device="cpu")
    return _trained(module, _tokens(2), recipe, checkpoint, heard, valid=_tokens(12))


def transformer(checkpoint: Checkpoint, heard: Sequence[Any]) -> Found:
    """Attention with dropout, warm-up, rows that weigh differently."""
    torch.manual_seed(3)
    module = networks.make("transformer_encoder", outputs=3, vocabulary=30, length=14, width=16,
                           heads=2, layers=2, dropout=0.2)
    recipe = Recipe(epochs=6, batch=16, rate=3e-3, schedule="linear", warmup=0.2,
                    label_smoothing=0.1, device="cpu")
    rows = _tokens(3)
    return _trained(module, rows, recipe, checkpoint, heard,
                    weights=torch.linspace(0.5, 1.5, len(rows[0])).numpy())


def autoencoder(checkpoint: Checkpoint, heard: Sequence[Any]) -> Found:
    """Rows spoilt by noise before they are rebuilt."""
    torch.manual_seed(4)
    module = networks.make("autoencoder", inputs=4, hidden=[12], code=2, output="linear")
    how = Rebuilding(epochs=8, batch=16, noise="gaussian", device="cpu", seed=4)
    found = train_autoencoder(module, _numbers(4), how, callbacks=[*heard, checkpoint])
    return [found.module], found.history


def vae(checkpoint: Checkpoint, heard: Sequence[Any]) -> Found:
    """Codes are drawn at each step, and their cost grows from nothing."""
    torch.manual_seed(5)
    module = networks.make("vae", inputs=4, hidden=[12], code=2, output="linear")
    how = Variation(epochs=8, batch=16, warmup=0.5, device="cpu", seed=5)
    found = train_vae(module, _numbers(5), how, cost="gaussian", valid=_numbers(15),
                      callbacks=[*heard, checkpoint])
    return [found.module], found.history


def gan(checkpoint: Checkpoint, heard: Sequence[Any]) -> Found:
    """Two networks, two optimizers, a mean of the generator's weights."""
    torch.manual_seed(6)
    generator = networks.make("generator", inputs=3, outputs=4, hidden=[12, 12], norm="none",
                              activation="relu", output="linear")
    judge = networks.make("discriminator", inputs=4, hidden=[12, 12])
    found = train_pair(generator, judge, _numbers(6), PairRecipe(
        steps=80, batch=16, device="cpu", seed=6), epoch_steps=20, callbacks=[*heard, checkpoint])
    return [found.generator, found.discriminator], found.history


def language(checkpoint: Checkpoint, heard: Sequence[Any]) -> Found:
    """A recurrent model of characters that carries its state from batch to batch."""
    model = LanguageModel("lstm", {"width": 8, "hidden": 16, "dropout": 0.2}, length=12,
                          threads=1, recipe={"epochs": 4, "batch": 4, "rate": 1e-2,
                                             "device": "cpu"}, seed=7)
    model.fit([_TEXT], callbacks=[*heard, checkpoint])
    return [model.module], model.history


KINDS: dict[str, Kind] = {
    "mlp": mlp, "cnn": cnn, "lstm": lstm, "transformer": transformer, "autoencoder": autoencoder,
    "vae": vae, "gan": gan, "language": language}


def _trained(module: nn.Module, rows: Any, recipe: Recipe, checkpoint: Checkpoint,
             heard: Sequence[Any], **more: Any) -> Found:
    found = train(module, rows, recipe, checkpoint=checkpoint, callbacks=heard, threads=1, **more)
    return [found.module], found.history


def _noisy(batch: Any, generator: torch.Generator) -> Any:
    x, y = batch
    return x + 0.1 * torch.randn(x.shape, generator=generator), y


def _tokens(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token numbers (n, 14) of 4 to 14 tokens, padded with 0, and three classes."""
    draw = torch.Generator().manual_seed(seed)
    texts = torch.randint(1, 30, (120, 14), generator=draw)
    length = torch.randint(4, 15, (120, 1), generator=draw)
    return texts * (torch.arange(14) < length), torch.randint(0, 3, (120,), generator=draw)


def _numbers(seed: int) -> torch.Tensor:
    """Rows (n, 4) that two numbers decide."""
    draw = torch.Generator().manual_seed(seed)
    plane = torch.randn(160, 2, generator=draw)
    return torch.cat([plane, plane @ torch.tensor([[1.0, -1.0], [0.5, 2.0]])], 1)
