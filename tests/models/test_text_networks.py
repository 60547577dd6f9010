"""Networks for texts and series as catalog entries: fitted, saved, loaded, answering alike."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit import models
from wholefit.base import tasks
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.data import dataset_of
from wholefit.features.encoder import Encoder
from wholefit.models import Context, scorer
from wholefit.nn.networks import make

pytest.importorskip("torch")
LONGER = "epochs=15,width=16,learning_rate=0.01,batch=16,dropout=0"
TEXTS = ["text_embedding(epochs=12,batch=16)", f"text_convolution({LONGER},hidden=16)",
         f"text_recurrent({LONGER},hidden=16)", f"text_transformer({LONGER},heads=2)"]
WORDS = {"a good film": 1, "a bad film": 0, "not good at all": 0, "not bad at all": 1}


def table(rows=240, seed=0):
    """Opinions whose sense hangs on a pair of words, a number that says a little, a category."""
    random = np.random.default_rng(seed)
    texts, labels = list(WORDS), list(WORDS.values())
    drawn = random.integers(0, len(texts), rows)
    fill = random.choice(["we saw it in june and", "yes , well", "so ,", "told by"], rows)
    label = np.array(labels)[drawn]
    return pl.DataFrame({
        "review": [f"{f} {texts[i]} number {n}" for f, i, n in zip(
            fill, drawn, random.integers(0, 99, rows), strict=True)],
        "stars": label + random.normal(0, 2, rows), "shop": random.choice(["a", "b", "c"], rows),
        "liked": np.where(label == 1, "yes", "no"),
        "worth": 3.0 * label + random.normal(0, 0.3, rows)})


def fitted(word, task_name, frame, target, **roles):
    task = tasks.get(task_name)
    data = dataset_of(frame, target=target, roles={"review": "text", **roles})
    model = models.make(word)
    encoder = Encoder(model.encoding(task)).fit(data)
    codes = pl.Series(frame[target])
    y = (codes == "yes").to_numpy().astype(np.int32) if task_name == "classification" \
        else codes.to_numpy()
    X = encoder.transform(data)
    context = Context(len(frame), X.shape[1], n_classes=2 if task_name == "classification" else 0,
                      spans=encoder.spans)
    estimator = model.build(task, context).fit(X, y)
    return model, task, context, encoder, estimator, X, y


@pytest.mark.parametrize("word", TEXTS)
def test_texts_beside_numbers_and_categories_are_learnt(word):
    model, task, context, encoder, made, X, _ = fitted(
        word, "classification", table().drop("worth"), "liked")
    assert made.made_of_["network"] == "joined"
    new = dataset_of(table(seed=1).drop("worth"), target="liked", roles={"review": "text"})
    wanted = (table(seed=1)["liked"] == "yes").to_numpy()
    right = (made.predict(encoder.transform(new)) == wanted).mean()
    assert right > 0.8
    live = model.answer(made, X, task, context)
    assert np.array_equal(scorer(model.state(made, task, context)).answer(X), live)


def test_a_number_is_learnt_from_texts():
    *_, made, X, y = fitted("text_embedding(epochs=12)", "regression",
                            table().drop("liked", "stars", "shop"), "worth")
    assert made.made_of_["network"] == "embedding"
    assert 1 - np.mean((made.predict(X) - y) ** 2) / np.var(y) > 0.7


def test_only_pairs_of_words_tell_not_good_from_not_bad():
    frame = table().filter(pl.col("review").str.contains("film|all")).drop("worth", "stars", "shop")
    scores = {}
    for ngrams in (1, 2):
        *_, made, X, y = fitted(f"text_embedding(epochs=20,ngrams={ngrams},skip=0)",
                                "classification", frame, "liked")
        scores[ngrams] = (made.predict(X) == y).mean()
    assert scores[2] > 0.99


def test_a_table_without_texts_gets_a_perceptron():
    frame = table().drop("review", "worth")
    task = tasks.get("classification")
    data = dataset_of(frame, target="liked")
    model = models.make("text_recurrent")
    encoder = Encoder(model.encoding(task)).fit(data)
    made = model.build(task, Context(240, len(encoder.names), n_classes=2, spans=encoder.spans))
    assert made.network["network"] == "mlp"


def test_fit_save_load_and_predict_are_bit_equal(tmp_path):
    frame = table(150).drop("worth")
    frame.write_csv(tmp_path / "reviews.csv")
    result = wf.fit(tmp_path / "reviews.csv", target="liked", roles={"review": "text"},
                    models=["text_recurrent(epochs=2,width=8,hidden=8)"])
    result.save(tmp_path / "m.wf")
    back = wf.load(tmp_path / "m.wf")
    new = table(20, seed=2).drop("liked", "worth")
    new = pl.concat([new, pl.DataFrame({"review": ["", "日本 👍", "x" * 5000], "stars": [
        0.0, None, 1e30], "shop": ["a", "zz", None]})], how="vertical_relaxed")
    assert back.predict_proba(new).equals(result.predict_proba(new))
    assert np.isfinite(back.predict_proba(new).to_numpy()).all()


def test_word_vectors_begin_the_table_and_frozen_ones_stay(tmp_path):
    path = tmp_path / "v.txt"
    words = ["good", "bad", "not", "film", "at"]
    random = np.random.default_rng(0)
    path.write_text("".join(f"{w} {' '.join(map(str, random.normal(size=6)))}\n" for w in words))
    frame = table(80).drop("worth", "stars", "shop")
    options = f"vectors='{path}',epochs=2,hidden=8,validation=0"
    found = {}
    for frozen in (True, False):
        model, task, context, *_, made, X, _ = fitted(
            f"text_recurrent({options},frozen={frozen})", "classification", frame, "liked")
        assert made.coverage_[0].found == 5
        assert made.made_of_["width"] == 6
        found[frozen] = made.module_.front.table.weight.detach().numpy()
        assert np.array_equal(scorer(model.state(made, task, context)).answer(X),
                              model.answer(made, X, task, context))
    known = list(context.spans[0].words)
    vector = {line.split()[0]: np.array(line.split()[1:], float)
              for line in path.read_text().splitlines()}
    rows = np.stack([found[True][2 + known.index(w)] for w in words])
    scale = rows / np.stack([vector[w] for w in words])
    assert np.allclose(scale, scale[0, 0], rtol=1e-4)
    moved = np.stack([found[False][2 + known.index(w)] for w in words])
    assert not np.allclose(rows, moved)
    with pytest.raises(ParameterError, match="vectors"):
        fitted(f"text_recurrent({options},tokens=character)", "classification", frame, "liked")


@pytest.mark.parametrize("kind", ["temporal", "gru"])
def test_series_are_told_apart_by_a_shape_wherever_it_stands(kind):
    random = np.random.default_rng(0)
    X, y = random.normal(0, 0.3, (200, 24)), np.arange(200) % 2
    for row, label in enumerate(y):
        at = random.integers(0, 16)
        X[row, at:at + 8] += np.array([0, 1, 2, 3, -3, -2, -1, 0]) * (1 if label else -1)
    from wholefit.models._networks import NetworkClassifier

    made = NetworkClassifier(
        {"network": "series", "reader": {"network": kind, "head": "max", "hidden": 24}},
        {"epochs": 12, "rate": 5e-3, "batch": 32}, scaling="none", validation=0)
    assert (made.fit(X[:150], y[:150]).predict(X[150:]) == y[150:]).mean() > 0.85


def test_channels_lie_side_by_side_and_wrong_sizes_are_refused():
    import torch

    made = make("series", inputs=12, outputs=2, per_step=3, normalise=False,
                reader={"network": "gru", "hidden": 4}).eval()
    X = torch.randn(5, 4, 3)
    assert torch.equal(made(X.reshape(5, -1)), made.reader(X))
    with pytest.raises(ParameterError, match="per_step"):
        make("series", inputs=10, outputs=2, per_step=3)
    with pytest.raises(UnknownNameError, match="temporal"):
        make("series", inputs=10, outputs=2, reader={"network": "temporl"})
    model = models.make("series_network(per_step=7)")
    with pytest.raises(DataError, match="per_step"):
        model.build(tasks.get("classification"), Context(10, 40, n_classes=2))


def test_a_bag_weighed_by_what_words_tell_is_exported_as_it_answers(tmp_path):
    pytest.importorskip("onnxruntime")
    frame = table(200).drop("worth", "stars", "shop")
    result = wf.fit(frame, target="liked", roles={"review": "text"}, folds=2,
                    models=["text_embedding(epochs=4)"])
    new = table(50, seed=3).drop("worth", "stars", "shop")
    for name in ("m.onnx", "m.pt2"):
        found = result.export(tmp_path / name, rows=new)
        assert found.parity.most < 1e-5
