"""A text with its words marked: for the answer in blue, against it in orange, dotted below."""

from __future__ import annotations

from collections.abc import Iterator

from wholefit.explain.salient import Text
from wholefit.report._html import Html, el, join, text

FOR, AGAINST = "37,99,235", "217,83,25"
_SHADES = 6
_LONGEST = 4000


def highlighted(each: Text) -> Html:
    """What the row's words are worth, in a paragraph that shows the text itself."""
    lines = each.to_text().splitlines()
    title = f"Row {each.row + 1} with the words that matter marked. " + " ".join(lines)
    body = el("p", *_pieces(each), style="line-height:2;max-width:46rem;overflow-wrap:anywhere")
    return el("figure", el("figcaption", el("b", lines[0])), body,
              el("p", *_legend(), cls="small"), *(el("p", line.strip(), cls="small")
                                                  for line in lines[1:]),
              role="group", aria_label=title[:600])


def _pieces(each: Text) -> Iterator[Html]:
    most = max((abs(worth) for _, _, worth in each.spans), default=0.0)
    at = 0
    for start, end, worth in each.spans:
        if end > _LONGEST:
            break
        yield text(each.text[at:start])
        yield _marked(each.text[start:end], worth, most)
        at = end
    rest = each.text[at:_LONGEST]
    yield text(rest if len(each.text) <= _LONGEST else rest + "…")


def _marked(word: str, worth: float, most: float) -> Html:
    level = round(_SHADES * abs(worth) / most) if most > 0 else 0
    if not level:
        return text(word)
    return el("mark", word, title=f"{worth:+.4f}", style=style(worth, level / _SHADES))


def style(worth: float, strength: float) -> str:
    """The style of a word: a tint, and a line below that tells the sign without colour."""
    color, line = (FOR, "solid") if worth > 0 else (AGAINST, "dotted")
    return (f"background:rgba({color},{0.08 + 0.42 * strength:.2f});color:inherit;"
            f"border-bottom:2px {line} rgb({color});padding:0 .1em")


def _legend() -> Iterator[Html]:
    yield el("mark", "for the answer", style=style(1, 0.6))
    yield join([" ", el("mark", "against it", style=style(-1, 0.6)),
                "; the darker, the more the answer loses without the word."])
