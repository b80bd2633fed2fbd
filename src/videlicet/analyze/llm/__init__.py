"""Language and vision-language models as analysts: asked with evidence, believed only with it."""
