"""Accuracy of networks from scratch, by recipes that stand in the library, with minutes."""
