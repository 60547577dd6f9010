"""What selection and components made of the features of a fitted model, in words."""

from __future__ import annotations

from typing import Any

from wholefit.base.events import emit

_NAMED = 6


def table(encoder: Any) -> list[dict[str, Any]] | None:
    """One row a feature, the best first: feature, column, value, kept, ...; None if none chose."""
    selection = getattr(encoder, "selection", None)
    return None if selection is None else list(selection.table(encoder.made, encoder.made_of))


def tell_choice(encoder: Any) -> None:
    """Emit a note that says which features the model was given, where some were chosen."""
    said = []
    rows = table(encoder)
    if rows is not None:
        kept = [row["feature"] for row in rows if row["kept"]]
        more = f" and {len(kept) - _NAMED} more" if len(kept) > _NAMED else ""
        said.append(f"select={encoder.encoding.select!r} kept {len(kept)} of {len(rows)} features "
                    f"on all rows (each fold chose for itself): {', '.join(kept[:_NAMED])}{more}")
    projection = getattr(encoder, "projection", None)
    if projection is not None:
        said.append(f"{len(projection.axes)} principal components hold "
                    f"{projection.share.sum():.1%} of the variance")
    for sentence in said:
        emit("note", kind="features", message=sentence + ".", severity="info")
