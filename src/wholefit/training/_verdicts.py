"""What a comparison of treatments comes to, in sentences."""

from __future__ import annotations

from typing import Any

_RANKS = ("average_precision", "recall@")


def verdicts(compared: Any) -> tuple[str, ...]:
    """One sentence a model and question: the order of the rows, the cost, the probabilities."""
    said: list[str] = []
    for model in dict.fromkeys(row.model for row in compared.rows):
        rows = [row for row in compared.rows if row.model == model and row.scores]
        treated = [row for row in rows if row.treatment != "none"]
        if treated:
            said += _of_model(model, treated, compared.metrics)
    ranks = [row for row in compared.rows if _has(row.better, _RANKS)]
    moved = [row for row in compared.rows if "cost, threshold moved" in row.better]
    if not ranks and not moved and any(row.differences for row in compared.rows):
        said.append("So imbalance needs no treatment here beyond a decision: state what mistakes "
                    "cost (costs=, --costs), or move the threshold (threshold='f1', "
                    "--threshold f1).")
    return tuple(said)


def _of_model(model: str, treated: list[Any], metrics: tuple[str, ...]) -> list[str]:
    found = []
    for name in metrics:
        if name == "brier":
            continue
        best = [row.treatment for row in treated if name in row.better]
        worse = [row.treatment for row in treated if name in row.worse]
        found.append((_title(name), tuple(best), tuple(worse)))
    alike: dict[tuple[Any, Any], list[str]] = {}
    for title, gains, harms in found:
        alike.setdefault((gains, harms), []).append(title)
    return [_sentence(model, _listed(titles), gains, harms)
            for (gains, harms), titles in alike.items()]


def _sentence(model: str, what: str, best: tuple[str, ...], worse: tuple[str, ...]) -> str:
    harm = f"; {_listed(list(worse))} {'is' if len(worse) == 1 else 'are'} worse" if worse else ""
    if best:
        verb = "is" if len(best) == 1 else "are"
        return f"{model}: in {what}, {_listed(list(best))} {verb} better than doing nothing{harm}."
    return f"{model}: in {what}, doing nothing is tied for best{harm}."


def _title(name: str) -> str:
    return {"expected_cost": "cost as decided", "cost, threshold moved":
            "cost with the threshold moved"}.get(
                name, name.replace("_", " ").replace("@", " at ").replace("=", " "))


def _has(names: tuple[str, ...], starts: tuple[str, ...]) -> bool:
    return any(name.startswith(starts) for name in names)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
