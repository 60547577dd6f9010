"""Naive Bayes: state agrees, and learning goes on after loading."""

from __future__ import annotations

import numpy as np
import pytest
from real_tables import agree, features, fitted, go_on, skill, table

from wholefit.models import make, scorer

TEXTS = ["gaussian_nb", "gaussian_nb(var_smoothing=1e-9)", "multinomial_nb",
         "multinomial_nb(alpha=0.01, fit_prior=False)", "bernoulli_nb",
         "bernoulli_nb(threshold=0.5, fit_prior=False)"]


# scikit-learn's GaussianNB takes dense features only.
@pytest.mark.parametrize("name", ["titanic", "price_classes"])
@pytest.mark.parametrize(("text", "sparse"), [
    (text, sparse) for text in TEXTS for sparse in (False, True)
    if not (sparse and text.startswith("gaussian"))])
def test_state_agrees(text: str, name: str, sparse: bool) -> None:
    found = agree(text, name, sparse, shift=True)
    if "1e-9" not in text:  # scikit-learn's default, whose answers are as exact as they are poor
        assert skill(found, name) > {"titanic": 0.65, "price_classes": 0.25}[name]


@pytest.mark.parametrize("name", ["titanic", "price_classes"])
@pytest.mark.parametrize("text", TEXTS)
def test_learning_goes_on(text: str, name: str) -> None:
    assert go_on(text, name, shift=True) == 0.0


def test_the_gaussian_scorer_takes_sparse_rows() -> None:
    from scipy.sparse import csr_matrix

    data = table("titanic")
    model, estimator, context = fitted("gaussian_nb", data)
    answer = scorer(model.state(estimator, data.task, context)).answer
    assert np.array_equal(answer(csr_matrix(data.X)), answer(data.X))


def test_rows_below_the_range_of_training_are_read_as_nothing() -> None:
    data = table("titanic")
    model, estimator, context = fitted("multinomial_nb", data, shift=True)
    below = np.minimum(features(data, shift=True)[:50], 0.5) - 0.5
    answer = scorer(model.state(estimator, data.task, context)).answer
    live = model.answer(estimator, below, data.task, context)
    assert np.abs(answer(below) - live).max() <= 1e-9
    assert np.allclose(answer(below), answer(np.zeros_like(below)))
    estimator.partial_fit(below, data.y[:50])
    assert np.isfinite(estimator.feature_log_prob_).all()


def test_counts_of_words_tell_the_class() -> None:
    """Three short messages by hand: P(class) by Bayes' rule with one count added."""
    X = np.array([[2.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    data = table("titanic")
    model = make("multinomial_nb")
    context = data.context()
    estimator = model.build(data.task, context).fit(X, np.array([0, 0, 1]))
    found = scorer(model.state(estimator, data.task, context)).answer(np.array([[1.0, 0.0]]))
    first, second = (2 / 3) * (4 / 5), (1 / 3) * (1 / 3)
    assert found[0, 0] == pytest.approx(first / (first + second))
