"""The code that runs models, by the name that cards use.

An architecture is called with the card, the settings and a function that loads another card's
model, and returns a model that meets the protocol of the card's role
(:mod:`videlicet.models.base`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from videlicet.models.base import ModelCard
from videlicet.registry import Registry

if TYPE_CHECKING:
    from videlicet.settings import Settings

LoadModel = Callable[[str], Any]
Architecture = Callable[[ModelCard, "Settings", LoadModel], object]

ARCHITECTURES: Registry[Architecture] = Registry("videlicet.architectures", "architecture")
for _name, _path in (
    ("sentence-encoder", "text:SentenceEncoder"),
    ("efficientnet-lite", "vision:EfficientNetLite"),
    ("rapidocr", "ocr.reader:PaddleReader"),
    ("whisper", "audio.speech:Whisper"),
    ("whisper-sound", "audio.sound:WhisperSound"),
    ("fake", "fakes:load_fake"),
):
    ARCHITECTURES.add_lazy(_name, f"videlicet.models.{_path}")
