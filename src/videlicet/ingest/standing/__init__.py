"""Standing queries: saved once, tried against every new asset of an index."""
