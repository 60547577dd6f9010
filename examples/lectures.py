"""Which lecturer suits which student: ratings expected, lists with reasons, and a page to read.

Students of ETH Zurich rated lectures from 1 to 5. Two questions are kept apart, for other models
are good at each: how high would this student rate that lecturer, and whom should a list name.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import wholefit as wf

DATA = "lecture_ratings/data.parquet"
EXPECTED = {
    "ratings": (73_421, 73_421),
    "RMSE of the averages of students and lecturers": (1.19, 1.22),
    "RMSE of factors": (1.19, 1.22),
    "NDCG@10 of popular lecturers for everyone": (0.05, 0.07),
    "NDCG@10 of the lists": (0.54, 0.60),
    "lists beat popularity beyond chance": (1, 1),
    "students listed": (2972, 2972),
    "lines in the file of all lists": (2972 * 5, 2972 * 5),
    "first reason is a lecturer the student rated": (1, 1),
    "new student, by two liked lecturers: items listed": (5, 5),
}


def main() -> dict[str, float]:
    ratings = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / DATA).frame.select(
        student="s", lecturer="d", stars="y")
    result = wf.fit(ratings, task="recommendation", user="student", item="lecturer",
                    rating="stars", models="svd, ease", jobs=1)
    print(result.to_text())
    by_name = {entry.model: entry for entry in result.leaderboard}
    lists, popular = (by_name[name].scores["ndcg@10"] for name in ("ease", "popularity"))

    student = result.users[0]
    best = result.recommend(student, 1)
    why = result.explain(student, best["lecturer"][0])
    print(why)
    rated = set(ratings.filter(ratings["student"] == student)["lecturer"])

    # A student who has rated nothing yet names two lecturers, and is served at once.
    fresh = result.recommend(likes=["1002", "1050"], k=5)
    with tempfile.TemporaryDirectory() as folder:
        lines = result.recommend_all(Path(folder) / "lists.csv", 5)
        result.report(Path(folder) / "lectures.html")
    return {
        "ratings": result.told["pairs"],
        "RMSE of the averages of students and lecturers": by_name["bias"].scores["rmse"].value,
        "RMSE of factors": by_name["svd"].scores["rmse"].value,
        "NDCG@10 of popular lecturers for everyone": popular.value,
        "NDCG@10 of the lists": lists.value,
        "lists beat popularity beyond chance": float(lists.low > popular.high),
        "students listed": len(result.users),
        "lines in the file of all lists": lines,
        "first reason is a lecturer the student rated": float(why.reasons[0][0] in rated),
        "new student, by two liked lecturers: items listed": len(fresh),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.4g}")
