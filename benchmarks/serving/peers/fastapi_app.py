"""The FastAPI service that people write: a typed row, a joblib file, uvicorn.

    python fastapi_app.py MODEL.joblib PORT ONE.json
"""

import json
import sys
from pathlib import Path

import joblib
import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import create_model

row = json.loads(Path(sys.argv[3]).read_text())
Row = create_model("Row", **{name: (float if isinstance(value, (int, float)) else str, ...)
                             for name, value in row.items()})
app = FastAPI()
model = joblib.load(sys.argv[1])


@app.post("/predict")
async def predict(row: Row):
    return {"probabilities": model.predict_proba(pd.DataFrame([row.model_dump()])).tolist()}


@app.post("/predict-many")
async def predict_many(rows: list[Row]):
    frame = pd.DataFrame([row.model_dump() for row in rows])
    return {"probabilities": model.predict_proba(frame).tolist()}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), loop="uvloop", http="httptools",
                access_log=False, log_level="warning")
