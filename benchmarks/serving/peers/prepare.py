"""Run by a peer's own Python: the same models by scikit-learn and LightGBM, saved as it does.

    python prepare.py FOLDER MODEL PEER
"""

import json
import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

TARGET = "income"
words = make_column_selector(dtype_include=object)
numbers = make_column_selector(dtype_include="number")


def lightgbm():
    from lightgbm import LGBMClassifier

    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return make_pipeline(
        make_column_transformer((codes, words), remainder="passthrough"),
        LGBMClassifier(n_estimators=100, learning_rate=0.1, num_leaves=31, verbosity=-1, n_jobs=1))


def scaled(estimator):
    shares = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_pipeline(
        make_column_transformer((shares, words), (StandardScaler(), numbers)), estimator)


MODELS = {
    "lightgbm": lightgbm,
    "logistic": lambda: scaled(LogisticRegression(max_iter=500)),
    "mlp": lambda: scaled(MLPClassifier((64,), max_iter=15, random_state=0)),
}


def main(folder, name, peer):
    table = pd.read_csv(folder / "train.csv")
    for column in table.columns:
        if not pd.api.types.is_numeric_dtype(table[column]):
            table[column] = table[column].astype(object)
    X, y = table.drop(columns=TARGET), (table[TARGET] == table[TARGET].max()).astype(int)
    X = X.astype({c: "float64" for c in X.columns if pd.api.types.is_numeric_dtype(X[c])})
    model = MODELS[name]().fit(X, y)
    joblib.dump(model, folder / f"{name}.{peer}.joblib")
    if peer == "mlflow":
        import mlflow

        place = folder / f"{name}.mlflow"
        if not place.exists():
            mlflow.sklearn.save_model(model, place, pyfunc_predict_fn="predict_proba",
                                      serialization_format="cloudpickle")
    one = pd.DataFrame([json.loads((folder / "one.json").read_text())])
    print(model.predict_proba(one)[0].tolist())


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
