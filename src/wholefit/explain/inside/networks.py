"""What a network is made of, from its state alone: sizes, layers, what it reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from wholefit.base.state import State
from wholefit.models._kernels import _safetensors

_READS = {"numbers": "numbers", "codes": "category codes", "image": "pixels", "tokens": "tokens"}
_MOST = 12


def told(state: State, outputs: Sequence[str]) -> dict[str, Any]:
    """Its kind and options, what it reads, how many numbers it learnt and where they are."""
    config, made_of = state.config, state.config["made_of"]
    shapes = _safetensors.shapes(state.blobs["weights.safetensors"])
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    counts: dict[str, int] = {}
    for span in config["inputs"]["spans"]:
        counts[span["kind"]] = counts.get(span["kind"], 0) + span["stop"] - span["start"]
    read = " and ".join(f"{count:,} {_READS[kind]}" for kind, count in counts.items())
    answers = ", ".join(outputs) if outputs else "one number" if made_of["outputs"] == 1 else (
        f"{made_of['outputs']} numbers")
    most = sorted(sizes, key=lambda name: -sizes[name])[:3]
    layers = ", ".join(f"{name} {'x'.join(map(str, shapes[name]))} ({sizes[name]:,})"
                       for name in most)
    said = [f"A network ({made_of['network']}) of {sum(sizes.values()):,} learnt numbers that "
            f"reads {read} and answers {answers}.",
            f"Most of them are in {layers}."]
    words = _options(made_of)
    if words:
        said.append(f"Its options: {words}.")
    if config["inputs"]["scaling"] != "none" and "numbers" in counts:
        said.append(f"Numbers are brought to one scale before it ({config['inputs']['scaling']}).")
    if config["updates"]:
        said.append(f"It was taught more rows {config['updates']} times since it was fitted.")
    return {"said": said}


def _options(made_of: Mapping[str, Any]) -> str:
    skipped = ("network", "inputs", "outputs", "levels", "parts", "channels", "vocabulary")
    found = [f"{name} {value}" for name, value in made_of.items() if name not in skipped]
    return ", ".join(found[:_MOST])
