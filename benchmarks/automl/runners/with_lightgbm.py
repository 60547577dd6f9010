"""LightGBM as a good practitioner fits it: a fifth held out, stopped early, or by the clock."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
from _common import Done, Order, main, named, split_target

_PATIENCE, _MOST = 50, 10_000


def work(order: Order) -> Done:
    import lightgbm
    from sklearn.model_selection import train_test_split

    X, y = split_target(order)
    start = time.perf_counter()
    kinds = {name: pd.CategoricalDtype(X[name].dropna().astype(str).unique())
             for name in X if not pd.api.types.is_numeric_dtype(X[name])}
    classes, target = np.unique(y, return_inverse=True) if order.classification else (None, y)
    common = np.bincount(target).min() > 1 if order.classification else False
    A, B, a, b = train_test_split(_typed(X, kinds), target, test_size=0.2,
                                  random_state=order.seed, stratify=target if common else None)
    kind = lightgbm.LGBMClassifier if order.classification else lightgbm.LGBMRegressor

    def in_time(state):
        if time.perf_counter() - start > order.budget:
            raise lightgbm.callback.EarlyStopException(state.iteration, [])

    model = kind(n_estimators=_MOST, learning_rate=0.05, n_jobs=order.cores,
                 random_state=order.seed, verbosity=-1)
    known = np.isin(b, a) if order.classification else np.ones(len(b), bool)
    model.fit(A, a, eval_set=[(B[known], b[known])], callbacks=[
        lightgbm.early_stopping(_PATIENCE, verbose=False), in_time])
    seconds = time.perf_counter() - start
    path = Path(order.folder) / "model.txt"
    model.booster_.save_model(path)
    ask = model.predict_proba if order.classification else model.predict
    seen = model.best_score_.get("valid_0", {})
    reported = next(iter(seen.values()), None)
    if not order.classification and reported is not None:
        reported = float(reported) ** 0.5
    return Done(seconds, lambda frame: ask(_typed(frame, kinds)),
                named(classes[model.classes_]) if order.classification else [], path,
                lightgbm.__version__, reported, None,
                {"rounds": int(model.booster_.current_iteration())})


def _typed(X: pd.DataFrame, kinds: dict[str, pd.CategoricalDtype]) -> pd.DataFrame:
    """Words as categories; names as LightGBM allows them."""
    typed = X.assign(**{name: X[name].astype(object).where(X[name].isna(), X[name].astype(str))
                        .astype(kind) for name, kind in kinds.items()})
    typed.columns = [f"c{at}" for at in range(typed.shape[1])]
    return typed


if __name__ == "__main__":
    main(work)
