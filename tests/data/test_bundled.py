"""The data sets that come with the package are whole, and named."""

from __future__ import annotations

import polars as pl
import pytest

from wholefit.base.errors import UnknownNameError
from wholefit.data import bundled


@pytest.mark.parametrize(("name", "shape", "target", "counts"), [
    ("telco_churn", (7043, 20), "churn", {"No": 5174, "Yes": 1869}),
    ("credit_data", (4454, 14), "Status", {"good": 3200, "bad": 1254}),
])
def test_a_bundled_set_is_whole(name, shape, target, counts):
    frame = pl.read_csv(bundled.path(name), infer_schema_length=None, null_values="NA")
    assert frame.shape == shape
    found = frame[target].value_counts()
    assert dict(zip(found[target], found["count"], strict=True)) == counts


def test_every_set_is_named_in_the_readme_with_its_licence():
    text = (bundled.path("telco_churn").parent / "README.md").read_text()
    assert bundled.names() == ["credit_data", "telco_churn"]
    assert all(f"`{name}`" in text for name in bundled.names())
    assert "MIT License" in text


def test_a_misspelt_name_gets_the_right_one():
    with pytest.raises(UnknownNameError, match="did you mean 'telco_churn'"):
        bundled.path("telco_chrun")
