"""Networks as scikit-learn estimators. Imports torch and scikit-learn: import when building.

    made = NetworkClassifier({"network": "mlp", "hidden": [64]}, {"epochs": 30}).fit(X, y)
    made.predict_proba(X)
    state_of(made, n_classes=3)          # State("network"), which a scorer answers with
    restored(NetworkClassifier(...), state).partial_fit(X_more, y_more)
"""

from wholefit.models._networks._estimators import NetworkClassifier, NetworkRegressor
from wholefit.models._networks._states import restored, state_of

__all__ = ["NetworkClassifier", "NetworkRegressor", "restored", "state_of"]
