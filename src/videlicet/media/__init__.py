"""From a file's bytes to exact frames and sound, with every hostile byte read in a child process.

The room's doors, each importable on its own so that nothing heavy loads before it is used:

* :mod:`videlicet.media.sources`: find files, folders, globs and addresses.
* :mod:`videlicet.media.fetch`: download an address, guarded against reaching private hosts.
* :mod:`videlicet.media.probe`: what a container holds, or a clear refusal.
* :mod:`videlicet.media.decode`: one pass over pictures, shots and sound.
* :mod:`videlicet.media.cut`: exact thumbnails, frames, clips and reels; query pictures and sounds.
* :mod:`videlicet.media.pages`: the pages of PDF documents, and what they say.
* :mod:`videlicet.media.remux`: copies with other chapters, nothing encoded anew.
* :mod:`videlicet.media.fork_server`: where the child processes come from.
* :mod:`videlicet.media.sandbox`: what confines the child processes on this machine.

``media/child`` is what runs inside those processes; nothing else imports it. The names below may
also be imported from here; they load when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from videlicet.media.cut import (
        QueryClip,
        cut_clip,
        frame,
        load_clip,
        load_image,
        load_sound,
        thumbnail,
        thumbnails,
    )
    from videlicet.media.decode import open_audio, open_decoder, open_video
    from videlicet.media.sources import find_sources

_HOME = {
    "QueryClip": "cut",
    "cut_clip": "cut",
    "find_sources": "sources",
    "frame": "cut",
    "load_clip": "cut",
    "load_image": "cut",
    "load_sound": "cut",
    "open_audio": "decode",
    "open_decoder": "decode",
    "open_video": "decode",
    "thumbnail": "cut",
    "thumbnails": "cut",
}

__all__ = [
    "QueryClip",
    "cut_clip",
    "find_sources",
    "frame",
    "load_clip",
    "load_image",
    "load_sound",
    "open_audio",
    "open_decoder",
    "open_video",
    "thumbnail",
    "thumbnails",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
