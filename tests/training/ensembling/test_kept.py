"""An ensemble of two layers as state answers like its parts put together by hand."""

from __future__ import annotations

import numpy as np
import pytest

from wholefit import models
from wholefit.base import tasks
from wholefit.base.errors import StateError
from wholefit.data import bundled, dataset_of, read
from wholefit.features.encoder import Encoder
from wholefit.models import scorer
from wholefit.models._kernels.blend import blend_state
from wholefit.models._model import Context
from wholefit.training.ensembling import Pool, layer, mixed

NAMES = ("logistic", "decision_tree(max_depth=3)")


@pytest.fixture(scope="module")
def parts():
    """Two fold models of each of two members, their encoders and answers, and a second layer."""
    dataset = dataset_of(read(bundled.path("telco_churn")).frame.head(300), target="churn")
    task = tasks.get("classification")
    y = dataset.target(task.codec("churn", dataset.target_values(), None))
    fold = (np.arange(300) % 2).astype(np.int8)
    states, encoders, members = [], {}, []
    oof, final = ({name: np.zeros((300, 2)) for name in NAMES} for _ in range(2))
    for name in NAMES:
        model = models.make(name)
        for number in range(2):
            train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            key = f"{model.encoding(task)}-{number}"
            encoder = encoders.setdefault(
                key, Encoder(model.encoding(task), (), seed=0).fit(dataset, train, y[train]))
            context = Context(rows=len(train), features=len(encoder.names), n_classes=2,
                              categorical=encoder.categorical)
            estimator = model.build(task, context)
            estimator.fit(encoder.transform_training(dataset, train), y[train])
            states.append(model.state(estimator, task, context))
            oof[name][test] = scorer(states[-1]).answer(encoder.transform(dataset, test))
            final[name] += scorer(states[-1]).answer(encoder.transform(dataset)) / 2
            members.append({"encoder": key, "model": name})
    second = layer(Pool(oof, y, fold), names=["logistic(C=0.03)"])[0]
    return dataset, states, encoders, members, final, second


def stated(parts, shares, seconds):
    _, states, encoders, members, _, _ = parts
    given = [{**member, "share": shares.get(member["model"], 0.0) / 2} for member in members]
    return blend_state(states, encoders, given, temperature=1.3, n_classes=2, seconds=seconds)


def test_two_layers_answer_as_by_hand(parts):
    dataset, _, _, _, final, second = parts
    shares = {NAMES[0]: 0.5, NAMES[1]: 0.2, second.label: 0.3}
    found = scorer(stated(parts, shares, [(second.state, 0.3)])).answer(dataset)
    answers = {**final, second.label: second.predict(final)}
    assert found == pytest.approx(mixed(answers, shares, 1.3))


def test_a_model_that_only_the_second_layer_asks_has_no_share(parts):
    dataset, _, _, _, final, second = parts
    found = scorer(stated(parts, {}, [(second.state, 1.0)])).answer(dataset)
    assert found == pytest.approx(mixed({second.label: second.predict(final)},
                                        {second.label: 1.0}, 1.3))


def test_without_a_second_layer_a_member_without_share_is_refused(parts):
    with pytest.raises(StateError, match="shares"):
        scorer(stated(parts, {NAMES[0]: 1.0}, []))


def test_a_share_below_zero_is_refused(parts):
    second = parts[-1]
    with pytest.raises(StateError, match="shares"):
        scorer(stated(parts, {NAMES[0]: 1.5, NAMES[1]: 0.2}, [(second.state, -0.7)]))
