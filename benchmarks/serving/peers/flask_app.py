"""The Flask service that textbooks show: its own server, a joblib file, a row by name.

What they show fails for classes (numpy's numbers are no JSON) and runs with debug=True; both are
mended, or there would be nothing to measure.  python flask_app.py MODEL.joblib PORT
"""

import sys

import joblib
import pandas as pd
from flask import Flask, jsonify, request

app = Flask(__name__)
model = joblib.load(sys.argv[1])


@app.route("/predict", methods=["POST"])
def predict():
    data = request.get_json(force=True)
    rows = data if isinstance(data, list) else [data]
    return jsonify(results=model.predict_proba(pd.DataFrame(rows)).tolist())


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(sys.argv[2]), debug=False)
