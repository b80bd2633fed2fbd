"""The analyst that needs no language model: it chooses from evidence, and never invents."""
