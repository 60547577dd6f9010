"""One file a tool: fit, answer, measure. Each is run by the Python of its own environment."""
