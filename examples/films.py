"""A film recommender: ratings, lists with reasons, and films that nobody has rated yet.

With the path of MovieLens 100k as the only argument (the folder that holds ml-100k.inter and
ml-100k.item; it may be used but not redistributed), these are real films. Without it they are
made up: 300 people with tastes for four genres, so that what should be found is known.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

import wholefit as wf

EXPECTED = {
    "RMSE": (0.72, 0.78),
    "RMSE of the averages of users and films": (0.79, 0.86),
    "NDCG@10 of the lists": (0.32, 0.39),
    "NDCG@10 of popular films for everyone": (0.07, 0.11),
    "share of a fan's list that is of that genre": (0.8, 1),
    "films most like one, of its genre": (4, 5),
    "the new film of a genre is found by its words": (1, 1),
}
GENRES = ("space robots aliens", "wedding kiss summer", "murder clue detective",
          "ghost house scream")


def made_up(people: int = 300, films: int = 160) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Ratings and films; film i is of genre i % 4, and the last four are new."""
    random = np.random.default_rng(0)
    taste = random.dirichlet([0.4] * 4, people)
    quality, strict = random.normal(0, 0.4, films), random.normal(0, 0.4, people)
    rows = []
    for person in range(people):
        chance = taste[person][np.arange(films) % 4] * np.exp(-np.arange(films) / 60) + 1e-4
        chosen = random.choice(films - 4, 30, replace=False,
                               p=chance[:-4] / chance[:-4].sum())
        liking = 2.4 + 2.6 * np.sqrt(taste[person][chosen % 4]) + quality[chosen] + strict[person]
        stars = np.clip(np.round(liking + random.normal(0, 0.7, 30)), 1, 5)
        rows += [(person, int(film), star) for film, star in zip(chosen, stars, strict=True)]
    table = pl.DataFrame({
        "film": range(films), "title": [f"Film {at} of {GENRES[at % 4].split()[0]}"
                                        for at in range(films)],
        "about": [GENRES[at % 4] + " story" for at in range(films)]})
    return pl.DataFrame(rows, schema=["person", "film", "stars"], orient="row"), table


def movielens(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The real ones, with plain names of columns."""
    ratings, films = (pl.read_csv(folder / f"ml-100k.{end}", separator="\t", quote_char=None,
                                  infer_schema_length=None) for end in ("inter", "item"))
    return (ratings.select(person="user_id:token", film="item_id:token", stars="rating:float"),
            films.select(film="item_id:token", title="movie_title:token_seq",
                         about="class:token_seq"))


def main(folder: Path | None = None) -> dict[str, float]:
    ratings, films = made_up() if folder is None else movielens(folder)
    result = wf.fit(ratings, task="recommendation", user="person", item="film", rating="stars",
                    items=films, models="svdpp, ease" if folder is None else None, jobs=1)
    print(result.leaderboard, result.to_text(), sep="\n\n")
    person, film = result.users[7], result.items[0]
    print(result.recommend(person, 5), result.similar(film, 5), sep="\n")
    by_name = {entry.model: entry.scores for entry in result.leaderboard}

    def genre(title: str) -> str:
        return title.split()[-1]

    titles = dict(films.select("film", "title").iter_rows())
    fan = result.recommend(likes=list(films["film"][0:40:4]), k=10)
    alike = result.similar(film, 5)
    wanted = films[3] if folder is None else films[-1]
    described = result.similar(like={"about": wanted["about"][0]}, k=len(films))
    unrated = set(films["film"]) - set(ratings["film"])
    found = [name for film, name in zip(described["similar"], described["called"], strict=True)
             if film in unrated]
    print(f"of {len(unrated)} films that nobody has rated, most like that: {found[:3]}")
    return {
        "RMSE": by_name[result.model]["rmse"].value,
        "RMSE of the averages of users and films": by_name["bias"]["rmse"].value,
        "NDCG@10 of the lists": by_name[result.told["lists"]]["ndcg@10"].value,
        "NDCG@10 of popular films for everyone": by_name["popularity"]["ndcg@10"].value,
        "share of a fan's list that is of that genre": float(np.mean(
            [genre(title) == genre(titles[film]) for title in fan["called"]])),
        "films most like one, of its genre": sum(
            genre(title) == genre(titles[film]) for title in alike["called"]),
        "the new film of a genre is found by its words": float(
            genre(found[0]) == genre(wanted["title"][0])) if found else 0.0,
    }


if __name__ == "__main__":
    for name, number in main(Path(sys.argv[1]) if len(sys.argv) > 1 else None).items():
        print(f"{name}: {number:.3f}")
