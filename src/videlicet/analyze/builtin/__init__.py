"""The built-in analyst: it needs no language model, quotes evidence, and says nothing else."""
