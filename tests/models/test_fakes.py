from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from videlicet.models.base import SOUND_RATE
from videlicet.models.fakes import (
    COLOURS,
    VOCABULARY,
    ColourVision,
    HashedText,
    PitchSound,
    StripReader,
    ToneSpeech,
    draw_text,
    synthesize_speech,
)


def test_sentences_with_common_words_are_near() -> None:
    text = HashedText()
    a, b, c = text.encode(["a red dog", "red dogs run", "tax report"])
    assert a @ b > 0.4 > abs(a @ c)
    assert text.encode([]).shape == (0, text.dimensions)
    assert text.encode([""]).shape == (1, text.dimensions)
    assert text.count_tokens("one two") == 4


def test_colours_are_seen_by_name() -> None:
    vision, text = ColourVision(), HashedText()
    frames = [np.full((40, 60, 3), colour, np.uint8) for colour in COLOURS.values()]
    seen = vision.encode_frames(frames)
    assert [row[0][0] for row in seen.labels] == list(COLOURS)
    assert all(sum(score for _, score in names) <= 1.001 for names in seen.labels)
    scores = text.encode([f"something {name}" for name in COLOURS]) @ seen.semantics.T
    assert scores.argmax(axis=1).tolist() == list(range(len(COLOURS)))
    assert (seen.features @ seen.features.T).argmax(axis=1).tolist() == list(range(len(COLOURS)))
    assert vision.encode_frames([]).features.shape == (0, 64)


@given(st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=8))
def test_tones_are_heard_as_words(words: list[str]) -> None:
    speech = ToneSpeech()
    sound = np.concatenate([np.zeros(SOUND_RATE, np.float32), synthesize_speech(*words)])
    ((start, end, said),) = speech.transcribe(sound)
    assert said.text == " ".join(words)
    assert (start, end) == speech.speech_spans(sound)[0]
    assert [float(w.span.start) for w in said.words] == sorted(
        float(w.span.start) for w in said.words
    )


def test_noise_is_not_heard_as_words() -> None:
    noise = np.random.default_rng(0).normal(size=SOUND_RATE).astype(np.float32)
    for sound in (noise, np.zeros(SOUND_RATE, np.float32), np.zeros(0, np.float32)):
        assert ToneSpeech().speech_spans(sound) == []
        assert ToneSpeech().transcribe(sound) == []


@given(st.text(max_size=40).filter(lambda text: len(text.encode("utf-8", "ignore")) <= 100))
def test_a_strip_reads_as_it_was_written(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    reader = StripReader()
    plain = np.full((240, 320, 3), 70, np.uint8)
    assert reader.find(plain) == []
    assert reader.read(plain) == []
    frame = draw_text(plain, text)
    (line,) = reader.read(frame)
    assert (line.text, line.box) == (text, reader.find(frame)[0])


def test_sounds_of_different_pitch_are_apart() -> None:
    sound = PitchSound()
    one, other = (sound.embed(synthesize_speech(*[word] * 8)) for word in ("a", "milk"))
    assert one[0] @ sound.embed(0.5 * synthesize_speech(*["a"] * 8))[0] > 0.99 > one[0] @ other[0]
    assert sound.embed(np.zeros(0, np.float32)).shape == (0, sound.dimensions)
    assert np.isfinite(sound.embed(np.zeros(10, np.float32))).all()
