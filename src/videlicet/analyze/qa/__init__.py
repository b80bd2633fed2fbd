"""The built-in backend's parts: extractive answers from evidence, without a language model."""
