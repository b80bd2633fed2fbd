"""Data of a JSON schema, and segments with fields, filled from evidence and never invented."""
