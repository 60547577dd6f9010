"""LitServe, as its documentation shows a service.  python litserve_app.py MODEL.joblib PORT"""

import sys

import joblib
import litserve
import pandas as pd


class Model(litserve.LitAPI):
    def setup(self, device):
        self.model = joblib.load(sys.argv[1])

    def decode_request(self, request):
        return pd.DataFrame(request if isinstance(request, list) else [request])

    def predict(self, x):
        return self.model.predict_proba(x)

    def encode_response(self, output):
        return {"probabilities": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Model(), accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[2]), host="127.0.0.1", num_api_servers=1, log_level="warning",
               generate_client_file=False)
