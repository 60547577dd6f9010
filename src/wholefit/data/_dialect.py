"""How a delimited text file is written: guessed from its first bytes, said aloud where doubtful."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from wholefit.base.errors import DataError
from wholefit.data import _words as words
from wholefit.data.notes import Note, info, some, warning

HEAD = 1 << 20
# The order settles ties: rarer in prose and in numbers first.
_DELIMITERS = ("\t", ";", "|", ",", ":", " ")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"),
         (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
         (codecs.BOM_UTF16_BE, "utf-16"))


_CONTROLS = [chr(i) for i in range(32) if chr(i) not in "\t\n\r\f\x1c\x1d\x1e\x1f"] + ["\x7f"]
_NEVER = "\x1f"                  # cuts nothing: a file of one column


@dataclass(frozen=True)
class Dialect:
    """Delimiter, quote, encoding, header and column names of one file."""

    names: tuple[str, ...]
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    header: bool = True
    skip: int = 0                  # lines above the header
    spaces: bool = False           # runs of spaces count as one delimiter
    returns: bool = False          # lines end in \r alone
    nuls: bool = False
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[Note, ...] = field(default=(), compare=False)

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.names)

    @property
    def clean(self) -> bool:
        """True if the engine can read the file as it is, as far as its head shows."""
        plain = self.encoding == "utf-8" and not (self.spaces or self.returns or self.nuls)
        return plain and self.skip == 0


def detect(
    head: bytes, name: str, *, whole: bool, delimiter: str | None = None,
    encoding: str | None = None, header: bool | None = None,
) -> Dialect:
    """The dialect of a file that starts with `head` (`whole`: there is no more than that)."""
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise DataError(f"delimiter must be one character, not a quote or line end; "
                        f"got {delimiter!r}.")
    notes: list[Note] = []
    encoding, nuls = _encoding(head, encoding, notes)
    text = _decode(head, encoding, whole)
    if nuls:
        text = text.replace("\0", "")
    returns = "\r" in text and "\n" not in text
    _check_text(text, name)
    lines = _lines(text, whole)
    if not any(line.strip() for line in lines):
        raise DataError(f"{name} is empty: there is no table in it.")
    delimiter, quote = _delimiter(lines, name, delimiter)
    if delimiter == _NEVER and any(d in lines[0] for d in "\t;|,"):
        notes.append(warning("no_delimiter", "no delimiter cuts the lines evenly: read as one "
                             "column of text; say delimiter= if there is one."))
    spaces = delimiter == " " and any("  " in ln or ln[:1] == " " for ln in lines)
    rows = _rows(lines, delimiter, quote, spaces)
    skip = _preamble(rows)
    rows, above = rows[skip:], skip
    found = Dialect((), delimiter, quote, encoding, True, above, spaces, returns, nuls,
                    notes=tuple(notes))
    return _named(found, [r for r in rows if r], header, name)


# Encoding -----------------------------------------------------------------------------------

def text_of(raw: bytes, name: str, encoding: str | None, notes: list[Note]) -> str:
    """All of a text; what is said of its encoding joins `notes`. DataError for no text."""
    found, nuls = _encoding(raw[:1 << 16], encoding, notes)
    text = _decode(raw, found, True)
    text = text.replace("\0", "") if nuls else text
    _check_text(text, name)
    return text


def _encoding(head: bytes, stated: str | None, notes: list[Note]) -> tuple[str, bool]:
    """The encoding, and whether NUL bytes stand in the text."""
    if stated is not None:
        try:
            stated = codecs.lookup(stated).name
        except LookupError:
            raise DataError(f"encoding {stated!r} is not known to Python.") from None
        wide = stated.startswith(("utf-16", "utf-32"))
        return ("utf-8" if stated == "utf-8-sig" else stated), b"\0" in head and not wide
    for mark, found in _BOMS:
        if head.startswith(mark):
            return found, found == "utf-8" and b"\0" in head
    wide_kind = _wide(head)
    if wide_kind:
        notes.append(info("encoding", f"the text was read as {wide_kind}."))
        return wide_kind, False
    return "utf-8", b"\0" in head


def _check_text(text: str, name: str) -> None:
    """Refuse bytes that are no text: control characters where letters should be."""
    part = text[: 1 << 16]
    odd = sum(map(part.count, _CONTROLS))
    if odd > 0.02 * len(part) or (len(part) == 0 and text):
        raise DataError(f"{name} is binary data of a kind that wholefit does not know, not a "
                        "table; say format= and encoding= if it is one.")


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of plain Latin text is NUL."""
    part = head[:4096]
    if len(part) < 4 or b"\0" not in part:
        return None
    even, odd = part[0::2].count(0), part[1::2].count(0)
    half = len(part) // 2
    if odd > 0.7 * half and even < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 * half and odd < 0.1 * half else None


def _decode(head: bytes, encoding: str, whole: bool) -> str:
    if encoding == "utf-8":
        head = head.removeprefix(codecs.BOM_UTF8)
        return "\n".join(line_text(line) for line in head.split(b"\n"))
    try:
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        return decoder.decode(head, final=whole)
    except (UnicodeError, TypeError, LookupError) as error:
        raise DataError(f"the text cannot be read as {encoding}: {error}.") from error


def line_text(line: bytes) -> str:
    """UTF-8 if it is, else Windows-1252, else Latin-1 (which never fails)."""
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")


# Delimiter ----------------------------------------------------------------------------------

def _lines(text: str, whole: bool) -> list[str]:
    """Up to 2,000 lines; the last, perhaps cut, is left out unless it is all there is."""
    lines = re.split(r"\r\n|\n|\r", text)
    if (not whole and len(lines) > 1) or (lines and lines[-1] == ""):
        lines.pop()
    return lines[:2000]


def _delimiter(lines: list[str], name: str, stated: str | None) -> tuple[str, str]:
    sample = "\n".join(lines[:200])
    quote = "'" if '"' not in sample and _single_quoted(sample) else '"'
    if stated is not None:
        return stated, quote
    if name.lower().endswith((".tsv", ".tab")) and "\t" in sample:
        return "\t", quote
    scores = [(score, d) for d in _DELIMITERS if (score := _score(lines[:200], d, quote))]
    if not scores:
        return _NEVER, quote
    best = max(score for score, _ in scores)
    return next(d for score, d in scores if score == best), quote


def _single_quoted(sample: str) -> bool:
    fields = re.findall(r"(?:^|[,;\t|])'[^'\n]*'(?=[,;\t|]|$)", sample, flags=re.M)
    return len(fields) > sample.count("\n") / 2 and len(fields) >= 2


def _score(lines: list[str], delimiter: str, quote: str) -> tuple[bool, float] | None:
    """How evenly a delimiter cuts the lines; the header's agreement counts most."""
    rows = _rows(lines, delimiter, quote, delimiter == " ")
    widths = [len(row) for row in rows if row]
    if not widths:
        return None
    usual, times = Counter(widths).most_common(1)[0]
    share = times / len(widths)
    if usual < 2 or share < (0.9 if delimiter in ": " else 0.5):
        return None
    return widths[0] == usual, round(share, 1)


def _rows(lines: list[str], delimiter: str, quote: str, spaces: bool) -> list[tuple[str, ...]]:
    if spaces:
        lines = [re.sub(" +", " ", line.strip()) for line in lines]
    try:
        reader = csv.reader(io.StringIO("\n".join(lines) + "\n"), delimiter=delimiter,
                            quotechar=quote)
        return [tuple(row) for row in reader]
    except csv.Error:
        return [tuple(line.split(delimiter)) for line in lines]


# Header -------------------------------------------------------------------------------------

def _preamble(rows: list[tuple[str, ...]]) -> int:
    """How many title or blank lines stand above the table."""
    widths = Counter(len(row) for row in rows if row)
    usual = widths.most_common(1)[0][0]
    above = 0
    for row in rows[:20]:
        if len([c for c in row if c.strip()]) > 1 or (row and usual < 3):
            break
        above += 1
    return above if above < len(rows) and above < 20 else 0


def _named(found: Dialect, rows: list[tuple[str, ...]], header: bool | None, name: str) -> Dialect:
    notes = list(found.notes)
    if found.skip and any(r for r in rows):
        notes.append(info("preamble", f"{found.skip} lines above the table were skipped."))
    first = rows[0]
    is_header = _has_header(rows) if header is None else header
    body = rows[1:] if is_header else rows
    usual = _usual(first, body) if is_header else _usual((), body)
    if is_header and not body:
        # One line alone: either a header with nothing below, or one row without a header.
        names: Sequence[str] = first
    elif is_header:
        names = _fit_header(first, usual, body, notes)
    else:
        names = [""] * max(usual, 1)
        if header is None:
            notes.append(warning("no_header", "the first line looks like data, so the columns "
                                 "were named column_1, column_2, ...; header=True takes it as "
                                 "names.", rows=(1,)))
    return replace(found, names=unique_names(names, notes, quiet=not is_header),
                   header=is_header, rows=tuple(body), notes=tuple(notes))


def _usual(first: tuple[str, ...], body: list[tuple[str, ...]]) -> int:
    """How many values most rows have; the header's own number unless most disagree."""
    widths = Counter(map(len, body))
    if not widths:
        return len(first)
    usual, times = widths.most_common(1)[0]
    return usual if not first or times > len(body) / 2 else len(first)


def _fit_header(
    first: tuple[str, ...], usual: int, body: list[tuple[str, ...]], notes: list[Note]
) -> list[str]:
    """The header, made as wide as the rows below it."""
    names = list(first)
    if len(names) > usual:
        while len(names) > usual and not names[-1].strip():
            names.pop()
        return names
    if len(names) == usual:
        return names
    last_empty = all(len(r) < usual or not any(c.strip() for c in r[len(names):]) for r in body)
    if last_empty:
        return names
    if usual == len(names) + 1 and sum(len(r) == usual for r in body) >= 0.9 * len(body):
        notes.append(info("row_names", "the header has one name less than the rows have values: "
                          "the first column was named 'row_name'."))
        return ["row_name", *names]
    if sum(len(r) == usual for r in body) < 0.9 * len(body):
        return names
    notes.append(warning("short_header", f"the header names {len(names)} columns, the rows have "
                         f"{usual}: the rest were named by their place."))
    return names + [""] * (usual - len(names))


def _has_header(rows: list[tuple[str, ...]]) -> bool:
    """Names are words; a first line with numbers is data, unless they count or are years."""
    first, body = rows[0], rows[1:201]
    cells = [c.strip() for c in first]
    values = [c for c in cells if _is_value(c)]
    if values:
        return len(body) > 0 and _names_by_number(cells, values)
    if not body or len({*cells}) == len(cells) > 3:
        return True
    again = [i for i, c in enumerate(first)
             if c and sum(len(r) > i and r[i] == c for r in body) > 0]
    return len(again) < max(1, len([c for c in cells if c])) / 2 or len(body) < 3


def _is_value(cell: str) -> bool:
    if len(cell) > 80:
        return False
    return bool(words.NUMBERISH.fullmatch(cell) or words.DATEISH.fullmatch(cell))


def _names_by_number(cells: list[str], values: list[str]) -> bool:
    if not all(v.isdecimal() for v in values) or len(set(values)) < len(values):
        return False
    numbers = [int(v) for v in values]
    counted = len(numbers) > 2 and numbers in (
        list(range(len(numbers))), list(range(1, len(numbers) + 1)))
    years = len(numbers) > 1 and all(1800 <= n <= 2200 for n in numbers) and \
        numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return counted or years


def unique_names(
    names: Sequence[str], notes: list[Note] | None = None, *, quiet: bool = False
) -> tuple[str, ...]:
    """Names without blanks or repeats: '' becomes column_3, a second 'b' becomes b_2."""
    notes = [] if notes is None else notes
    taken = {n.strip() for n in names}
    seen: Counter[str] = Counter()
    used: set[str] = set()
    out: list[str] = []
    blanks, repeats = [], []
    for place, raw in enumerate(names, start=1):
        name = raw.strip()
        if not name:
            name = _free(f"column_{place}", taken, used)
            blanks.append(name)
        elif name in used:
            seen[name] += 1
            number = seen[name] + 1
            while f"{name}_{number}" in used or f"{name}_{number}" in taken:
                number += 1
            repeats.append(f"{name}_{number}")
            name = f"{name}_{number}"
        used.add(name)
        out.append(name)
    if blanks and not quiet:
        notes.append(warning("unnamed_columns", f"{len(blanks)} columns had no name and were "
                             f"named by their place: {some(blanks)}.", count=len(blanks)))
    if repeats:
        notes.append(warning("repeated_names", f"{len(repeats)} column names were repeated and "
                             f"got a number: {some(repeats)}.", count=len(repeats)))
    return tuple(out)


def _free(name: str, taken: set[str], used: set[str]) -> str:
    while name in taken or name in used:
        name += "_"
    return name
