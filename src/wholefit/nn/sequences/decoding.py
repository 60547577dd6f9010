"""From what may come next to what does: the likeliest, a draw, or the best of several beams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from wholefit.features.next_token import Choice


def choose(logits: torch.Tensor, choice: Choice, random: torch.Generator) -> torch.Tensor:
    """One token (n,) for each row of logits (n, vocabulary); -inf is never chosen."""
    if choice.temperature == 0:
        return logits.argmax(dim=-1)
    shares = shares_of(logits, choice)
    return torch.multinomial(shares, 1, generator=random)[:, 0]


def shares_of(logits: torch.Tensor, choice: Choice) -> torch.Tensor:
    """Probabilities (n, vocabulary) that tokens are drawn with; the likeliest is never barred."""
    logits = logits.double()
    logits = (logits - logits.max(dim=-1, keepdim=True).values) / choice.temperature
    if choice.top_k is not None and choice.top_k < logits.shape[-1]:
        least = logits.topk(choice.top_k, dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    shares = logits.softmax(dim=-1)
    if choice.top_p is not None:
        ordered, places = shares.sort(dim=-1, descending=True)
        before = ordered.cumsum(dim=-1) - ordered
        shares = torch.zeros_like(shares).scatter(
            -1, places, ordered.masked_fill(before >= choice.top_p, 0.0))
    return shares / shares.sum(dim=-1, keepdim=True)


Step = Callable[[torch.Tensor, Any], tuple[torch.Tensor, Any]]
Pick = Callable[[Any, torch.Tensor], Any]


def beam(
    step: Step, pick: Pick, state: Any, first: int, last: int, *, beams: int = 4,
    length: int = 100, penalty: float = 0.6,
) -> list[int]:
    """The best sequence that beams find: at most `length` tokens, without `first` and `last`.

    `step(tokens (b,), state)` gives log-probabilities (b, vocabulary) and a state, `pick(state,
    rows)` the state of those rows. Sums of logarithms are divided by ((5 + tokens) / 6) to the
    `penalty`, lest short ones always win (Wu et al. 2016). Sequences of `length` tokens are scored
    with their end, as those are that ended before. Equal scores: the earlier beam.
    """
    tokens = torch.tensor([first])
    sums, kept, ended = torch.zeros(1, dtype=torch.float64), [[]], []  # type: ignore[var-annotated]
    for at in range(length + 1):
        logs, state = step(tokens, state)
        whole = sums[:, None] + logs.double()
        if at == length:  # there is room for the end alone
            ended += [(_scaled(float(total), at + 1, penalty), row)
                      for total, row in zip(whole[:, last], kept, strict=True)]
            break
        best, places = whole.flatten().topk(min(2 * beams, whole.numel()))
        rows, words = places // whole.shape[1], places % whole.shape[1]
        going: list[tuple[float, int, int]] = []
        for total, row, word in zip(best.tolist(), rows.tolist(), words.tolist(), strict=True):
            if word == last:
                ended.append((_scaled(total, len(kept[row]) + 1, penalty), kept[row]))
            elif len(going) < beams and total > -torch.inf:
                going.append((total, row, word))
        hope = max((total for total, _, _ in going), default=-torch.inf)
        ended = sorted(ended, key=lambda one: -one[0])[:beams]
        if not going or (len(ended) == beams
                         and ended[0][0] >= _scaled(hope, length + 1, penalty)):
            break
        kept = [[*kept[row], word] for _, row, word in going]
        sums = torch.tensor([total for total, _, _ in going], dtype=torch.float64)
        tokens = torch.tensor([word for _, _, word in going])
        state = pick(state, torch.tensor([row for _, row, _ in going]))
    if not ended:
        return kept[0]
    return max(ended, key=lambda one: one[0])[1]


def _scaled(total: float, count: int, penalty: float) -> float:
    return total / ((5 + count) / 6) ** penalty
