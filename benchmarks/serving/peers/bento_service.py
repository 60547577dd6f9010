"""BentoML, as its documentation shows a service.  BENTO_MODEL=... bentoml serve bento_service:Model
"""

import os
from typing import Any

import bentoml
import joblib
import pandas as pd


@bentoml.service(workers=1)
class Model:
    def __init__(self) -> None:
        self.model = joblib.load(os.environ["BENTO_MODEL"])

    @bentoml.api
    def predict(self, rows: list[dict[str, Any]]) -> list[list[float]]:
        return self.model.predict_proba(pd.DataFrame(rows)).tolist()
