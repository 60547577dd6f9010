"""Machinery of the models that make new rows."""
