"""Estimators of strangeness, and how they are read into State."""
