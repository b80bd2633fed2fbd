"""Vectors of single inputs: words, pictures, and stretches of sound or video, as they come with a
request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from videlicet.embedding import documents
from videlicet.embedding.space import Component, fuse, join, of_frames
from videlicet.embedding.spans import TimedVectors
from videlicet.embedding.texts import embed_texts, require_meaning
from videlicet.errors import MediaError
from videlicet.media import pages
from videlicet.media.cut import load_audio, load_image
from videlicet.media.decode import open_video
from videlicet.media.probe import probe
from videlicet.media.records import DecodedFrame, VideoRequest
from videlicet.models.base import SOUND_RATE, rows_in
from videlicet.types import Instant, Span, instant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.models.base import AudioEncoder, FrameEncoder, SpeechRecognizer, TextEncoder
    from videlicet.settings import Settings

    Floats = NDArray[np.float32]

#: Longest recording that is read while somebody waits, in seconds; and most pages.
LONGEST = 600.0
MOST_PAGES = 64


@dataclass(frozen=True, slots=True)
class EmbeddingModels:
    """What the inputs are read with."""

    text: TextEncoder
    vision: FrameEncoder
    speech: SpeechRecognizer
    sound: AudioEncoder


def embed_lines(models: EmbeddingModels, lines: Sequence[str]) -> tuple[Floats, list[int]]:
    """Vectors of texts (n, 512), however long, and how many tokens each has.

    Raises:
        InvalidInput: ``invalid_argument``, the encoder knows nothing of one.
    """
    rows, counts = _embed_on_screen_text(models, lines)
    require_meaning(rows)
    return rows, counts


def _embed_on_screen_text(
    models: EmbeddingModels, lines: Sequence[str]
) -> tuple[Floats, list[int]]:
    counts = [models.text.count_tokens(line) for line in lines]
    return join({Component.MEANING: embed_texts(models.text, lines)}), counts


def embed_images(
    models: EmbeddingModels, sources: Sequence[bytes | Path], settings: Settings
) -> Floats:
    """Vectors of pictures (n, 512)."""
    frames = [load_image(source, settings) for source in sources]
    return of_frames(models.text, models.vision, models.vision.encode_frames(frames))


def embed_document(
    models: EmbeddingModels, source: bytes | Path, settings: Settings, *, pdf: bool
) -> tuple[Floats, list[int]]:
    """The vector of a PDF, or of a plain text in UTF-8 (512,), and how many tokens each stretch of
    its text has. Of a PDF it is the mean of its pages' and its text's.

    Raises:
        InvalidInput: ``invalid_argument``, the encoder knows nothing of a plain text.
        MediaError: ``media_not_recognised``, it is no plain text, empty, or too long; or what is
            wrong with a PDF (see :func:`videlicet.embedding.documents.embed_pdf`).
    """
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if pdf:
        most = min(MOST_PAGES, documents.token_budget(size))
        rows = list(documents.page_rows(models.text, models.vision, source, settings, most))
        text = documents.extract_text(source, settings, most)
        parts = documents.split_text(text, documents.DEFAULT_LENGTH, 0)
        seen = fuse(rows)
        if not parts:
            return seen, []
        said, counts = _embed_on_screen_text(models, parts)
        return fuse([seen, fuse(list(said))]), counts
    data = b""
    if size <= documents.LONGEST:
        data = source if isinstance(source, bytes) else source.read_bytes()
    text = data.decode("utf-8", "replace")
    if not text.strip() or "\0" in text:
        raise MediaError(
            "media_not_recognised",
            f"The document is no plain text of at most {documents.LONGEST} bytes.",
        )
    said, counts = _embed_on_screen_text(
        models, documents.split_text(text, documents.DEFAULT_LENGTH, 0)
    )
    whole = fuse(list(said))
    require_meaning(whole[None])
    return whole, counts


def is_pdf(source: bytes | Path) -> bool:
    """Whether a file, or its bytes, is a PDF by how it begins."""
    if isinstance(source, bytes):
        return pages.is_pdf(source)
    with source.open("rb") as file:
        return pages.is_pdf(file.read(1024))


def embed_recording(
    models: EmbeddingModels,
    source: bytes | Path,
    settings: Settings,
    options: Sequence[str],
    check: Callable[[float], None],
) -> tuple[Span, dict[str, TimedVectors]]:
    """What the models say along a short recording, as timed vectors (see
    :func:`videlicet.embedding.clips.embed_clips`). ``check`` is called with its seconds before
    anything else is done, and may refuse them.

    Raises:
        MediaError: it cannot be read.
    """
    media = probe(source, settings)
    check(float(media.span.duration))
    vectors: dict[str, TimedVectors] = {}
    if "visual" in options and media.video is not None:
        vectors |= _embed_frames(models, source, settings)
    if media.audio and {"audio", "transcription"} & set(options):
        heard = load_audio(source, settings, longest=LONGEST)
        if "audio" in options and heard.samples.size:
            vectors["sounds"] = _embed_sound(models, heard.samples, heard.start)
        if "transcription" in options:
            vectors |= _embed_speech(models, heard.samples, heard.start)
    return media.span, vectors


def _embed_frames(
    models: EmbeddingModels, source: bytes | Path, settings: Settings
) -> dict[str, TimedVectors]:
    spans: list[Span] = []
    features: list[Floats] = []
    semantics: list[Floats] = []
    batch: list[DecodedFrame] = []

    def flush() -> None:
        seen = models.vision.encode_frames([frame.image for frame in batch])
        features.extend(seen.features)
        meaning = rows_in(models.text.card.space, models.vision, seen)
        semantics.extend(() if meaning is None else meaning)
        spans.extend(Span(frame.time, frame.time + frame.duration) for frame in batch)
        batch.clear()

    request = VideoRequest(rate=settings.sample_rate, shots=False)
    with open_video(source, settings, request) as events:
        for event in events:
            if isinstance(event, DecodedFrame):
                batch.append(event)
                if len(batch) == models.vision.batch_size:
                    flush()
        if batch:
            flush()
    if not spans:
        return {}
    looks = {"looks": TimedVectors(spans, np.stack(features))}
    return (
        looks if not semantics else {"meaning": TimedVectors(spans, np.stack(semantics)), **looks}
    )


def _embed_sound(models: EmbeddingModels, sound: Floats, origin: Instant) -> TimedVectors:
    rows = models.sound.embed(sound)
    step = instant(models.sound.window)
    return TimedVectors(
        [Span(origin + n * step, origin + (n + 1) * step) for n in range(len(rows))], rows
    )


def _embed_speech(
    models: EmbeddingModels, sound: Floats, origin: Instant
) -> dict[str, TimedVectors]:
    spans, lines = [], []
    for start, end in models.speech.speech_spans(sound):
        first = int(start * SOUND_RATE)
        for at in range(first, int(end * SOUND_RATE), 30 * SOUND_RATE):
            part = sound[at : min(at + 30 * SOUND_RATE, int(end * SOUND_RATE))]
            for a, b, said in models.speech.transcribe(part):
                offset = at / SOUND_RATE
                spans.append(Span(origin + instant(offset + a), origin + instant(offset + b)))
                lines.append(said.text)
    return {"words": TimedVectors(spans, embed_texts(models.text, lines))} if lines else {}
