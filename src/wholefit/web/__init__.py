"""The web face: small pages over the same verbs, served to this machine only."""
