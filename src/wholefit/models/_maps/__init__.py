"""Estimators of projections and maps, and how they are read into State."""
