"""The page about networks is true: its blocks run, and its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from wholefit.nn import layers, networks
from wholefit.nn.layers import registry

PAGE = (Path(__file__).parents[3] / "docs" / "networks.md").read_text()


def test_the_blocks_run() -> None:
    before = {kind: dict(known) for kind, known in registry._KNOWN.items()}
    words: dict[str, Any] = {"print": lambda *args: None}
    try:
        for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
            exec(compile(block, "networks.md", "exec"), words)
    finally:
        for kind, known in before.items():
            registry._KNOWN[kind].clear()
            registry._KNOWN[kind].update(known)
    assert words["table"].parameters == 272_474
    assert words["same"].shape == (2, 1) and words["digit"].shape == (2, 10)
    assert words["output_size"](28, kernel=3, padding=1, dilation=2) == 26
    first, last = (words["trained"].history[at]["valid_loss"] for at in (0, -1))
    assert last < first


def test_the_tables_name_what_there_is() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", PAGE, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(layers.FORMULAS) <= named
    assert named - set(layers.FORMULAS) <= set(networks.names())
