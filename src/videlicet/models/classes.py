"""The 1,000 ImageNet classes as words and as text vectors."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from videlicet.errors import StoreError
from videlicet.models.base import ModelCard, TextEncoder
from videlicet.models.weights import open_files
from videlicet.models.weights.store import write_atomically

if TYPE_CHECKING:
    from videlicet.models.base import Floats
    from videlicet.settings import Settings

#: Raised when the same card comes to give other vectors.
_EDITION = 1
_NAMES = "imagenet1k_clean_names.json"
_DESCRIPTIONS = "imagenet1k_gpt_names_descriptions.json"


def class_names(files: Mapping[str, Path]) -> list[str]:
    """One plain English name for each class, in the order of the network's outputs."""
    return [str(name) for name in json.loads(files[_NAMES].read_text("utf-8"))]


def class_vectors(card: ModelCard, settings: Settings, text: TextEncoder) -> Floats:
    """One unit vector for each class in the text encoder's space, shape (1000, dimensions).

    Encoding a thousand descriptions takes some seconds, so the result is kept beside the
    weights under a name that changes with everything it depends on.
    """
    path = settings.weights / "derived" / f"{_key(card, text.card)}.npy"
    shape = (1000, text.dimensions)
    try:
        kept: Floats = np.load(path, allow_pickle=False)
        if kept.shape == shape and kept.dtype == np.float32:
            return kept
    except (FileNotFoundError, ValueError, EOFError):
        # Not computed yet, or not whole: computed again.
        pass
    vectors = _compute(card, open_files(settings, card), text)
    stream = io.BytesIO()
    np.save(stream, vectors, allow_pickle=False)
    try:
        write_atomically(path, stream.getvalue(), mode=0o644)
    except StoreError as error:
        # A shared, read-only folder of weights only costs the time to compute them.
        if error.code != "store_not_writable":
            raise
    return vectors


def _compute(card: ModelCard, files: Mapping[str, Path], text: TextEncoder) -> Floats:
    words = class_names(files)
    names = text.encode(words).astype(np.float64)
    weight = float(str(card.preprocessing["description_weight"]))
    if weight:
        rows = json.loads(files[_DESCRIPTIONS].read_text("utf-8"))
        # Some classes have no description; their name stands for it.
        told = [rows.get(str(i), {}).get("description", name) for i, name in enumerate(words)]
        names += weight * text.encode([_fitting(text, description) for description in told])
    names /= np.linalg.norm(names, axis=1, keepdims=True)
    return np.asarray(names, dtype=np.float32)


def _fitting(text: TextEncoder, description: str) -> str:
    """As many whole sentences from the start as the encoder reads."""
    sentences = re.split(r"(?<=[.;])\s+", description)
    while len(sentences) > 1 and text.count_tokens(" ".join(sentences)) > text.max_tokens:
        sentences.pop()
    return " ".join(sentences)


def _key(card: ModelCard, text: ModelCard) -> str:
    matter = {
        "edition": _EDITION,
        "files": sorted(f.sha256 for f in (*card.files, *text.files) if "lite" not in f.name),
        "texts": {k: v for k, v in card.preprocessing.items() if k.startswith("desc")},
    }
    return hashlib.sha256(json.dumps(matter, sort_keys=True).encode()).hexdigest()
