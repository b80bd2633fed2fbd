"""The 1,000 ImageNet classes: as words, as text vectors, and as directions among features."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping
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

    Encoding a thousand descriptions takes some seconds, so the result is kept.
    """
    matter = {
        "files": sorted(f.sha256 for f in (*card.files, *text.card.files) if "lite" not in f.name),
        "texts": {k: v for k, v in card.preprocessing.items() if k.startswith("desc")},
    }
    return _cached_array(
        settings, matter, (1000, text.dimensions),
        lambda: _compute(card, open_files(settings, card), text),
    )  # fmt: skip


def feature_basis(card: ModelCard, settings: Settings, network: Path) -> Floats:
    """The basis, shape (1280, card.dimensions), of what tells classes apart in the features of a
    network: the leading right singular vectors of its centred last layer.

    What the classifier does not look at is mostly light and noise; without it, different pictures
    lie further apart (docs/decisions/0006-vision.md).
    """
    assert card.dimensions is not None
    count = card.dimensions
    matter = {
        "basis": count,
        "network": next(f.sha256 for f in card.files if f.name == network.name),
    }
    return _cached_array(settings, matter, (1280, count), lambda: _basis(network, count))


def _basis(network: Path, count: int) -> Floats:
    import onnx

    layers = {t.name: t for t in onnx.load(str(network)).graph.initializer}
    weights = onnx.numpy_helper.to_array(layers["fc.weight"]).astype(np.float64)
    _, _, rows = np.linalg.svd(weights - weights.mean(axis=0), full_matrices=False)
    rows = rows[:count]
    # A singular vector's sign is arbitrary; fixed, every library gives the same basis.
    rows = rows * np.sign(rows[np.arange(count), np.abs(rows).argmax(axis=1)])[:, None]
    return np.ascontiguousarray(rows.T, dtype=np.float32)


def _cached_array(
    settings: Settings,
    matter: Mapping[str, object],
    shape: tuple[int, int],
    compute: Callable[[], Floats],
) -> Floats:
    """A derived array, computed once and kept beside the weights under a name that changes with
    everything it depends on."""
    text = json.dumps({"edition": _EDITION, **matter}, sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()
    path = settings.weights / "derived" / f"{name}.npy"
    try:
        found: Floats = np.load(path, allow_pickle=False)
        if found.shape == shape and found.dtype == np.float32:
            return found
    except (FileNotFoundError, ValueError, EOFError):
        # Not computed yet, or not whole: computed again.
        pass
    array = compute()
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    try:
        write_atomically(path, stream.getvalue(), mode=0o644)
    except StoreError as error:
        # A shared, read-only folder of weights only costs the time to compute it.
        if error.code != "store_not_writable":
            raise
    return array


def _compute(card: ModelCard, files: Mapping[str, Path], text: TextEncoder) -> Floats:
    words = class_names(files)
    names = text.encode(words).astype(np.float64)
    weight = float(str(card.preprocessing["description_weight"]))
    if weight:
        rows = json.loads(files[_DESCRIPTIONS].read_text("utf-8"))
        # Some classes have no description; their name is used instead.
        descriptions = [
            rows.get(str(i), {}).get("description", name) for i, name in enumerate(words)
        ]
        names += weight * text.encode(
            [_truncate_to_sentences(text, description) for description in descriptions]
        )
    names /= np.linalg.norm(names, axis=1, keepdims=True)
    return np.asarray(names, dtype=np.float32)


def _truncate_to_sentences(text: TextEncoder, description: str) -> str:
    """As many whole sentences from the start as the encoder reads."""
    sentences = re.split(r"(?<=[.;])\s+", description)
    while len(sentences) > 1 and text.count_tokens(" ".join(sentences)) > text.max_tokens:
        sentences.pop()
    return " ".join(sentences)
