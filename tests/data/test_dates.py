"""Dates in text: every way of writing them that is known, and no more of them tried than can be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from wholefit.data import _dates, conform, infer

NOON = datetime(2016, 1, 21, 12, 30)
DAYS = {
    "2016-01-21": "%Y-%m-%d", "2016/01/21": "%Y/%m/%d", "2016.01.21": "%Y.%m.%d",
    "21-01-2016": "%d-%m-%Y", "01/21/2016": "%m/%d/%Y", "21.01.16": "%d.%m.%y",
    "21 Jan 2016": "%d %b %Y", "21-Jan-2016": "%d-%b-%Y", "21-Jan-16": "%d-%b-%y",
    "Jan 21, 2016": "%b %d, %Y", "JAN 21 2016": "%b %d %Y", "21 January 2016": "%d %B %Y",
    "January 21, 2016": "%B %d, %Y", "January 21 2016": "%B %d %Y"}
CLOCKS = ("12:30", "12:30:00", "12:30 PM", "12:30:00 pm")


@pytest.mark.parametrize("day", DAYS)
def test_a_day_is_read_alone_and_with_a_clock(day: str) -> None:
    found = _dates.parse(pl.Series([day]))
    assert found is not None and found.values.to_list() == [NOON.date()]
    assert found.format == DAYS[day] or "%B" in DAYS[day]  # %b reads full names too
    for clock in CLOCKS:
        found = _dates.parse(pl.Series([f"{day} {clock}"]))
        assert found is not None and found.values.to_list() == [NOON], clock


@pytest.mark.parametrize(("cells", "years"), [
    (["21-01-16", "22-01-2016", "23-01-16"], {2016, None}),
    (["21-Jan-16 12:30 -0500"], {2016}),
    (["21.01.16 12:30 +0200", "21.01.2016 12:30 +0200"], {2016, None}),
    (["0216-01-21"], {216})])
def test_a_year_of_two_digits_is_of_this_age(cells: list[str], years: set[int | None]) -> None:
    found = _dates.parse(pl.Series(cells))
    assert found is not None and set(found.values.dt.year().to_list()) <= years


@pytest.mark.parametrize("zone", ["Z", " UTC", "+00:00", " +0000"])
def test_a_zone_is_read_however_it_is_written(zone: str) -> None:
    found = _dates.parse(pl.Series([f"2016-01-21T12:30:00{zone}"]))
    assert found is not None and found.values.to_list() == [NOON.replace(tzinfo=UTC)]
    east = _dates.parse(pl.Series(["2016-01-21 14:30:00+02:00", f"2016-01-21 12:30:00{zone}"]))
    assert east is not None and east.values.to_list() == 2 * [NOON.replace(tzinfo=UTC)]


@pytest.mark.parametrize("text", ["hello", "12:30", "3.5", "May", "", "1-2", "0000-01-01"])
def test_what_is_no_date_is_not_read(text: str) -> None:
    assert _dates.parse(pl.Series([text])) is None


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The formats that cells were read by."""
    formats: list[str] = []
    read = _dates.with_format

    def noted(text: pl.Series, fmt: str) -> pl.Series:
        formats.append(fmt)
        return read(text, fmt)

    monkeypatch.setattr(_dates, "with_format", noted)
    return formats


@pytest.mark.parametrize("text", ["2016-01-21 12:30:00", "2016-01-21T12:30:00Z", "21/01/2016"])
def test_only_formats_that_the_cells_can_be_written_in_are_tried(
    asked: list[str], text: str
) -> None:
    assert _dates.parse(pl.Series([text])) is not None
    assert len(asked) <= 6  # of 55 with a clock


def test_new_dates_are_read_as_training_wrote_them(asked: list[str]) -> None:
    day: Any = ["01/02/2016", "03/04/2016", "25/12/2016"]
    schema = infer(pl.DataFrame({"day": day, "y": [1.0, 2.0, 3.0]}), target="y")
    assert schema.column("day").format == "%d/%m/%Y"
    asked.clear()
    found, _ = conform(schema, pl.DataFrame({"day": ["05/06/2016"]}))
    assert found["day"].to_list() == [datetime(2016, 6, 5)]
    assert len(asked) <= 4
    mixed, _ = conform(schema, pl.DataFrame({"day": ["05/06/2016", "2016-06-07"]}))
    assert mixed["day"].to_list() == [datetime(2016, 6, 5), datetime(2016, 6, 7)]
