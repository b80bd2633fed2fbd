"""JSON schemas: checked, resolved into what each place may hold, and always met."""

from videlicet.analyze.structured.schema.reading import Schema, read

__all__ = ["Schema", "read"]
