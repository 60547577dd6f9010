"""Few labels on a base beat few labels alone; features are computed once; advice is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch (extra deep)")

from wholefit.base.errors import DataError, ParameterError, UnknownNameError  # noqa: E402
from wholefit.nn import Recipe, networks, predict, train, transfer  # noqa: E402

RECIPE = Recipe(epochs=15, batch=16, rate=1e-2, device="cpu")


def accuracy(module: Any, x: Any, y: Any) -> float:
    return float((predict(module, [x]).argmax(1) == y).mean())


def test_a_base_beats_random_weights_where_labels_are_few(base: Any, shapes: Any) -> None:
    x, y = shapes(24, seed=11)
    far, truth = shapes(400, seed=12)
    on_base = transfer.tune(base, (x, y), 4, "frozen", recipe=RECIPE)
    alone = transfer.tune(base, (x, y), 4, "scratch", recipe=RECIPE)
    assert accuracy(on_base.module, far, truth) > 0.9
    assert accuracy(on_base.module, far, truth) > accuracy(alone.module, far, truth) + 0.2


def test_the_standardising_head_answers_raw_features(base: Any, shapes: Any) -> None:
    """What the head learnt on standardised features it gives for raw ones."""
    from wholefit.nn.transfer.probing import standardised, take_in

    x, _ = shapes(30, seed=3)
    module = transfer.headed(base, 4, hidden=[5])
    features = transfer.extract(module, [x])
    scaled, centre, spread = standardised(features)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    expected = predict(module.head, [scaled])
    take_in(module.head, centre, spread)
    np.testing.assert_allclose(predict(module.head, [features]), expected, atol=1e-4)
    np.testing.assert_allclose(predict(module, [x]), expected, atol=1e-4)


def test_features_are_kept_by_weights_and_data(base: Any, shapes: Any, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    from wholefit.nn.transfer import extracting

    x, _ = shapes(20, seed=4)
    asked: list[int] = []
    own = extracting._computed
    monkeypatch.setattr(extracting, "_computed",
                        lambda m, i, b: asked.append(len(i[0])) or own(m, i, b))
    module = transfer.headed(base, 4)
    first = transfer.extract(module, [x], cache=tmp_path)
    again = transfer.extract(transfer.headed(base, 9, hidden=[3]), [x], cache=tmp_path)
    np.testing.assert_array_equal(first, again)
    assert asked == [20]  # another head has the same features
    other = x.copy()
    other[0, 0, 0, 0] ^= 1
    transfer.extract(module, [other], cache=tmp_path)
    with torch.no_grad():
        next(module.body.parameters()).add_(1e-3)
    transfer.extract(module, [x], cache=tmp_path)
    assert asked == [20, 20, 20]
    kept = sorted(tmp_path.iterdir())[0]
    for damage in (b"", kept.read_bytes()[:-7], b"\x80\x04no array"):
        for path in tmp_path.iterdir():
            path.write_bytes(damage)
        found = transfer.extract(transfer.headed(base, 4), [x], cache=tmp_path)
        np.testing.assert_array_equal(found, first)


def test_rows_are_remembered_across_folds(base: Any, shapes: Any,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    from wholefit.nn.transfer import extracting

    x, _ = shapes(30, seed=6)
    asked: list[int] = []
    own = extracting._computed
    monkeypatch.setattr(extracting, "_computed",
                        lambda m, i, b: asked.append(len(i[0])) or own(m, i, b))
    extracting._memo.clear()
    module = transfer.headed(base, 4)
    transfer.extract(module, [x[:20]], memo=True)
    found = transfer.extract(module, [x[10:]], memo=True)
    assert asked == [20, 10]
    np.testing.assert_allclose(found, own(module, [x[10:]], 64), atol=1e-5)


def test_similarity_is_high_for_the_same_question_and_low_for_noise(base: Any, shapes: Any) -> None:
    x, y = shapes(200, seed=8)
    same = transfer.similarity(base, [x], y)
    noise = transfer.similarity(base, [x], np.random.default_rng(0).permutation(y))
    assert same.value > 0.6 > 0.2 > noise.value
    assert same.error < same.untrained
    assert "removes" in str(same)
    with pytest.raises(DataError, match="six rows"):
        transfer.similarity(base, [x[:4]], y[:4])
    with pytest.raises(DataError, match="two classes"):
        transfer.similarity(base, [x], np.zeros(200, np.int64))


def test_the_domain_gap_tells_strangers(base: Any, shapes: Any) -> None:
    x, _ = shapes(160, seed=8)
    assert transfer.domain_gap(base, [x[:80]], [x[80:]]) < 0.35
    assert transfer.domain_gap(base, [x[:80]], [255 - x[80:]]) > 0.9


@pytest.mark.parametrize(("rows", "similar", "strategy"), [
    (100_000, 0.1, "all"), (100_000, 0.9, "top"), (200, 0.1, "most"), (200, 0.9, "frozen")])
def test_the_four_strategies_by_size_and_similarity(rows: int, similar: float, strategy: str
                                                    ) -> None:
    found = transfer.advise(rows, similar, classes=10)
    assert found.strategy == strategy
    assert f"{rows:,} rows" in str(found)


def test_strategies_are_compared_alike(base: Any, shapes: Any) -> None:
    found = transfer.strategies(base, shapes(40, seed=21), shapes(200, seed=22),
                                names=["frozen", "all", "scratch"], recipe=RECIPE.replace(epochs=4))
    by_name = {each.strategy: each for each in found.tried}
    assert by_name["frozen"].accuracy > by_name["scratch"].accuracy
    assert by_name["frozen"].learnt < by_name["all"].learnt == by_name["scratch"].learnt
    assert all(each.low <= each.accuracy <= each.high for each in found.tried)
    assert found.best in found.tied()
    assert found.advice.strategy == "frozen"
    assert found.best in str(found)
    x, y = shapes(20)
    with pytest.raises(DataError, match="class codes"):
        transfer.strategies(base, (x, y), (x, y + 9))


def test_the_same_seed_gives_the_same_weights(base: Any, shapes: Any) -> None:
    data = shapes(32, seed=1)
    marks = {transfer.fingerprint(transfer.tune(base, data, 4, "top", recipe=RECIPE.replace(
        epochs=2)).module) for _ in range(2)}
    assert len(marks) == 1


@pytest.mark.parametrize("objective", transfer.OBJECTIVES)
def test_pretraining_without_labels_serves_few_labels(objective: str) -> None:
    """Rows on a few directions of a wide space: which ones can be learnt without labels."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(2000, 3))
    x = np.tanh(hidden @ rng.normal(size=(3, 40))) + 0.3 * rng.normal(size=(2000, 40))
    x, y = x.astype(np.float32), (hidden[:, 0] > 0).astype(np.int64)
    module = networks.make("mlp", inputs=40, outputs=2, hidden=[4], activation="tanh")
    before = transfer.fingerprint(module)
    found = transfer.pretrain(module, x, Recipe(epochs=15, rate=1e-2, device="cpu"),
                              objective=objective, hidden=[32])
    assert transfer.fingerprint(module) == before
    assert found.made_of == module.made_of and found.sha256 != before
    few = (x[:30], y[:30])
    on_base = transfer.tune(found, few, 2, "frozen", recipe=RECIPE)
    plain = transfer.tune(transfer.Base(module), few, 2, "frozen", recipe=RECIPE)
    gain = [accuracy(each.module, x[30:], y[30:]) for each in (on_base, plain)]
    assert gain[0] > 0.8
    assert gain[0] > gain[1]


def test_pretraining_refuses_wrong_words() -> None:
    module = networks.make("mlp", inputs=4, outputs=2)
    x = np.zeros((8, 4), np.float32)
    with pytest.raises(UnknownNameError, match="denoise"):
        transfer.pretrain(module, x, objective="denoize")
    with pytest.raises(ParameterError, match="masked"):
        transfer.pretrain(module, x, objective="mask", masked=1.0)


def test_freezing_again_does_not_bring_back_what_was_lost(base: Any, shapes: Any) -> None:
    """Freeze, train, freeze again: the second freezing keeps the new weights, not the old ones.

    The old question is answered as well as ever while the body is frozen, worse once it has
    learnt another, and freezing it again changes nothing of that.
    """
    x, y = shapes(300, seed=31)
    old = transfer.tune(base, (x, y), 4, "frozen", recipe=RECIPE).module
    new = (255 - x, (x.mean(axis=(1, 2, 3)) > np.median(x.mean(axis=(1, 2, 3)))).astype(np.int64))

    def remembered(body: Any) -> float:
        """How the old head fares on what the body gives now."""
        old.body.load_state_dict(body.state_dict())
        return accuracy(old, *shapes(300, seed=32))

    module = transfer.headed(base, 2)
    transfer.train_top(module, 0)
    train(module, new, RECIPE.replace(epochs=3))
    first = remembered(module.body)
    transfer.thaw(module.body)
    train(module, new, RECIPE.replace(epochs=6, rate=3e-2))
    lost = remembered(module.body)
    transfer.freeze(module.body)
    train(module, new, RECIPE.replace(epochs=3))
    again = remembered(module.body)
    assert first > 0.9
    assert lost < first - 0.2
    assert again == lost


@pytest.mark.parametrize("strategy", ["frozen", "top", "gradual"])
def test_altered_pictures_come_after_a_head_that_is_taught(
    base: Any, shapes: Any, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rate is a tenth because the head is solved by then, with `change` as without."""
    from wholefit.nn.transfer import tuning

    x, y = shapes(40, seed=11)
    found: list[Any] = []
    own = tuning.train

    def watched(module: Any, data: Any, recipe: Any, **options: Any) -> Any:
        solved = accuracy(module, x, y)
        found.append((solved, max(group["lr"] for group in options["groups"])))
        return own(module, data, recipe, **options)

    monkeypatch.setattr(tuning, "train", watched)
    transfer.tune(base, (x, y), 4, strategy, recipe=RECIPE.replace(epochs=1),
                  change=lambda batch, generator: batch)
    (solved, rate), = found
    assert solved > 0.9, "before the first step"
    assert rate == pytest.approx(RECIPE.rate * tuning.GENTLE)


def test_an_estimator_thaws_gradually_too(base: Any, shapes: Any) -> None:
    from wholefit.features.spans import Span
    from wholefit.models._networks import _learn
    from wholefit.models._networks._pretrained import PretrainedClassifier

    x, y = shapes(40, seed=11)
    opened: list[Any] = []
    own = _learn.engine.train

    def watched(*given: Any, **options: Any) -> Any:
        opened.extend(options["callbacks"])
        return own(*given, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_learn.engine, "train", watched)
        made = PretrainedClassifier(
            {"base": base, "strategy": "gradual"}, {"epochs": 2, "batch": 16},
            spans=[Span("image", 0, 432, shape=(3, 12, 12))]).fit(x.reshape(40, -1), y)
    (gradual,) = opened
    assert isinstance(gradual, transfer.Gradually)
    assert gradual.open == min(2, gradual.count)
    assert made.score(x.reshape(40, -1), y) > 0.9


class Cut(Exception):
    """The power goes."""


def killer(step: int, ends: int) -> Any:
    """Ends the run at that step of the training that has `ends` epochs."""
    def at(event: str, loop: Any) -> None:
        if event == "step" and loop.step == step and loop.epochs == ends:
            raise Cut
    return at


@pytest.mark.parametrize("strategy", ["frozen", "top", "gradual", "scratch"])
def test_a_tuning_that_was_cut_off_goes_on_bit_for_bit(
    base: Any, shapes: Any, strategy: str, tmp_path: Path,
) -> None:
    from wholefit.nn.checkpoints import Checkpoint

    data, recipe = shapes(64, seed=11), RECIPE.replace(epochs=4, schedule="cosine")
    common = {"recipe": recipe, "hidden": [8]}  # a head that is taught and not solved
    # Callbacks turn off the recording of steps and nothing else: the numbers are the same.
    whole = transfer.tune(base, data, 4, strategy, **common)
    with pytest.raises(Cut):
        transfer.tune(base, data, 4, strategy, callbacks=[killer(10, 4)],
                      checkpoint=Checkpoint(tmp_path, steps=3), **common)
    stages = {"frozen": {"head"}, "scratch": {"rest"}}.get(strategy, {"head", "rest"})
    assert {path.name for path in tmp_path.iterdir()} == stages
    seen: list[int] = []
    rest = transfer.tune(
        base, data, 4, strategy, checkpoint=tmp_path,
        callbacks=[lambda event, loop: seen.append(loop.step) if event == "step" else None],
        **common)
    assert seen[0] == 10, "step 9 was kept"
    assert transfer.fingerprint(rest.module) == transfer.fingerprint(whole.module)


def test_what_one_strategy_kept_is_not_what_another_goes_on_from(
    base: Any, shapes: Any, tmp_path: Path,
) -> None:
    data, recipe = shapes(64, seed=11), RECIPE.replace(epochs=1)
    transfer.tune(base, data, 4, "scratch", recipe=recipe, checkpoint=tmp_path)
    with pytest.raises(ParameterError, match="was made with strategy='scratch'; got 'top'"):
        transfer.tune(base, data, 4, "top", recipe=recipe, checkpoint=tmp_path)


def test_a_pretraining_that_was_cut_off_goes_on_bit_for_bit(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(100, 6)).astype(np.float32)
    module = networks.make("mlp", inputs=6, outputs=2, hidden=[4])
    recipe = Recipe(epochs=4, batch=16, device="cpu")
    whole = transfer.pretrain(module, x, recipe)
    with pytest.raises(Cut):
        transfer.pretrain(module, x, recipe, checkpoint=tmp_path, callbacks=[killer(17, 4)])
    seen: list[int] = []
    rest = transfer.pretrain(
        module, x, recipe, checkpoint=tmp_path,
        callbacks=[lambda event, loop: seen.append(loop.step) if event == "step" else None])
    assert seen[0] == 15, "two epochs of seven steps were kept"
    assert rest.sha256 == whole.sha256


def test_an_estimator_on_a_base_goes_on_where_it_was_cut_off(
    base: Any, shapes: Any, tmp_path: Path,
) -> None:
    from wholefit.features.spans import Span
    from wholefit.models._networks._pretrained import PretrainedClassifier

    x, y = shapes(60, seed=11)
    rows = x.reshape(60, -1)

    def fit(**more: Any) -> Any:
        return PretrainedClassifier(
            {"base": base, "strategy": "top", "hidden": [8]},
            {"epochs": 4, "batch": 16, "device": "cpu"}, validation=0.0,
            spans=[Span("image", 0, 432, shape=(3, 12, 12))]).fit(rows, y, **more)

    whole = fit()
    with pytest.raises(Cut):
        fit(checkpoint=tmp_path, callbacks=[killer(10, 4)])
    assert {path.name for path in tmp_path.iterdir()} == {"head", "rest"}
    rest = fit(checkpoint=tmp_path)
    assert np.array_equal(rest.predict_proba(rows), whole.predict_proba(rows))
    assert len(whole.counted_) == 2, "the head's lesson counts, and what learns after it"
