"""Saved searches: saved once, evaluated against every new asset of an index."""
