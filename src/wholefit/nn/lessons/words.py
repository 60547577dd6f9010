"""Transformers: why positions must be added, and what looking at everything costs."""

from __future__ import annotations

import random

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from wholefit.nn import Recipe, predict, train
from wholefit.nn.lessons._lesson import Chart, Lesson, Tiles, found, grid, lesson, line
from wholefit.nn.sequences.positions import sinusoidal

_EATERS = ("he", "she", "anna", "the dog", "my uncle", "a child")
_FOODS = ("a burger", "an apple", "the soup", "a cake", "the bread", "a pear")


@lesson("word_order", "Does a Transformer know the order of words by itself?")
def word_order(seed: int = 0) -> Lesson:
    """"He eats a burger" against "A burger eats he", with positions and without.

    Six eaters and six foods; two thirds of the pairs are learnt from, the rest are judged, each in
    both orders. The same words stand in both, so only their order tells who eats.
    """
    sentences, truth, words = _sentences()
    codes = torch.tensor([[words[word] for word in _padded(each)] for each in sentences])
    pairs = list(range(len(sentences) // 2))
    random.Random(seed).shuffle(pairs)
    fresh = set(pairs[:len(pairs) // 3])
    at = torch.tensor([pair // 2 in fresh for pair in range(len(sentences))])
    target = torch.tensor(truth)
    numbers = {}
    he = [codes[sentences.index(each)][None] for each in
          (["he", "eats", "a", "burger"], ["a", "burger", "eats", "he"])]
    for name, placed in (("without", False), ("with", True)):
        torch.manual_seed(seed)
        module = _Encoder(len(words) + 1, placed)
        module = train(module, (codes[~at], target[~at]), Recipe(
            epochs=40, batch=16, optimizer="adam", rate=0.003, seed=seed, device="cpu")).module
        right = predict(module, (codes[at],)).argmax(1) == target[at].numpy()
        numbers[f"right_{name}"] = float(right.mean())
        one, other = (torch.from_numpy(predict(module, (each,))).softmax(1)[0, 1] for each in he)
        numbers |= {f"burger_{name}": float(one), f"burger_turned_{name}": float(other),
                    f"differ_{name}": abs(float(one - other))}
    said = [f"Without positions, \"He eats a burger\" and \"A burger eats he\" get the same answer "
            f"(they differ by {numbers['differ_without']:.0e}), and {numbers['right_without']:.0%} "
            "of unseen pairs are right: attention and the mean see a bag of words.",
            f"With sines and cosines of positions added, the answers are "
            f"{numbers['burger_with']:.2f} and {numbers['burger_turned_with']:.2f}, and "
            f"{numbers['right_with']:.0%} of unseen pairs are right."]
    tiles = Tiles("Positions as sines and cosines: a row a place, a column a wave",
                  (("32 places, 32 waves", grid(sinusoidal(32, 32).numpy())),), signed=True)
    rows = [[name, f"{numbers[f'burger_{name}']:.3f}", f"{numbers[f'burger_turned_{name}']:.3f}",
             f"{numbers[f'right_{name}']:.0%}"] for name in ("without", "with")]
    return found("word_order", said, numbers, pictures=[tiles], rows=rows, header=(
        "positions", "He eats a burger", "A burger eats he", "unseen pairs right"))


def _sentences() -> tuple[list[list[str]], list[int], dict[str, int]]:
    """Each pair in both orders, 1 where the eater eats; and numbers of words from 1."""
    sentences, truth = [], []
    for eater in _EATERS:
        for food in _FOODS:
            sentences += [[*eater.split(), "eats", *food.split()],
                          [*food.split(), "eats", *eater.split()]]
            truth += [1, 0]
    names = sorted({word for each in sentences for word in each})
    return sentences, truth, {"": 0, **{word: at + 1 for at, word in enumerate(names)}}


def _padded(words: list[str]) -> list[str]:
    return [*words, *[""] * (6 - len(words))]


class _Encoder(nn.Module):
    """Embedding, positions perhaps, one layer of attention, the mean of the words, two classes."""

    def __init__(self, vocabulary: int, placed: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, 32, padding_idx=0)
        self.register_buffer("places", sinusoidal(6, 32) if placed else torch.zeros(6, 32))
        self.layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.last = nn.Linear(32, 2)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        empty = codes == 0
        seen = self.layer(self.embed(codes) + self.places, src_key_padding_mask=empty)
        kept = (~empty)[..., None].to(seen.dtype)
        return self.last((seen * kept).sum(1) / kept.sum(1))


@lesson("attention_cost", "What does attention cost when texts get longer?")
def attention_cost(width: int = 64) -> Lesson:
    """Multiplications of one layer of self-attention and one of an LSTM, counted, not timed."""
    lengths = (64, 128, 256, 512, 1024, 2048)
    scores, whole, recurrent = [], [], []
    for length in lengths:
        x = torch.zeros(1, length, width, device="meta")
        weights = torch.zeros(width, width, device="meta")
        mixing = _count(lambda x=x: (x @ x.transpose(1, 2)).softmax(-1) @ x)
        projecting = _count(lambda x=x, w=weights: [x @ w for _ in range(4)])
        scores.append(mixing)
        whole.append(mixing + projecting)
        step = torch.zeros(1, width, device="meta")
        gates = torch.zeros(width, 4 * width, device="meta")
        recurrent.append(length * _count(lambda s=step, g=gates: (s @ g, s @ g)))
    numbers = {"doubling_scores": scores[-1] / scores[-2], "doubling_lstm": recurrent[-1]
               / recurrent[-2], "doubling_layer_short": whole[1] / whole[0],
               "doubling_layer_long": whole[-1] / whole[-2], "scores_2048": 2048.0 ** 2,
               "crossing": float(2 * width)}
    said = [f"Twice the words cost the mixing of words {numbers['doubling_scores']:.2f} times as "
            f"much, an LSTM {numbers['doubling_lstm']:.2f} times.",
            f"A whole layer of width {width} doubles its cost by "
            f"{numbers['doubling_layer_short']:.2f} from 64 to 128 words, by "
            f"{numbers['doubling_layer_long']:.2f} from 1,024 to 2,048: short texts pay for the "
            f"width, long ones for the pairs. Both cost the same at {2 * width} words.",
            "2,048 words make 4,194,304 scores for each head."]
    chart = Chart("Work of one layer for one text", "words (log scale)",
                  "floating-point operations (log scale)",
                  (line("attention, pairs only", lengths, scores),
                   line("attention, whole layer", lengths, whole),
                   line("LSTM", lengths, recurrent)), log_across=True, log_up=True)
    rows = [[f"{n:,}", *(f"{each / 1e6:,.1f}" for each in row)]
            for n, *row in zip(lengths, scores, whole, recurrent, strict=True)]
    return found("attention_cost", said, numbers, pictures=[chart], rows=rows, header=(
        "words", "pairs, millions", "whole layer", "LSTM"))


def _count(work: object) -> float:
    with FlopCounterMode(display=False) as counter:
        work()  # type: ignore[operator]
    return float(counter.get_total_flops())
