"""Explain: a fitted model -> reasons."""
