"""Estimators of clusters, and how they are read into State."""
