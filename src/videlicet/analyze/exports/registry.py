"""The exporters: ours, and those of installed packages.

A package adds one by an entry point of the group ``videlicet.exporters``, an
:class:`~videlicet.analyze.exports.exporter.Exporter` whose entry is named ``subject.format``.
"""

from __future__ import annotations

from videlicet.analyze.exports import chapters, reel, subtitles, tables, timelines
from videlicet.analyze.exports.exporter import Exporter, Subject
from videlicet.errors import InvalidInput
from videlicet.registry import Registry

EXPORTERS: Registry[Exporter] = Registry(
    "videlicet.exporters", "exporter", is_valid=lambda entry: isinstance(entry, Exporter)
)
EXPORTERS.add("subtitles.srt", subtitles.SRT)
EXPORTERS.add("subtitles.vtt", subtitles.VTT)
EXPORTERS.add("chapters.youtube", chapters.YOUTUBE)
EXPORTERS.add("chapters.podlove", chapters.PODLOVE)
EXPORTERS.add("chapters.podlove-xml", chapters.PODLOVE_XML)
EXPORTERS.add("chapters.vtt", chapters.VTT)
EXPORTERS.add("chapters.ffmetadata", chapters.FFMETADATA)
EXPORTERS.add("cuts.otio", timelines.OTIO)
EXPORTERS.add("cuts.edl", timelines.EDL)
EXPORTERS.add("cuts.clips", reel.CLIPS)
EXPORTERS.add("cuts.reel", reel.REEL)
EXPORTERS.add("matrix.csv", tables.CSV)
EXPORTERS.add("matrix.json", tables.JSON)
EXPORTERS.add("matrix.parquet", tables.PARQUET)


def formats(subject: Subject) -> list[str]:
    """The forms that something can be exported in; no package is imported for it."""
    head = f"{subject}."
    return [name.removeprefix(head) for name in EXPORTERS.names() if name.startswith(head)]


def documents(subject: Subject) -> dict[str, Exporter]:
    """The exporters of a subject that render documents, by their format."""
    found = {one: EXPORTERS.get(f"{subject}.{one}") for one in formats(subject)}
    return {one: exporter for one, exporter in found.items() if exporter.render is not None}


def render(name: str, data: object) -> bytes:
    """A document of something, by the name of the exporter. ``data`` is the record of its subject.

    Raises:
        InvalidInput: ``invalid_argument``, there is no such exporter, or it writes media files.
    """
    exporter = EXPORTERS.get(name)
    if exporter.render is None:
        raise InvalidInput(
            "invalid_argument", f"The exporter {name!r} writes media files, no document.",
            subject=name,
        )  # fmt: skip
    return exporter.render(data)
