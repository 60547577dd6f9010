"""The script a good practitioner writes by hand: read, pipeline, 5 folds, refit.

Usage: handwritten.py FILE TARGET MODEL   (MODEL: linear, forest, lightgbm)
"""

from __future__ import annotations

import resource
import sys

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

JOBS = 2


def learner(model: str, classes: bool):
    if model == "linear":
        from sklearn.linear_model import LogisticRegression, Ridge

        return LogisticRegression(max_iter=1000) if classes else Ridge()
    if model == "forest":
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        kind = RandomForestClassifier if classes else RandomForestRegressor
        return kind(n_estimators=100, n_jobs=JOBS, random_state=0)
    import lightgbm

    kind = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
    return kind(n_estimators=500, n_jobs=JOBS, random_state=0, verbosity=-1)


def main(path: str, target: str, model: str) -> None:
    frame = pd.read_csv(path)
    frame = frame.dropna(subset=[target])
    y = frame.pop(target)
    classes = not pd.api.types.is_float_dtype(y) and y.nunique() < 100
    numbers = frame.select_dtypes("number").columns
    words = frame.columns.difference(numbers)
    if model == "linear":
        columns = make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            (make_pipeline(SimpleImputer(strategy="most_frequent"),
                           OneHotEncoder(handle_unknown="ignore")), words),
        )
    else:
        columns = make_column_transformer(
            ("passthrough", numbers),
            (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), words),
        )
    pipeline = make_pipeline(columns, learner(model, classes))
    split = StratifiedKFold if classes else KFold
    folds = split(5, shuffle=True, random_state=0)
    method = "predict_proba" if classes else "predict"
    held_out = cross_val_predict(pipeline, frame, y, cv=folds, method=method)
    score = log_loss(y, held_out) if classes else root_mean_squared_error(y, held_out)
    pipeline.fit(frame, y)
    print(f"score={score}")
    print(f"rows={len(np.asarray(y))}")


if __name__ == "__main__":
    main(*sys.argv[1:4])
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"cpu={used.ru_utime + used.ru_stime}")
    print(f"peak={used.ru_maxrss / 1024}")
