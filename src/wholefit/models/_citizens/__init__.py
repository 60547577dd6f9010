"""Families without a target as scikit-learn estimators; `wholefit.estimators` shows them."""
