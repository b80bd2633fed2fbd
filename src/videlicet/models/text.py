"""Sentences to vectors: encoders of the BERT family as Sentence-Transformers (Reimers and Gurevych,
2019) tunes them, MiniLM (Wang et al., 2020) among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Tokenizer

from videlicet.models.base import ModelCard
from videlicet.models.runtime import Graph
from videlicet.models.weights import open_files

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Encoding

    from videlicet.models.architectures import LoadModel
    from videlicet.models.base import Floats
    from videlicet.settings import Settings

_BATCH = 32
#: States of the last layer, shape (texts, tokens, dimensions), to one row for each text.
_POOLING: Mapping[str, Callable[[Floats], NDArray[np.float64]]] = {
    "mean": lambda states: states.mean(axis=1, dtype=np.float64),
    "first": lambda states: states[:, 0].astype(np.float64),
}


class SentenceEncoder:
    """A graph ``model.onnx`` with ``tokenizer.json``. A sentence is the mean of the last layer's
    token states or its first one, as the card's ``pooling`` says, at unit length."""

    def __init__(self, card: ModelCard, settings: Settings, load: LoadModel) -> None:
        files = open_files(settings, card)
        pooling = str(card.preprocessing["pooling"])
        self._pool = _POOLING[pooling]
        self.card = card
        self.dimensions = card.dimensions or 0
        self.max_tokens = int(str(card.preprocessing["max_tokens"]))
        self._tokenizer = Tokenizer.from_file(str(files["tokenizer.json"]))
        # The file asks for both; cutting and padding are decided here.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._unknown = self._tokenizer.token_to_id("[UNK]")
        self._graph = Graph(files["model.onnx"])

    def encode(self, texts: Sequence[str]) -> Floats:
        """Shape (len(texts), dimensions), rows of unit length; zeros for a text of which the model
        knows no part.

        A row depends on its own text only: texts of different length never share a batch, so
        there is no padding.

        Raises:
            ValueError: a text has more tokens than ``max_tokens``.
        """
        rows = np.empty((len(texts), self.dimensions), np.float32)
        by_length: dict[int, list[tuple[int, Encoding]]] = {}
        for number, encoding in enumerate(self._tokenizer.encode_batch(list(texts))):
            if len(encoding.ids) > self.max_tokens:
                raise ValueError(
                    f"text {number} has {len(encoding.ids)} tokens; {self.card.id} reads "
                    f"{self.max_tokens}"
                )
            by_length.setdefault(len(encoding.ids), []).append((number, encoding))
        for group in by_length.values():
            for first in range(0, len(group), _BATCH):
                batch = group[first : first + _BATCH]
                rows[[number for number, _ in batch]] = self._states([e.ids for _, e in batch])
        return rows

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text``, with the two marks around it."""
        return len(self._tokenizer.encode(text).ids)

    def _states(self, ids: list[list[int]]) -> Floats:
        tokens = np.asarray(ids, dtype=np.int64)
        (states,) = self._graph.run(
            {
                "input_ids": tokens,
                "attention_mask": np.ones_like(tokens),
                "token_type_ids": np.zeros_like(tokens),
            }
        )
        pooled = self._pool(states)
        rows = np.asarray(pooled / np.linalg.norm(pooled, axis=1, keepdims=True), dtype=np.float32)
        # Of a text in which it knows nothing (another script, say) the model has nothing to say:
        # all such texts would mean the same.
        rows[(tokens[:, 1:-1] == self._unknown).all(axis=1)] = 0
        return rows
