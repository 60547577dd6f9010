"""A strict reader of pages: finds what is wrong with their tags, and what they say."""

from __future__ import annotations

from html.parser import HTMLParser

from wholefit.report._script import SCRIPT

VOID = {"br", "hr", "meta", "wbr"}


def inert(page: str) -> str:
    """The page without its one script, which every page has, once, as it is in the package."""
    own = f"<script>{SCRIPT}</script>"
    assert page.count(own) == 1
    return page.replace(own, "")


class Reader(HTMLParser):
    """Reads a page strictly: every tag is closed in its turn, and every attribute is noted."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.faults: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.goes_on = False
        self.feed(page)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.goes_on = tag == "wbr"
        names = [name for name, _ in attrs]
        if len(set(names)) < len(names):
            self.faults.append(f"<{tag}> repeats an attribute: {names}")
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            if self.goes_on and self.words:
                self.words[-1] += data
            else:
                self.words.append(data)
            self.goes_on = False

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def values(self, name: str) -> list[str]:
        return [value for _, found, value in self.attributes if found == name]
