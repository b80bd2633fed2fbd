"""The exporters: ours, and those of installed packages.

A package adds one by an entry point of the group ``videlicet.exporters``, an
:class:`~videlicet.analyze.exports.exporter.Exporter` whose entry is named ``subject.format``.
"""

from __future__ import annotations

from videlicet.analyze.exports.exporter import Exporter, Subject
from videlicet.errors import InvalidInput
from videlicet.registry import Registry

EXPORTERS: Registry[Exporter] = Registry(
    "videlicet.exporters", "exporter", is_valid=lambda entry: isinstance(entry, Exporter)
)
for _name, _path in {
    "subtitles.srt": "subtitles:SRT",
    "subtitles.vtt": "subtitles:VTT",
    "chapters.youtube": "chapters:YOUTUBE",
    "chapters.podlove": "chapters:PODLOVE",
    "chapters.podlove-xml": "chapters:PODLOVE_XML",
    "chapters.vtt": "chapters:VTT",
    "chapters.ffmetadata": "chapters:FFMETADATA",
    "cuts.otio": "timelines:OTIO",
    "cuts.edl": "timelines:EDL",
    "cuts.clips": "reel:CLIPS",
    "cuts.reel": "reel:REEL",
    "matrix.csv": "tables:CSV",
    "matrix.json": "tables:JSON",
    "matrix.parquet": "tables:PARQUET",
}.items():
    EXPORTERS.add_lazy(_name, f"videlicet.analyze.exports.{_path}")


def formats(subject: Subject) -> list[str]:
    """The forms that something can be exported in; nothing is imported."""
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
