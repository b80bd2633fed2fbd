"""Language and vision-language models as analysis backends; only supported sentences are kept."""
