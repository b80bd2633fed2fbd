"""Questions for somebody's own recording, made of what the models found in it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.demo.question import DemoQuestion, Place
from videlicet.types import Asset, Instant, Modality, Span

if TYPE_CHECKING:
    from videlicet.library import Library

#: Questions of each kind of words.
_EACH = 3
#: Words of a question, and of an exact phrase.
_LONGEST, _PHRASE = 12, 4
_CLIP_S = 3


def questions_for(library: Library, asset: Asset, folder: Path) -> list[DemoQuestion]:
    """Up to a dozen questions over the modalities that ``asset`` has.

    Each is taken from the moment that answers it, so this shows the search at work, and not how
    much the models saw. Clips to ask with are made in ``folder``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spoken = list(_words(library, asset, Modality.SPEECH, "words → speech"))
    return [
        *spoken,
        *(phrase for question in spoken[:1] for phrase in _phrase(question)),
        *_words(library, asset, Modality.TEXT, "words → screen"),
        *_words(library, asset, Modality.VISUAL, "words → picture"),
        *_media(library, asset, folder),
    ]


def _words(library: Library, asset: Asset, modality: Modality, kind: str) -> Iterator[DemoQuestion]:
    """The best words of a modality: long and certain. Right is every moment that has them."""
    best: dict[str, float] = {}
    places: dict[str, list[Place]] = {}
    for row in library.observations(asset.id, modality):
        if not (text := row.text):
            continue
        worth = 1.0 if row.confidence is None else row.confidence
        if modality is not Modality.VISUAL:
            worth *= min(_LONGEST, len(text.split()))
        text = " ".join(text.replace('"', " ").split()[:_LONGEST])
        if len(text) > 2:
            best[text] = max(worth, best.get(text, 0.0))
            places.setdefault(text, []).append(Place(asset.name, asset.to_display_time(row.span)))
    for text in sorted(best, key=lambda text: (-best[text], text))[:_EACH]:
        arguments = {"query": text, "modalities": (modality,)}
        yield DemoQuestion(kind, text, arguments, tuple(places[text]))


def _phrase(question: DemoQuestion) -> Iterator[DemoQuestion]:
    """A few words from the middle of what was said, in quotation marks."""
    words = [word.strip(".,!?;:…") for word in question.label.split()]
    start = max(0, (len(words) - _PHRASE) // 2)
    phrase = f'"{" ".join(words[start : start + _PHRASE])}"'
    yield DemoQuestion("exact phrase", phrase, {"query": phrase}, question.expected)


def _media(library: Library, asset: Asset, folder: Path) -> Iterator[DemoQuestion]:
    """A frame, a clip and a sound from three places of the recording."""
    from PIL import Image

    from videlicet.media.cut import cut_clip, frame

    path, whole = library.original(asset), asset.media.span

    def cut(start: Instant, name: str) -> tuple[Path, Span]:
        span = Span(start, min(whole.end, start + _CLIP_S))
        cut_clip(path, span, folder / name, library.settings)
        return folder / name, span

    if asset.media.video is not None:
        at = whole.start + whole.duration * 3 / 10
        data = io.BytesIO()
        picture = Image.fromarray(frame(path, at, library.settings, max_side=640))
        picture.save(data, "JPEG", quality=60)
        displayed = asset.to_display_time(Span(at, at))
        label = f"the frame at {float(displayed.start):.1f} s"
        yield DemoQuestion(
            "picture", label, {"image": data.getvalue()}, (Place(asset.name, displayed),)
        )
        clip, span = cut(whole.start + whole.duration * 6 / 10, "clip.mp4")
        yield _stretch("clip", {"video": clip}, asset, span)
    if asset.media.audio:
        # Where somebody speaks it is not silent.
        spoken = library.observations(asset.id, Modality.SPEECH)
        start = spoken[-1].span.start if spoken else whole.start + whole.duration * 8 / 10
        sound, span = cut(start, "sound.mp4")
        yield _stretch("sound", {"audio": sound}, asset, span)


def _stretch(kind: str, arguments: dict[str, Path], asset: Asset, span: Span) -> DemoQuestion:
    displayed = asset.to_display_time(span)
    label = f"{float(displayed.duration):.1f} s from {float(displayed.start):.1f} s on"
    return DemoQuestion(kind, label, arguments, (Place(asset.name, displayed),))
