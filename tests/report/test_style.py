"""Colours that can be read, and a script that can do nothing but what it is for."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from wholefit.report import _notebook, _palette, _script, _style

PALETTES = {"light": _palette.LIGHT, "dark": _palette.DARK, "paper": _palette.PAPER}
WORDS = ("ink", "soft", "accent", "tied", "other", "loud", "good", "bad", "p0", "p1", "p2", "p3",
         "p4", "p5", "p6", "p7")


def luminance(color: tuple[float, float, float]) -> float:
    """Relative luminance, as the Web Content Accessibility Guidelines 2.1 define it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
              for c in (x / 255 for x in color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_the_guidelines_own() -> None:
    assert contrast((255, 255, 255), (0, 0, 0)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", PALETTES)
@pytest.mark.parametrize("word", WORDS)
def test_words_stand_out_of_the_page_and_of_panels(name: str, word: str) -> None:
    colors = PALETTES[name]
    for ground in ("page", "panel"):
        found = contrast(_palette.channels(colors[word]), _palette.channels(colors[ground]))
        assert found >= 4.5, f"{word} on {ground} in {name}: {found:.2f}"


@pytest.mark.parametrize("name", PALETTES)
def test_warnings_and_tips_can_be_read(name: str) -> None:
    colors = {key: _palette.channels(color) for key, color in PALETTES[name].items()}
    assert contrast(colors["ink"], colors["loud_page"]) >= 4.5
    assert contrast(colors["page"], colors["ink"]) >= 4.5  # the words of a tip


@pytest.mark.parametrize("name", PALETTES)
@pytest.mark.parametrize("shade", _palette.DEEPEST)
def test_the_deepest_shade_of_a_cell_keeps_its_number_readable(name: str, shade: str) -> None:
    colors, depth = PALETTES[name], _palette.DEEPEST[shade]
    ground = tuple(depth * a + (1 - depth) * b for a, b in zip(
        _palette.channels(colors[shade]), _palette.channels(colors["page"]), strict=True))
    assert contrast(_palette.channels(colors["ink"]), ground) >= 4.5  # type: ignore[arg-type]


def test_shades_in_the_style_are_no_deeper_than_that() -> None:
    depths = re.findall(r"rgb\(var\(--(hit|miss|pos|neg)\)/calc\(var\(--s\)\*([\d.]+)\)",
                        _style.STYLE)
    assert {name for name, _ in depths} >= {"hit", "miss"}
    assert all(float(depth) <= _palette.DEEPEST[name] for name, depth in depths)


@pytest.mark.parametrize("name", sorted(set(_palette.MIDDLE) - {"hit", "miss", "pos", "neg"}))
def test_pictures_stand_out_of_light_and_of_dark_notebooks(name: str) -> None:
    color = _palette.channels(_palette.MIDDLE[name])
    for ground in ((255, 255, 255), (17, 17, 17)):
        assert contrast(color, ground) >= 3, name


def test_every_colour_that_is_used_is_there() -> None:
    known = {f"--{name.replace('_', '-')}" for name in _palette.LIGHT} | {"--s"}
    assert set(re.findall(r"var\((--[\w-]+)\)", _style.STYLE)) <= known
    assert set(_palette.LIGHT) == set(_palette.DARK) == set(_palette.PAPER)
    own = set(re.findall(r"(--[\w-]+):", _notebook.STYLE)) | {"--s"}
    assert set(re.findall(r"var\((--[\w-]+)\)", _notebook.STYLE)) <= own


def test_styles_hold_together_and_reach_for_nothing() -> None:
    for style in (_style.STYLE, _notebook.STYLE):
        assert style.count("{") == style.count("}") and "<" not in style
        assert "url(" not in style and "@import" not in style
    rules = re.findall(r"(?:^|\})([^{}@]+)\{", _notebook.STYLE)
    assert rules and all(part.strip().startswith(".wholefit") for rule in rules
                         for part in rule.split(","))


def test_the_script_is_let_in_by_its_hash_and_makes_no_html() -> None:
    digest = base64.b64encode(hashlib.sha256(_script.SCRIPT.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in _script.POLICY
    assert "default-src 'none'" in _script.POLICY and "unsafe-eval" not in _script.POLICY
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                 "Function(", "setTimeout(\"", "fetch(", "XMLHttpRequest", "WebSocket",
                 "import(", "localStorage", "sessionStorage", "cookie", "http", "</script"):
        assert word not in _script.SCRIPT, word
    assert _script.SCRIPT.isascii() and "\n" not in _script.SCRIPT


def test_focus_can_be_seen_and_motion_can_be_refused() -> None:
    assert ":focus-visible{outline:2px solid" in _style.STYLE
    assert "prefers-reduced-motion:reduce" in _style.STYLE
    assert "@media print" in _style.STYLE and "::details-content" in _style.STYLE
