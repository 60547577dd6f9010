"""Torch modules of a user's, and the catalog's pretrained model, through `wf.fit`."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

torch = pytest.importorskip("torch", reason="needs torch (extra deep)")

import wholefit as wf  # noqa: E402
from wholefit.base import tasks  # noqa: E402
from wholefit.base.errors import (  # noqa: E402
    DataError,
    ParameterError,
    StateError,
    UnknownNameError,
)
from wholefit.models import Context, brought, make  # noqa: E402
from wholefit.nn import Recipe, networks, train, transfer  # noqa: E402

nn = torch.nn


@pytest.fixture(scope="module")
def iris() -> pl.DataFrame:
    from sklearn.datasets import load_iris

    found = load_iris()
    return pl.DataFrame(found.data, schema=["a", "b", "c", "d"]).with_columns(
        pl.Series("species", found.target_names[found.target]))


class Mine(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))

    def forward(self, x: Any) -> Any:
        return self.layers(x)


def made_to_measure(inputs: int, outputs: int) -> Any:
    return nn.Sequential(nn.Linear(inputs, 8), nn.Tanh(), nn.Linear(8, outputs))


def test_a_module_is_fitted_and_scored_and_stays_as_it_was(iris: pl.DataFrame, tmp_path: Path
                                                          ) -> None:
    module = Mine()
    before = transfer.fingerprint(module)
    result = wf.fit(iris, target="species", folds=3, metric="accuracy",
                    models=[brought(module, learning_rate=0.02, epochs=60)])
    assert result.score.value > 0.9
    assert transfer.fingerprint(module) == before
    assert result.explain(iris[0]) is not None
    with pytest.raises(StateError, match="@network"):
        result.save(tmp_path / "m.wf")


def test_a_network_of_the_registry_is_saved(iris: pl.DataFrame, tmp_path: Path) -> None:
    module = networks.make("mlp", inputs=4, outputs=3, hidden=[16])
    result = wf.fit(iris, target="species", folds=2, models=[module])
    result.save(tmp_path / "m.wf")
    assert wf.load(tmp_path / "m.wf").predict_proba(iris).equals(result.predict_proba(iris))


def test_a_function_makes_it_to_measure(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"x": rng.normal(size=200), "k": rng.choice(["u", "v"], 200)})
    table = table.with_columns((pl.col("x") * 3 + (pl.col("k") == "u") * 2).alias("y"))
    result = wf.fit(table, target="y", folds=2, metric="r2",
                    models=[brought(made_to_measure, learning_rate=0.05, epochs=60)])
    assert result.score.value > 0.9
    assert make(made_to_measure).name == "made_to_measure"


def test_the_same_seed_gives_the_same_answer(iris: pl.DataFrame) -> None:
    found = [wf.fit(iris, target="species", folds=2, models=[made_to_measure]).predict_proba(iris)
             for _ in range(2)]
    assert found[0].equals(found[1])


@pytest.mark.parametrize(("module", "words"), [
    (nn.Linear(4, 2), "must give"), (nn.Linear(7, 3), "cannot take rows")])
def test_a_module_that_does_not_fit_is_said(iris: pl.DataFrame, module: Any, words: str) -> None:
    with pytest.warns(Warning, match="left out"):
        result = wf.fit(iris, target="species", folds=2, models=[module])
    assert words in str(result.leaderboard)


def test_a_softmax_at_the_end_is_warned_of(iris: pl.DataFrame) -> None:
    from wholefit.models._networks._brought import _check

    module = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))
    with pytest.warns(Warning, match="softmax"):
        _check(module, [np.zeros((4, 4), np.float32)], 3)


def test_a_fitted_module_is_adopted(iris: pl.DataFrame, tmp_path: Path) -> None:
    X = iris.drop("species").to_numpy().astype(np.float32)
    names = np.array(sorted(set(iris["species"])))
    y = np.searchsorted(names, iris["species"].to_numpy())
    module = train(networks.make("mlp", inputs=4, outputs=3, hidden=[16]), (X, y),
                   Recipe(epochs=60, batch=16, rate=1e-2, device="cpu")).module
    expected = torch.from_numpy(X)
    with torch.no_grad():
        expected = names[module(expected).argmax(dim=1).numpy()]
    result = wf.adopt(module, iris, "species")
    assert (result.predict(iris)["prediction"].to_numpy() == expected).mean() > 0.99
    assert result.score.value < 0.3
    result.save(tmp_path / "a.wf")
    assert wf.load(tmp_path / "a.wf").predict(iris).equals(result.predict(iris))
    other = wf.adopt(Mine().eval(), iris, "species")
    with pytest.raises(StateError, match="no version-independent form"):
        other.save(tmp_path / "b.wf")


def test_a_module_learns_by_the_loss_that_is_said() -> None:
    """A tenth of the numbers is far off: squared errors follow them, absolute ones do not."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(200, 3))
    truth = x @ [1.0, -2.0, 0.5]
    y = np.where(np.arange(200) % 10 == 0, truth + 40, truth)
    gaps = {}
    for loss in (None, "absolute", "huber"):
        model = brought(made_to_measure, loss=loss, epochs=60, learning_rate=0.03)
        made = model.build(tasks.get("regression"), Context(200, 3)).fit(x, y)
        gaps[loss] = float(np.median(np.abs(made.predict(x) - truth)))
    assert gaps["absolute"] < 0.4 * gaps[None]
    assert gaps["huber"] < 0.7 * gaps[None]


def test_a_loss_of_ones_own_goes_by_its_name(iris: pl.DataFrame) -> None:
    from wholefit.nn import layers

    calls: list[tuple[int, ...]] = []

    @layers.add("loss", "only_the_first", replace=True)
    def only_the_first(output: Any, target: Any) -> Any:
        calls.append(tuple(output.shape))
        return nn.functional.cross_entropy(output, (target > 0).long(), reduction="none")

    try:
        model = brought(Mine(), loss="only_the_first", epochs=30, learning_rate=0.02)
        x, y = iris.drop("species").to_numpy(), iris["species"].to_numpy()
        made = model.build(tasks.get("classification"), Context(150, 4, n_classes=3)).fit(x, y)
        told = made.predict(x)
    finally:
        layers.registry.remove("loss", "only_the_first")
    assert calls and {shape[1] for shape in calls} == {3}
    assert set(told) == {"setosa", "versicolor"}, "the third is never asked for"
    assert ((told == "setosa") == (y == "setosa")).all()


def test_a_loss_that_does_not_suit_is_refused_with_those_that_do(iris: pl.DataFrame) -> None:
    from wholefit.models._networks._brought import ModuleClassifier

    x, y = iris.drop("species").to_numpy(), iris["species"].to_numpy()

    def fit(loss: str) -> None:
        ModuleClassifier({"network": "module", "made": Mine()}, {"loss": loss}).fit(x, y)

    with pytest.raises(ParameterError, match=r"'huber' does not suit.*'cross_entropy' or 'focal'"):
        fit("huber")
    with pytest.raises(UnknownNameError, match="focal"):
        fit("focall")
    with pytest.raises(ParameterError, match=r"must be a name.*layers\.add"):
        brought(Mine(), loss=lambda output, target: output.sum())


def test_a_module_goes_where_and_as_it_is_told(iris: pl.DataFrame) -> None:
    assert brought(Mine(), device="cpu", find_rate=True).engine() == {"device": "cpu", "find": True}
    assert brought(Mine(), loss="focal").replace(epochs=3).loss == "focal"


def test_what_is_none_of_these_is_refused() -> None:
    with pytest.raises(ParameterError, match="torch module"):
        brought(3)
    with pytest.raises(ParameterError, match="epochs"):
        brought(Mine(), epochs=0)
    with pytest.raises(ParameterError, match="torch module"):
        make(object())


def test_an_artifact_of_ours_is_a_base(iris: pl.DataFrame, tmp_path: Path) -> None:
    """The body of a saved network serves a new question; the file needs nothing beside it."""
    first = wf.fit(iris, target="species", folds=2, models=["mlp(layers=1, width=16, epochs=40)"])
    first.save(tmp_path / "first.wf")
    two = iris.with_columns((pl.col("species") == "virginica").alias("late")).drop("species")
    text = f"pretrained(base={str(tmp_path / 'first.wf')!r}, strategy='frozen')"
    second = wf.fit(two, target="late", folds=2, metric="accuracy", models=[text])
    assert second.score.value > 0.8
    second.save(tmp_path / "second.wf")
    (tmp_path / "first.wf").unlink()
    again = wf.load(tmp_path / "second.wf")
    assert again.predict_proba(two).equals(second.predict_proba(two))
    more = again.update(two)
    assert len(more.predict(two)) == len(two)
    gradual = wf.fit(two, target="late", folds=2, metric="accuracy",
                     models=[text.replace("first", "second").replace("frozen", "gradual")])
    assert gradual.score.value > 0.8
    third = transfer.load(tmp_path / "second.wf")
    assert third.made_of["network"] == "mlp"


def test_a_pretrained_model_needs_its_base(iris: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="must name a base"):
        wf.fit(iris, target="species", folds=2, models=["pretrained"])
    nowhere = f"pretrained(base={str(tmp_path / 'no.wf')!r})"
    with pytest.warns(Warning, match="left out"):
        result = wf.fit(iris, target="species", folds=2, models=[nowhere])
    assert "no base is at" in str(result.leaderboard)
    with pytest.raises(ParameterError, match="strategy"):
        make("pretrained(base='b.wf', strategy='frosen')")
    with pytest.raises(UnknownNameError, match="base"):
        make("pretrained(bas='x')")


def test_texts_on_an_encoder(tmp_path: Path) -> None:
    """A tiny encoder with a tokenizer of its own: texts in, saved with both, loaded alone."""
    library = pytest.importorskip("tokenizers", reason="needs tokenizers (extra text)")
    words = ["[PAD]", "[UNK]", "good", "bad", "film", "very", "the"]
    made = library.Tokenizer(library.models.WordLevel(
        {word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = library.pre_tokenizers.Whitespace()
    module = networks.make("bert", vocabulary=7, length=8, outputs=1, width=16, layers=1, heads=2,
                           inner=32)
    transfer.Base(module, tokenizer=made.to_str(), length=8).save(tmp_path / "e.safetensors")
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, 80)
    texts = [" ".join(rng.permutation(["the", "film", "very", "good" if code else "bad"]))
             for code in codes]
    table = pl.DataFrame({"review": texts, "liked": codes})
    text = f"pretrained(base={str(tmp_path / 'e.safetensors')!r}, strategy='frozen')"
    result = wf.fit(table, target="liked", task="classification", roles={"review": "text"},
                    folds=2, metric="accuracy", models=[text])
    assert result.score.value > 0.9
    result.save(tmp_path / "t.wf")
    (tmp_path / "e.safetensors").unlink()
    assert wf.load(tmp_path / "t.wf").predict_proba(table).equals(result.predict_proba(table))


def test_texts_on_an_encoder_of_another_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for transformers: the base "hf:owner/name" brings its tokenizer into the fit."""
    library = pytest.importorskip("tokenizers", reason="needs tokenizers (extra text)")
    words = ["[PAD]", "[UNK]", "good", "bad", "film", "very", "the"]
    cut = library.Tokenizer(library.models.WordLevel(
        {word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    cut.pre_tokenizer = library.pre_tokenizers.Whitespace()

    class Encoder(torch.nn.Module):
        def __init__(self, config: Any) -> None:
            super().__init__()
            self.config = config
            self.look = torch.nn.Embedding(len(words), config.hidden_size)

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return SimpleNamespace(last_hidden_state=self.look(input_ids))

    config = SimpleNamespace(hidden_size=8, model_type="bert",
                             to_diff_dict=lambda: {"hidden_size": 8})

    def named(name: str, **_: Any) -> Any:
        if name != "owner/tiny":
            raise OSError(f"{name} is not there")
        return SimpleNamespace(backend_tokenizer=cut)

    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(
        AutoModel=SimpleNamespace(from_pretrained=lambda *_, **__: Encoder(config),
                                  from_config=lambda *_, **__: Encoder(config)),
        AutoConfig=SimpleNamespace(for_model=lambda *_, **__: config),
        AutoTokenizer=SimpleNamespace(from_pretrained=named)))
    codes = np.random.default_rng(0).integers(0, 2, 80)
    table = pl.DataFrame({"review": [f"the very {'good' if code else 'bad'} film"
                                     for code in codes], "liked": codes})
    result = wf.fit(table, target="liked", task="classification", roles={"review": "text"},
                    folds=2, metric="accuracy",
                    models=["pretrained(base='hf:owner/tiny', strategy='frozen')"])
    assert result.score.value > 0.9
    result.save(tmp_path / "t.wf")
    assert wf.load(tmp_path / "t.wf").predict_proba(table).equals(result.predict_proba(table))
    with pytest.raises(DataError, match="did not give the tokenizer of 'owner/none'"):
        make("pretrained(base='hf:owner/none')").encoding(result.task)
