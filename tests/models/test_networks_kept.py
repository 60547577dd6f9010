"""Fits of networks that are kept as they go, and what listens to them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wholefit.base.errors import ParameterError
from wholefit.features.spans import Span

torch = pytest.importorskip("torch")
from wholefit.models._networks import NetworkClassifier, NetworkRegressor, state_of  # noqa: E402
from wholefit.nn.callbacks import Log  # noqa: E402
from wholefit.nn.checkpoints import Checkpoint  # noqa: E402

DRAW = np.random.default_rng(0)
ROWS = DRAW.normal(size=(200, 4))
CLASSES = (ROWS[:, 0] + ROWS[:, 1] ** 2 > 0.7).astype(int)
LENGTHS = DRAW.integers(1, 20, 200)
TOKENS = np.where(np.arange(20) < LENGTHS[:, None], DRAW.integers(2, 9, (200, 20)), 0)
NUMBERS: dict[str, Any] = {
    "network": {"network": "mlp", "hidden": [16], "dropout": 0.2},
    "recipe": {"epochs": 6, "batch": 16, "rate": 0.02, "patience": 4, "ema": 0.9}}
TEXTS: dict[str, Any] = {
    "network": {"network": "temporal", "width": 8, "hidden": 8, "layers": 1},
    "recipe": {"epochs": 4, "batch": 16, "bucket": True, "find": True},
    "spans": (Span("tokens", 0, 20, (20,), (9,)),)}


class Cut(Exception):
    """The power goes."""


class Killer:
    """Ends a fit at a step, and says at which steps it was told of one."""

    def __init__(self, step: int | None = None) -> None:
        self.step, self.seen = step, list[int]()

    def __call__(self, event: str, loop: Any) -> None:
        if event == "step":
            self.seen.append(loop.step)
            if loop.step == self.step:
                raise Cut


@pytest.mark.parametrize(("kind", "options", "rows", "target"), [
    (NetworkClassifier, NUMBERS, ROWS, CLASSES),
    (NetworkClassifier, NUMBERS, ROWS, np.stack([CLASSES, 1 - CLASSES], axis=1)),
    (NetworkRegressor, NUMBERS, ROWS, ROWS[:, 0] - ROWS[:, 1]),
    (NetworkClassifier, TEXTS, TOKENS, (TOKENS == 3).any(axis=1).astype(int))])
def test_a_fit_that_was_cut_off_goes_on_bit_for_bit(
    kind: Any, options: Any, rows: np.ndarray, target: np.ndarray, tmp_path: Path,
) -> None:
    weight = 1.0 + np.arange(200) % 2
    whole = kind(**options).fit(rows, target, weight)
    with pytest.raises(Cut):
        kind(**options).fit(rows, target, weight, callbacks=[Killer(25)],
                            checkpoint=Checkpoint(tmp_path, steps=4))
    killer = Killer()
    rest = kind(**options).fit(rows, target, weight, checkpoint=tmp_path, callbacks=[killer])
    assert killer.seen[0] == 25, "not from the beginning: the last that was kept is step 24"
    assert np.array_equal(rest.predict(rows), whole.predict(rows))
    assert all(torch.equal(mine, its) for mine, its in zip(
        rest.module_.state_dict().values(), whole.module_.state_dict().values(), strict=True))
    assert [row["loss"] for row in rest.history_] == [row["loss"] for row in whole.history_]
    again = Killer()
    done = kind(**options).fit(rows, target, weight, checkpoint=tmp_path, callbacks=[again])
    assert again.seen == [] and np.array_equal(done.predict(rows), whole.predict(rows))


def test_a_checkpoint_of_other_rows_is_refused_and_so_is_a_file(tmp_path: Path) -> None:
    NetworkClassifier(**NUMBERS).fit(ROWS, CLASSES, checkpoint=tmp_path / "run")
    other = ROWS.copy()
    other[0, 0] += 0.1
    for rows, target in ((other, CLASSES), (ROWS, 1 - CLASSES)):
        with pytest.raises(ParameterError, match=r"was made with data=.*take another folder"):
            NetworkClassifier(**NUMBERS).fit(rows, target, checkpoint=tmp_path / "run")
    with pytest.raises(ParameterError, match="rate"):
        NetworkClassifier(NUMBERS["network"], {**NUMBERS["recipe"], "rate": 0.5}).fit(
            ROWS, CLASSES, checkpoint=tmp_path / "run")
    (tmp_path / "file").write_text("")
    with pytest.raises(ParameterError, match="must name a folder"):
        NetworkClassifier(**NUMBERS).fit(ROWS, CLASSES, checkpoint=tmp_path / "file")


def test_what_listens_is_not_part_of_the_fitted_model(tmp_path: Path) -> None:
    silent = NetworkClassifier(**NUMBERS).fit(ROWS, CLASSES)
    heard = NetworkClassifier(**NUMBERS).fit(
        ROWS, CLASSES, callbacks=[Log(tmp_path / "run.csv"), lambda event, loop: None],
        checkpoint=tmp_path / "kept")
    assert len((tmp_path / "run.csv").read_text().splitlines()) == 1 + len(heard.history_)
    assert set(vars(heard)) == set(vars(silent))
    assert pickle.loads(pickle.dumps(heard)).predict(ROWS).tolist() == heard.predict(ROWS).tolist()
    mine, its = state_of(heard, 2), state_of(silent, 2)
    assert mine.config == its.config and mine.blobs == its.blobs


def test_more_rows_later_are_no_part_of_what_was_kept(tmp_path: Path) -> None:
    made = NetworkClassifier(**NUMBERS).fit(ROWS, CLASSES, checkpoint=tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    made.partial_fit(ROWS, CLASSES)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_curves_go_to_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from wholefit.nn.board import Board

    NetworkRegressor(**NUMBERS).fit(ROWS, ROWS[:, 0], callbacks=[Board(tmp_path)])
    assert [path for path in tmp_path.iterdir() if path.name.startswith("events.")]


def test_another_network_does_not_go_on_from_a_checkpoint(tmp_path: Path) -> None:
    """Its weights may have the same shapes: other dropout, other changes of pictures."""
    NetworkClassifier(**NUMBERS).fit(ROWS, CLASSES, checkpoint=tmp_path)
    other = {**NUMBERS, "network": {**NUMBERS["network"], "dropout": 0.5}}
    with pytest.raises(ParameterError, match="was made with network="):
        NetworkClassifier(**other).fit(ROWS, CLASSES, checkpoint=tmp_path)
