"""Words in text files: which cells mean "missing", which look like numbers, booleans, dates.

Decisions, stated once:

- `STANDARD` tokens mean missing in every column, text included (as in other readers).
- `LOOSE` tokens mean missing only where the rest of the column is numbers, dates or booleans;
  in a text column 'None', '?' or '-' may be a real category and stays one, with a note.
- Only true/false words are booleans; yes/no, t/f and 0/1 stay what they are.
- Integers written with leading zeros ('01234') are codes and stay text.
"""

from __future__ import annotations

import re

STANDARD = ("NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "#N/A", "<NA>")
LOOSE = ("None", "none", "?", "-", "--", ".", "..", "N.A.", "n.a.", "na", "Na", "#N/A N/A",
         "#VALUE!", "#REF!", "#DIV/0!", "#NUM!", "NAN", "NONE", "Null", "NaT", "nil", "-nan")
TOKENS = STANDARD + LOOSE

INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,17})")
LONG_INTEGER = re.compile(r"[+-]?[0-9]{19,}")
CODE = re.compile(r"[+-]?0[0-9]+")
FLOAT = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|Inf|infinity|Infinity)"
    r"|NaN|nan"
)
BOOLEAN = re.compile(r"true|false|True|False|TRUE|FALSE")
DATE = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
DATETIME = re.compile(DATE.pattern + r"[T ]" + _CLOCK)
ZONED = re.compile(DATETIME.pattern + r"(?:Z|[+-][0-9]{2}:[0-9]{2})")

# The same shapes for whole columns, in the regex dialect of the engine.
PLAIN = r"^[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:inf|infinity))$"
WHOLE = r"^[+-]?[0-9]+$"
ZEROS = r"^[+-]?0[0-9]+$"
COMMA_THOUSANDS = r"^[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?$"
POINT_THOUSANDS = r"^[+-]?[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]*)?$"
SPACE_THOUSANDS = r"^[+-]?[0-9]{1,3}(?:[ \u{a0}\u{202f}'’][0-9]{3})+(?:[.,][0-9]*)?$"
DECIMAL_COMMA = r"^[+-]?(?:[0-9]+,[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?$"
BOOLEANS = r"^(?:true|false|True|False|TRUE|FALSE)$"
NUMBERISH = re.compile(
    r"[+-]?[0-9.,'’ \u00a0\u202f]*[0-9][0-9.,]*(?:[eE][+-]?[0-9]+)?|[+-]?(?i:inf|infinity)"
)
DATEISH = re.compile(
    r"(?:[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}|[0-9]{1,2}[ -][A-Za-z]{3,9}\.?,?[ -][0-9]{2,4}"
    r"|[A-Za-z]{3,9}\.? [0-9]{1,2},? [0-9]{4})"
    r"(?:[T ,]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp][Mm])?)?"
    r"(?: ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?"
)
