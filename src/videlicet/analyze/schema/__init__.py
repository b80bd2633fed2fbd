"""The JSON schemas that data is extracted by: a documented strict subset, read in linear time."""

from videlicet.analyze.schema.reader import ExtractionSchema, read_schema

__all__ = ["ExtractionSchema", "read_schema"]
