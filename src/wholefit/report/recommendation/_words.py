"""A recommender in sentences: what it is, how good, for whom, and what it does not tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from wholefit.base.wording import counted
from wholefit.evaluation import Score
from wholefit.training.found import Found
from wholefit.training.record import Entry

_FEW_USERS = 200


def basis(found: Found) -> list[str]:
    """What was learnt from."""
    told = found.told
    what = "ratings" if told["feedback"] == "explicit" else "different pairs of user and item"
    said = (f"{told['pairs']:,} {what} of {told['items']:,} items by {told['users']:,} users: "
            f"{percent(told['density'])} of all pairs there could be.")
    scale = told.get("scale")
    if scale:
        said += (f" Ratings lie between {scale['low']:g} and {scale['high']:g}, "
                 f"{scale['mean']:.2f} on average.")
    per_user, per_item = told["per_user"], told["per_item"]
    return [said, f"Half of the users have {per_user[2]:g} items or fewer, and half of the items "
            f"have {per_item[2]:g} users or fewer."]


def quality(found: Found) -> list[str]:
    """How good ratings and lists are, against popularity."""
    return [*_ratings(found), *_lists(found)]


def _ratings(found: Found) -> list[str]:
    label = found.told.get("rates")
    entry = entry_of(found, label)
    score = None if entry is None else entry.scores.get("rmse")
    if entry is None or not known(score) or found.told["feedback"] != "explicit":
        return []
    assert score is not None
    said = (f"Ratings are predicted by {label}: on ratings it had not seen it is off by "
            f"{plainly(score)} (RMSE)")
    mae = entry.scores.get("mae")
    if known(mae):
        assert mae is not None
        said += f", {mae.value:.2f} on average"
    base = entry_of(found, "bias")
    other = None if base is None or base is entry else base.scores.get("rmse")
    if known(other):
        assert other is not None
        said += f"; the averages of users and items alone are off by {other.value:.3f}"
    return [said + "."]


def _lists(found: Found) -> list[str]:
    told, k = found.told, found.told["k"]
    entry = entry_of(found, told.get("lists"))
    score = None if entry is None else entry.scores.get(f"ndcg@{k}")
    if entry is None or not known(score):
        return []
    hit, recall = entry.scores[f"hit@{k}"], entry.scores[f"recall@{k}"]
    verb = "liked" if told["feedback"] == "explicit" else "turned to"
    what = f"that they {verb} later" if told["split"] == "time" else (
        f"that they {verb} and that was held out")
    said = [f"Lists of {k} are made by {entry.model}: {percent(hit.value)} of the users asked "
            f"find something in theirs {what}, and a list holds {percent(recall.value)} of all "
            f"of that (NDCG@{k} {score})."]
    said += _against(found, entry, k)
    coverage = entry.scores.get(f"coverage@{k}")
    if known(coverage):
        assert coverage is not None
        said.append(f"The lists of {counted(coverage.n, 'user')} hold {percent(coverage.value)} of "
                    "the catalogue; what is in none of them is not being shown to these users.")
    return said


def _against(found: Found, entry: Entry, k: int) -> list[str]:
    base = _baseline(found)
    other = None if base is None else base.scores.get(f"ndcg@{k}")
    if base is None or not known(other):
        return []
    assert other is not None
    if base is entry:
        return ["That is the baseline itself, the same list of popular items for everyone: nothing "
                "that was tried did better for certain."]
    own = entry.scores[f"ndcg@{k}"]
    apart = own.low > other.high
    word = "a gap too large to be chance" if apart else "the intervals overlap"
    times = f", {own.value / other.value:.1f} times as good" if other.value > 0 else ""
    return [f"The same list of popular items for everyone reaches NDCG@{k} {other}: the lists made "
            f"here are{times.replace(', ', ' ', 1) or ' compared with that'} ({word})."]


def reach(found: Found) -> list[str]:
    """For whom lists are good, and how far they lean on what is popular."""
    said = []
    groups = found.told.get("groups", [])
    if len(groups) > 1:
        first, last = groups[0], groups[-1]
        said.append(f"Users of {span(first)} items get lists of NDCG {_value(first['score'])}, "
                    f"users of {span(last)} items {_value(last['score'])}.")
    tenth = next((row for row in found.told.get("curve", []) if abs(row[0] - 0.1) < 1e-9), None)
    if tenth:
        said.append(f"The most popular tenth of the items has {percent(tenth[1])} of all uses and "
                    f"{percent(tenth[2])} of the places in the lists.")
    return said


def examples(found: Found) -> list[str]:
    """Some users and what they get."""
    said = []
    for each in found.told.get("examples", [])[:3]:
        had = ", ".join(repr(cut(item)) for item in each["had"][:3])
        gets = "; ".join(_offered(item) for item in each["gets"][:3])
        if gets:
            said.append(f"User {each['user']!r} ({counted(each['count'], 'item')}, such as {had}) "
                        f"gets {gets}.")
    return said


def _offered(item: Mapping[str, Any]) -> str:
    why = f" because of {cut(item['why'][0])!r}" if item["why"] else ""
    return f"{cut(item['item'])!r}{why}"


def limits(found: Found) -> list[str]:
    """What the scores do not tell."""
    told = found.told
    said = ["Scores are for what users found by themselves. Whether a list makes anybody take "
            "what they would not have found is told only by trying it on some users and not on "
            "others."]
    if told["split"] == "random":
        said.append("Rows were held out by chance, so that the models knew what came after: with "
                    "time= a column of times, they would be judged on the future.")
    said.append("A user who was not met gets popular items; likes= (two or three items that a "
                "person names) makes a list from the first minute.")
    if told["one_only"]:
        said.append(f"{counted(told['one_only'], 'user')} of {told['users']:,} with a single item "
                    "could not be judged, and are likely served worse than the scores say.")
    if told.get("asked", 0) and told["asked"] < _FEW_USERS:
        said.append(f"Lists were judged for {counted(told['asked'], 'user')}: the intervals are "
                    "wide for that reason.")
    said.append("The model file holds who has what, to leave it out of lists: keep it as you keep "
                "the rows themselves.")
    return said


def steps(found: Found) -> list[str]:
    """What to do next."""
    user = next((each["user"] for each in found.told.get("examples", [])), "NAME")
    return [f"A list: wholefit recommend MODEL.wf --user {_word(user)} -k {found.told['k']}",
            "All lists, into a file: wholefit recommend MODEL.wf --all --out lists.csv",
            "Score it on rows that were not here: wholefit evaluate MODEL.wf NEW.csv"]


def _word(user: str) -> str:
    import shlex

    return shlex.quote(cut(user))


def cut(name: str, most: int = 50) -> str:
    """A name short enough for a sentence."""
    return name if len(name) <= most else name[:most - 1] + "…"


def percent(share: float) -> str:
    """A share in words, with a figure even where it is small."""
    return f"{share * 100:.0f}%" if share >= 0.1 or share < 1e-6 else f"{share * 100:.2g}%"


def span(group: Mapping[str, Any]) -> str:
    """ "3 to 8", or "5"."""
    low, high = group["low"], group["high"]
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def entry_of(found: Found, label: Any) -> Entry | None:
    """The row of that model; the one that answers where it is gone."""
    named = [entry for entry in found.leaderboard if entry.model == label]
    return next(iter(named), None)


def _baseline(found: Found) -> Entry | None:
    return entry_of(found, found.task.baseline)


def known(score: Score | None) -> bool:
    """Whether there is a score with a value."""
    return score is not None and math.isfinite(score.value)


def plainly(score: Score) -> str:
    """The value and its interval."""
    return str(score)


def _value(stored: Mapping[str, Any]) -> str:
    return str(Score.from_json(dict(stored)))
