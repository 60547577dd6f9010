"""Estimators that recommend, and how they are read into State."""
