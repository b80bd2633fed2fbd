"""Forward migrations of the tables."""
