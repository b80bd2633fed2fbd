"""Shares of the library: verbs that belong together, each group a base of ``Library``."""
