"""Generators measured: modes of a ring, pictures of all classes, tables beside their data."""
