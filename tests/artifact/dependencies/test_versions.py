"""Versions, markers and closures, held against the library that installers use."""

from __future__ import annotations

import importlib.metadata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wholefit.artifact.dependencies import _markers, closure, normal
from wholefit.artifact.dependencies._pep440 import key, public
from wholefit.artifact.dependencies.installed import providers, requirement

markers = pytest.importorskip("packaging.markers")
requirements = pytest.importorskip("packaging.requirements")
versions = pytest.importorskip("packaging.version")

IN_ORDER = ["1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456",
            "1.0b2", "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0",
            "1.0+abc.5", "1.0+abc.7", "1.0+5", "1.0.post456.dev34", "1.0.post456", "1.1.dev1",
            "1!0.1"]
numbers = st.integers(0, 30)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Versions in all the spellings that PEP 440 allows."""
    text = ".".join(str(draw(numbers)) for _ in range(draw(st.integers(1, 4))))
    if draw(st.booleans()):
        text = f"{draw(st.integers(0, 2))}!{text}"
    if draw(st.booleans()):
        text += draw(st.sampled_from(["", ".", "-", "_"])) + draw(st.sampled_from(
            ["a", "b", "c", "rc", "alpha", "beta", "pre", "preview", "RC"])) + str(draw(numbers))
    post = draw(st.sampled_from(["", ".post{}", "-{}", "post{}", ".rev{}", "_r{}"]))
    text += post.format(draw(numbers))
    text += draw(st.sampled_from(["", ".dev{}", "dev{}", "-dev{}"])).format(draw(numbers))
    return text + draw(st.sampled_from(["", "+cpu", "+cu118", "+5", "+abc.5", "+abc-7"]))


def test_the_order_of_the_standard() -> None:
    keys = [key(text) for text in IN_ORDER]
    assert None not in keys and keys == sorted(keys) and len(set(keys)) == len(keys)


@given(texts(), texts())
def test_order_agrees_with_packaging(a: str, b: str) -> None:
    mine, theirs = (key(a), key(b)), (versions.Version(a), versions.Version(b))
    assert mine[0] is not None and mine[1] is not None
    assert (mine[0] < mine[1]) == (theirs[0] < theirs[1])
    assert (mine[0] == mine[1]) == (theirs[0] == theirs[1])


@given(st.text(max_size=20))
def test_what_is_no_version_has_no_key(text: str) -> None:
    try:
        versions.Version(text)
    except versions.InvalidVersion:
        assert key(text) is None
    else:
        assert key(text) is not None or not text.isascii()


def test_a_number_without_end_is_no_version() -> None:
    assert key("1." + "9" * 10_000) is None


def test_a_local_version_is_left_off() -> None:
    assert public("2.13.0+cpu") == "2.13.0" and public("1.0") == "1.0"


ENVIRONMENT = _markers.linux("3.11.7")
NAMES = ["python_version", "python_full_version", "sys_platform", "platform_system", "os_name",
         "platform_machine", "implementation_name", "extra"]
comparisons = st.builds(
    lambda name, op, value: f"{name} {op} '{value}'", st.sampled_from(NAMES),
    st.sampled_from(["==", "!="]), st.sampled_from(["linux", "posix", "x86_64", "serve", "win32"]))
bounds = st.builds(
    lambda name, op, value: f"{name} {op} '{value}'",
    st.sampled_from(["python_version", "python_full_version"]),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!=", "~="]),
    st.sampled_from(["3.8", "3.11", "3.12", "3.11.7", "2.0", "3.0", "3.10.0", "3.11.0"]))
wild = st.builds(
    lambda name, op, value: f"{name} {op} '{value}.*'",
    st.sampled_from(["python_version", "python_full_version"]), st.sampled_from(["==", "!="]),
    st.sampled_from(["2", "3", "3.1", "3.11", "3.11.0", "3.11.7"]))
held = st.recursive(comparisons | bounds | wild, lambda inner: st.builds(
    lambda a, word, b: f"({a}) {word} {b}", inner, st.sampled_from(["and", "or"]), inner),
    max_leaves=5)


@given(held, st.sampled_from(["", "serve"]))
def test_markers_agree_with_packaging(marker: str, extra: str) -> None:
    environment = {**ENVIRONMENT, "extra": extra}
    assert _markers.holds(marker, environment) == markers.Marker(marker).evaluate(environment)


def test_every_requirement_installed_here_is_read_as_packaging_reads_it() -> None:
    seen = 0
    for distribution in importlib.metadata.distributions():
        for line in distribution.requires or []:
            mine, theirs = requirement(line), requirements.Requirement(line)
            assert mine is not None
            assert mine.name == normal(theirs.name)
            assert set(mine.extras) == {normal(each) for each in theirs.extras}
            if theirs.marker is not None:
                for extra in ("", *mine.extras, "dev", "test"):
                    told = {**ENVIRONMENT, "extra": extra}
                    assert _markers.holds(mine.marker, told) == theirs.marker.evaluate(told), line
            seen += 1
    assert seen > 50


@pytest.mark.parametrize("marker", ["", "(", "python_version <", "x == 'y'", "'a' ~= 'b'",
                                    "(" * 5000, "python_version >= '3' nonsense"])
def test_a_marker_that_cannot_be_read_holds(marker: str) -> None:
    assert _markers.holds(marker, ENVIRONMENT)


def test_the_closure_is_whole_and_no_more() -> None:
    found = closure(["scikit-learn"])
    assert {"scikit-learn", "numpy", "scipy", "joblib", "threadpoolctl"} <= set(found)
    assert "pytest" not in found and list(found) == sorted(found)
    for one in found.values():
        assert {need for need in one.needs if need not in one.missing} <= set(found)
    assert found["numpy"].version == importlib.metadata.version("numpy")


def test_what_is_not_installed_is_told_by_who_needs_it() -> None:
    assert closure(["no-such-package-anywhere"]) == {}


def test_modules_are_known_by_who_brings_them() -> None:
    assert providers()["sklearn"] == ["scikit-learn"]
