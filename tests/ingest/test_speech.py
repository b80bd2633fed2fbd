from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from videlicet.ingest.passes.speech import (
    LONGEST,
    LONGEST_GAP,
    LOOK,
    SoundCutter,
    SpeechChunk,
    SpeechCutter,
    pack,
    split,
)
from videlicet.models.base import SOUND_RATE

Floats = NDArray[np.float32]


def loud(sound: Floats) -> list[tuple[float, float]]:
    """Speech is where the sound is not nought, in steps of a tenth of a second."""
    step = SOUND_RATE // 10
    spans: list[tuple[float, float]] = []
    for start in range(0, len(sound), step):
        if np.any(sound[start : start + step]):
            begin, end = start / SOUND_RATE, min(start + step, len(sound)) / SOUND_RATE
            if spans and abs(spans[-1][1] - begin) < 1e-6:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((begin, end))
    return spans


def cut(sound: Floats, block: int) -> list[SpeechChunk]:
    cutter = SpeechCutter(loud)
    chunks = []
    for start in range(0, len(sound), block):
        chunks += cutter.feed(sound[start : start + block])
    return [*chunks, *cutter.flush()]


def speech(seconds: float, *spans: tuple[float, float]) -> Floats:
    sound = np.zeros(round(seconds * SOUND_RATE), np.float32)
    for start, end in spans:
        sound[round(start * SOUND_RATE) : round(end * SOUND_RATE)] = 0.5
    return sound


def test_nothing_said_gives_nothing() -> None:
    assert cut(speech(5), SOUND_RATE) == []
    assert cut(speech(400), 30 * SOUND_RATE) == []
    assert list(SpeechCutter(loud).flush()) == []


def test_a_sentence_across_two_looks_stays_whole() -> None:
    sound = speech(200, (10, 20), (110, 128), (150, 155))
    chunks = cut(sound, 30 * SOUND_RATE)
    spans = [(c.start / SOUND_RATE, (c.start + len(c.samples)) / SOUND_RATE) for c in chunks]
    assert spans == [(10, 20), (110, 128), (150, 155)]


def test_what_is_not_speech_is_silenced_inside_a_chunk() -> None:
    sound = speech(20, (1, 4), (6, 9))
    noisy = sound + 0.001
    cutter = SpeechCutter(lambda view: loud(np.where(view > 0.01, view, 0)))
    chunks = [*cutter.feed(noisy), *cutter.flush()]
    (chunk,) = chunks
    assert chunk.start == SOUND_RATE
    assert len(chunk.samples) == 8 * SOUND_RATE
    assert not chunk.samples[3 * SOUND_RATE : 5 * SOUND_RATE].any()
    assert chunk.samples[: 3 * SOUND_RATE].all()


@st.composite
def timelines(draw: st.DrawFn) -> tuple[float, list[tuple[float, float]]]:
    at, spans = 0.0, []
    for _ in range(draw(st.integers(0, 12))):
        at += draw(st.integers(0, 400)) / 10
        length = draw(st.integers(1, 700)) / 10
        spans.append((round(at, 1), round(at + length, 1)))
        at = round(at + length, 1)
    return at + draw(st.integers(0, 300)) / 10, spans


@settings(max_examples=40)
@given(timelines(), st.sampled_from([7 * SOUND_RATE, 30 * SOUND_RATE, 300 * SOUND_RATE]))
def test_every_spoken_sample_is_in_exactly_one_chunk(
    timeline: tuple[float, list[tuple[float, float]]], block: int
) -> None:
    seconds, spans = timeline
    sound = speech(seconds, *spans)
    heard = np.zeros(len(sound), np.int32)
    for chunk in cut(sound, block):
        assert 0 < len(chunk.samples) <= LONGEST
        part = slice(chunk.start, chunk.start + len(chunk.samples))
        assert np.array_equal(chunk.samples, np.where(chunk.samples != 0, sound[part], 0))
        heard[part] += chunk.samples != 0
    assert np.array_equal(heard, (sound != 0).astype(np.int32))


@settings(max_examples=15)
@given(timelines())
def test_chunks_do_not_depend_on_how_the_sound_arrives(
    timeline: tuple[float, list[tuple[float, float]]],
) -> None:
    seconds, spans = timeline
    sound = speech(seconds, *spans)
    one, other = cut(sound, 10 * SOUND_RATE), cut(sound, 30 * SOUND_RATE)
    assert [(c.start, len(c.samples)) for c in one] == [(c.start, len(c.samples)) for c in other]


@given(st.lists(st.tuples(st.integers(0, LOOK), st.integers(1, LONGEST)), max_size=20))
def test_packing(raw: list[tuple[int, int]]) -> None:
    spans, at = [], 0
    for gap, length in raw:
        spans.append((at + gap, at + gap + length))
        at += gap + length
    chunks = pack(spans)
    assert [span for chunk in chunks for span in chunk] == spans
    for chunk in chunks:
        assert chunk[-1][1] - chunk[0][0] <= LONGEST
        for (_, end), (start, _) in pairwise(chunk):
            assert start - end <= LONGEST_GAP


def test_endless_speech_is_cut_where_it_is_quietest() -> None:
    sound = np.full(50 * SOUND_RATE, 0.5, np.float32)
    sound[25 * SOUND_RATE : 26 * SOUND_RATE] = 0.01
    (first, second) = split(sound, [(0, len(sound))])
    assert first[0] == 0
    assert 25 * SOUND_RATE <= first[1] <= 26 * SOUND_RATE
    assert second == (first[1], len(sound))


@given(st.lists(st.integers(1, 5000), max_size=20), st.integers(1, 3000))
def test_sound_is_cut_into_equal_stretches(blocks: list[int], length: int) -> None:
    sound = np.arange(sum(blocks), dtype=np.float32)
    cutter, chunks, at = SoundCutter(length), [], 0
    for block in blocks:
        chunks += cutter.feed(sound[at : at + block])
        at += block
    chunks += cutter.flush()
    assert [c.start for c in chunks] == list(range(0, len(sound), length))
    assert all(len(c.samples) == length for c in chunks[:-1])
    joined = np.concatenate([c.samples for c in chunks]) if chunks else sound
    assert np.array_equal(joined, sound)
