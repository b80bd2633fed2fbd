"""JSON schemas: checked, resolved into what each place may hold, and always met."""

from videlicet.analyze.extraction.schema.reading import Schema, read

__all__ = ["Schema", "read"]
