"""Pictures as evidence: what can be seen and read in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from videlicet.analyze.evidence.images import ImageModels, image_evidence
from videlicet.models.cards import chosen_cards
from videlicet.services.media import MAX_PICTURE_SIZE, MediaSource, open_media
from videlicet.services.problems import invalid

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.models.base import OcrReader
    from videlicet.services.caller import Caller

#: Where a prompt refers to a picture by its name.
_REFERENCE = re.compile(r"<@([^<>@]{1,64})>")


@dataclass(frozen=True, slots=True)
class NamedImage:
    """A picture that prompts refer to by name."""

    name: str
    source: MediaSource


def read_images(caller: Caller, images: Sequence[NamedImage]) -> list[tuple[str, bytes]]:
    """The names and bytes of pictures, in their order.

    Raises:
        InvalidInput: ``invalid_argument``, two have the same name; or what is wrong with one.
    """
    if len({one.name for one in images}) < len(images):
        raise invalid("image: two pictures have the same name.")
    found = []
    for one in images:
        with open_media(caller, one.source, MAX_PICTURE_SIZE) as media:
            found.append((one.name, media if isinstance(media, bytes) else media.read_bytes()))
    return found


def load_images(caller: Caller, images: Sequence[NamedImage]) -> list[AssetEvidence]:
    """What can be seen and read in pictures, in their order.

    Raises:
        InvalidInput: as for :func:`read_images`.
    """
    encoders = caller.platform.encoders(chosen_cards(caller.settings.models))
    reader = cast("OcrReader", encoders.model(encoders.cards["ocr"]))
    models = ImageModels(encoders.text, encoders.vision, reader)
    return [
        image_evidence(name, data, models, caller.settings)
        for name, data in read_images(caller, images)
    ]


def describe_references(caller: Caller, text: str, images: Sequence[NamedImage]) -> str:
    """A text in which each ``<@name>`` is replaced by what is in the picture of this name.

    Raises:
        InvalidInput: ``invalid_argument``, there is no picture of a name.
    """
    names = set(_REFERENCE.findall(text))
    known = {one.name: one for one in images}
    if strange := names - set(known):
        raise invalid(f"There is no picture named {min(strange)!r} among media_sources.")
    if not names:
        return text
    by_name = {
        evidence.asset.name: ", ".join(item.text for item in evidence.items)
        for evidence in load_images(caller, [known[name] for name in sorted(names)])
    }
    return _REFERENCE.sub(lambda found: by_name[found[1]] or found[1], text)
