"""Small real data sets that come with the package, for demonstrations and tests.

>>> names()
['credit_data', 'telco_churn']
>>> path("telco_churn").name
'telco_churn.csv.gz'

Sources and licences are in the README beside this file.
"""

from __future__ import annotations

from pathlib import Path

from wholefit.base.errors import unknown

_FOLDER = Path(__file__).parent
_ENDING = ".csv.gz"


def names() -> list[str]:
    """The bundled data sets, by name."""
    return sorted(file.name.removesuffix(_ENDING) for file in _FOLDER.glob(f"*{_ENDING}"))


def path(name: str) -> Path:
    """Where the file of a bundled data set lies; a misspelt name gets the nearest right one."""
    if name not in names():
        raise unknown("bundled data set", name, names())
    return _FOLDER / f"{name}{_ENDING}"
