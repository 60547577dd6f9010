"""Servers of the same models, side by side; see `python -m benchmarks.serving --help`."""
