"""Fitted models as numpy alone: what an artifact answers with."""
