"""Stand-ins for every model: no weights, the same answer every time, and enough sense to search by.

They let the whole of Videlicet be tested anywhere. Each one understands what the functions at the
end make: :func:`say` turns words into tones that :class:`ToneSpeech` hears, :func:`draw_text` draws
text that :class:`StripReader` reads, and plain colours are seen by name. Use their cards
(:data:`IDS`) for an index instead of the real ones.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from videlicet.models.base import SOUND_RATE, FrameEncoding, TextLine
from videlicet.models.cards import FAKES
from videlicet.types import Box, Span, Utterance, Word

if TYPE_CHECKING:
    from videlicet.models.architectures import LoadModel
    from videlicet.models.base import Floats, Frame, ModelCard
    from videlicet.settings import Settings


#: The card id of each role.
IDS = {role: card.id for role, card in FAKES.items()}


def load_fake(card: ModelCard, settings: Settings, load: LoadModel) -> object:
    """The stand-in of a card."""
    kinds = {
        "text": HashedText,
        "vision": ColourVision,
        "ocr": StripReader,
        "speech": ToneSpeech,
        "sound": PitchSound,
    }
    return kinds[card.role]()


class HashedText:
    """A sentence is the sum of one fixed random direction for each of its words."""

    card, dimensions, max_tokens = FAKES["text"], 64, 256

    def encode(self, texts: Sequence[str]) -> Floats:
        rows = [self._row(_words(text)) for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self.dimensions), np.float32)

    def count_tokens(self, text: str) -> int:
        return len(_words(text)) + 2

    def _row(self, words: Sequence[str]) -> Floats:
        total = np.sum([_direction(word, self.dimensions) for word in words or [""]], axis=0)
        return np.asarray(total / np.linalg.norm(total), dtype=np.float32)


def _words(text: str) -> list[str]:
    return [re.sub(r"(?<=..)s$", "", word) for word in re.findall(r"\w+", text.casefold())]


def _direction(word: str, dimensions: int) -> Floats:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).normal(size=dimensions).astype(np.float32)


#: Colours that :class:`ColourVision` knows by name.
COLOURS = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "red": (220, 20, 20),
    "green": (20, 160, 20),
    "blue": (20, 20, 220),
    "yellow": (230, 220, 20),
    "orange": (240, 140, 20),
    "purple": (130, 20, 160),
    "cyan": (20, 210, 220),
}


class ColourVision:
    """Sees how much of each colour a frame holds, and where."""

    card, dimensions, batch_size = FAKES["vision"], 64, 4

    def __init__(self) -> None:
        self._names = HashedText().encode(list(COLOURS))
        self._palette = np.array(list(COLOURS.values()), np.float32)

    def encode_frames(self, frames: Sequence[Frame]) -> FrameEncoding:
        shares = [self._shares(frame) for frame in frames]
        chances = np.stack(shares) if shares else np.zeros((0, len(COLOURS)), np.float32)
        features = [_unit(_corners(frame)) for frame in frames]
        names = list(COLOURS)
        return FrameEncoding(
            features=np.stack(features) if features else np.zeros((0, 64), np.float32),
            semantics=np.asarray(
                [_unit(row @ self._names) for row in chances], np.float32
            ).reshape(-1, 64),
            labels=tuple(
                tuple((names[i], float(row[i])) for i in np.argsort(-row, kind="stable")[:5])
                for row in chances
            ),
        )  # fmt: skip

    def _shares(self, frame: Frame) -> Floats:
        pixels = _reduced(frame, 16).reshape(-1, 1, 3)
        nearest = np.square(pixels - self._palette).sum(axis=2).argmin(axis=1)
        counts = np.bincount(nearest, minlength=len(self._palette))
        return np.asarray(counts / counts.sum(), dtype=np.float32)


def _reduced(frame: Frame, side: int) -> Floats:
    rows = np.linspace(0, frame.shape[0] - 1, side).astype(int)
    columns = np.linspace(0, frame.shape[1] - 1, side).astype(int)
    return np.asarray(frame[np.ix_(rows, columns)], dtype=np.float32)


def _corners(frame: Frame) -> Floats:
    """Mean colour of sixteen parts of the frame, around mid-grey, and its overall spread."""
    parts = _reduced(frame, 16).reshape(4, 4, 4, 4, 3).mean(axis=(1, 3)).reshape(16, 3)
    level = parts / np.float32(127.5) - 1
    joined = np.concatenate([level.reshape(-1), level.std(axis=1)])
    return np.asarray(joined, dtype=np.float32)


def _unit(row: Floats) -> Floats:
    return np.asarray(row / max(float(np.linalg.norm(row)), 1e-9), dtype=np.float32)


#: Words that can be said in tones, one pitch each.
VOCABULARY = tuple(
    "a the and of to in is it one two three four five six seven eight nine ten red blue green "
    "cat dog bird house street river mountain train car ship rocket astronaut coffee music "
    "hello goodbye yes no left right day night sun moon rain snow wind fire water milk".split()
)
_LOWEST, _STEP = 500, 40
_WORD, _GAP = 0.3, 0.1
_QUIET = 0.01


class ToneSpeech:
    """Hears what :func:`say` made; noise and silence are not speech."""

    card = FAKES["speech"]

    def speech_spans(self, sound: Floats) -> list[tuple[float, float]]:
        tones = self._tones(sound)
        spans: list[tuple[float, float]] = []
        for start, end, _ in tones:
            if spans and start - spans[-1][1] < 0.5:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
        return spans

    def transcribe(
        self, sound: Floats, language: str | None = None
    ) -> list[tuple[float, float, Utterance]]:
        found: list[tuple[float, float, Utterance]] = []
        for start, end in self.speech_spans(sound):
            words = tuple(
                Word(word, Span.of(begins, ends), 1.0)
                for begins, ends, word in self._tones(sound)
                if begins >= start and ends <= end
            )
            text = " ".join(word.text for word in words)
            found.append((start, end, Utterance(text, language or "en", 1.0, words)))
        return found

    def _tones(self, sound: Floats) -> list[tuple[float, float, str]]:
        frame = SOUND_RATE // 50
        count = len(sound) // frame
        level = np.sqrt(np.square(sound[: count * frame].reshape(count, frame)).mean(axis=1))
        loud = np.concatenate([[False], level > _QUIET, [False]])
        edges = np.flatnonzero(loud[1:] != loud[:-1]).tolist()
        found = []
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            word = _pitch_word(sound[first * frame : last * frame])
            if word is not None:
                found.append((first * frame / SOUND_RATE, last * frame / SOUND_RATE, word))
        return found


def _pitch_word(tone: Floats) -> str | None:
    if len(tone) < SOUND_RATE // 10:
        return None
    power = np.square(np.abs(np.fft.rfft(tone * np.hanning(len(tone)))))
    best = int(power.argmax())
    near = power[max(0, best - 3) : best + 4].sum()
    number = round((best * SOUND_RATE / len(tone) - _LOWEST) / _STEP)
    pure = near > 0.5 * power.sum()
    return VOCABULARY[number] if pure and 0 <= number < len(VOCABULARY) else None


class PitchSound:
    """How loud each of 32 pitches is in each window."""

    card, dimensions, window = FAKES["sound"], 32, 3.0

    def embed(self, sound: Floats) -> Floats:
        step = round(self.window * SOUND_RATE)
        rows = [self._row(sound[first : first + step]) for first in range(0, len(sound), step)]
        return np.stack(rows) if rows else np.zeros((0, self.dimensions), np.float32)

    def _row(self, part: Floats) -> Floats:
        power = np.square(np.abs(np.fft.rfft(part, 4096)))
        edges = np.geomspace(8, len(power), self.dimensions + 1).astype(int)
        bands = np.add.reduceat(power, edges[:-1])
        return _unit(np.sqrt(bands + 1e-6).astype(np.float32))


_CELL = 8
_HEADER = ((255, 0, 255), (0, 255, 0))


class StripReader:
    """Reads the strip that :func:`draw_text` draws along the bottom of a frame."""

    card = FAKES["ocr"]

    def find(self, frame: Frame) -> list[Box]:
        top = self._top(frame)
        height = frame.shape[0]
        return [] if top is None else [Box(0.0, top / height, 1.0, (height - top) / height)]

    def read(self, frame: Frame) -> list[TextLine]:
        boxes, top = self.find(frame), self._top(frame)
        if top is None:
            return []
        columns = frame.shape[1] // _CELL // 8 * 8
        cells = frame[top + _CELL + _CELL // 2 :: _CELL, _CELL // 2 :: _CELL].mean(axis=2) > 127
        data = np.packbits(cells[:, :columns].reshape(-1)).tobytes()
        length, text = data[0], data[1 : 1 + data[0]]
        if len(data) < length + 2 or data[1 + length] != sum(text) % 256:
            return []
        return [TextLine(text.decode("utf-8"), boxes[0], 1.0)]

    def _top(self, frame: Frame) -> int | None:
        if frame.shape[1] < 8 * _CELL:
            return None
        for top in range(frame.shape[0] - 2 * _CELL, 0, -_CELL):
            row = frame[top + _CELL // 2, _CELL // 2 :: _CELL].astype(int)
            wanted = np.array(_HEADER)[np.arange(len(row)) % 2]
            if np.abs(row - wanted).mean() < 60:
                return top
        return None


def synthesize_speech(*words: str) -> Floats:
    """Words of :data:`VOCABULARY` as tones, mono at 16 kHz."""
    time = np.arange(round(_WORD * SOUND_RATE)) / SOUND_RATE
    gap = np.zeros(round(_GAP * SOUND_RATE))
    parts = [gap]
    for word in words:
        pitch = _LOWEST + _STEP * VOCABULARY.index(word)
        parts += [0.5 * np.sin(2 * np.pi * pitch * time), gap]
    return np.concatenate(parts).astype(np.float32)


def draw_text(frame: Frame, text: str) -> Frame:
    """A copy of a frame with up to 255 bytes of text drawn along its bottom.

    Its height should be a multiple of 8 pixels, its width one of 64.
    """
    data = text.encode("utf-8")
    columns = frame.shape[1] // _CELL // 8 * 8
    bits = np.unpackbits(np.frombuffer(bytes([len(data)]) + data + bytes([sum(data) % 256]), "u1"))
    rows = -(-len(bits) // columns)
    cells = np.zeros((rows, columns), np.uint8)
    cells.reshape(-1)[: len(bits)] = bits * 255
    band = cells.repeat(_CELL, axis=0).repeat(_CELL, axis=1)[..., None].repeat(3, axis=2)
    drawn = frame.copy()
    top = frame.shape[0] - (rows + 1) * _CELL
    drawn[top + _CELL :, : band.shape[1]] = band
    header = np.array(_HEADER, np.uint8)[np.arange(frame.shape[1]) // _CELL % 2]
    drawn[top : top + _CELL] = header
    return drawn
