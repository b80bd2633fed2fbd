from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from videlicet.models import registry
from videlicet.models.audio.sound import Whitening
from videlicet.models.audio.speech import utterances
from videlicet.models.base import SOUND_RATE, AudioEncoder, SpeechRecognizer
from videlicet.models.weights import open_files
from videlicet.settings import load
from videlicet.types import Span, Word

Sound = NDArray[np.float32]


@st.composite
def spoken(draw: st.DrawFn) -> list[Word]:
    time = Fraction(0)
    words = []
    for _ in range(draw(st.integers(0, 40))):
        time += Fraction(draw(st.integers(0, 2500)), 1000)
        end = time + Fraction(draw(st.integers(0, 900)), 1000)
        text = draw(st.sampled_from([" well", " yes.", " why?", " so,", " three"]))
        words.append(Word(text, Span(time, end), 0.5))
        time = end
    return words


@given(spoken())
def test_utterances_are_the_words_in_order_broken_at_pauses(words: list[Word]) -> None:
    groups = list(utterances(words))
    assert [word for group in groups for word in group] == words
    for group in groups:
        assert group
        for one, other in itertools.pairwise(group):
            assert other.span.start - one.span.end < 1
    for one, other in itertools.pairwise(groups):
        pause = other[0].span.start - one[-1].span.end >= 1
        assert pause or one[-1].text.endswith((".", "?", "!"))


def test_whitening_levels_what_varies_together() -> None:
    random = np.random.default_rng(0)
    hidden = random.normal(size=(2000, 3))
    rows = (hidden @ random.normal(size=(3, 20)) + 0.05 * random.normal(size=(2000, 20))) * 40 + 7
    rows = rows.astype(np.float32)
    white = Whitening.fit(rows, directions=3, floor=0.01).apply(rows)
    before, after = (np.linalg.eigvalsh(np.cov(r.T)) for r in (rows, white))
    assert np.abs(white.mean(axis=0)).max() < 1e-3
    assert before[-1] / before[0] > 1000
    assert after[-1] / after[-3] < 2


@pytest.fixture(scope="module")
def speech() -> SpeechRecognizer:
    return registry.load("speech", load())  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def sound() -> AudioEncoder:
    return registry.load("sound", load())  # type: ignore[no-any-return]


def recording(corpus: Path, name: str) -> Sound:
    from faster_whisper.audio import decode_audio

    return np.asarray(decode_audio(str(corpus / "videos" / name)), np.float32)


def noises() -> dict[str, Sound]:
    random = np.random.default_rng(0)
    time = np.arange(8 * SOUND_RATE) / SOUND_RATE
    return {
        "silence": np.zeros(8 * SOUND_RATE, np.float32),
        "noise": (0.1 * random.normal(size=len(time))).astype(np.float32),
        "tone": (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32),
        "chord": sum(0.1 * np.sin(2 * np.pi * f * time) for f in (220, 277, 330)).astype("f4"),
        "nothing": np.zeros(0, np.float32),
    }


@pytest.mark.weights
@pytest.mark.parametrize("name", noises())
def test_what_is_not_speech_gives_no_words(speech: SpeechRecognizer, name: str) -> None:
    assert speech.speech_spans(noises()[name]) == []
    if name in ("silence", "nothing"):
        assert speech.transcribe(noises()[name]) == []


@pytest.mark.weights
def test_more_than_the_recogniser_reads_is_refused(speech: SpeechRecognizer) -> None:
    with pytest.raises(ValueError, match="30 s"):
        speech.transcribe(np.zeros(31 * SOUND_RATE, np.float32))


@pytest.mark.weights
@pytest.mark.corpus
@pytest.mark.parametrize("name", ["d12.mp4", "d21.mp4", "d29.mp4", "d05.mp4"])
def test_voice_detection_is_that_of_the_reference(
    speech: SpeechRecognizer, corpus: Path, name: str
) -> None:
    from faster_whisper.vad import get_speech_timestamps

    samples = recording(corpus, name)
    wanted = [
        (row["start"] / SOUND_RATE, row["end"] / SOUND_RATE)
        for row in get_speech_timestamps(samples)
    ]
    assert speech.speech_spans(samples) == wanted


@pytest.mark.weights
@pytest.mark.corpus
@pytest.mark.parametrize("name", ["d20.mp4", "d21.mp4"])
def test_words_are_those_of_bare_faster_whisper(
    speech: SpeechRecognizer, corpus: Path, name: str
) -> None:
    from faster_whisper import WhisperModel

    samples = recording(corpus, name)
    files = open_files(load(), speech.card)
    bare = WhisperModel(str(files["model.bin"].parent), device="cpu", compute_type="int8")
    segments, _ = bare.transcribe(samples, vad_filter=True, word_timestamps=True)
    wanted = "".join(segment.text for segment in segments).split()
    found = speech.transcribe(samples)
    assert " ".join(said.text for *_, said in found).split() == wanted

    limit = len(samples) / SOUND_RATE
    last = 0.0
    for start, end, said in found:
        assert last <= start < end <= limit
        last = end
        assert said.language == "en"
        assert 0 < said.confidence <= 1
        assert " ".join(word.text for word in said.words) == said.text
        assert said.words[0].span.start == Fraction(start).limit_denominator(1_000_000)
        assert all(0 <= word.probability <= 1 for word in said.words)


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.corpus
def test_threads_hear_the_same(speech: SpeechRecognizer, corpus: Path) -> None:
    samples = [recording(corpus, name) for name in ("d14.mp4", "d28.mp4")]
    alone = [speech.transcribe(one) for one in samples]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(speech.transcribe, samples * 2))
    assert together == alone * 2


@pytest.mark.weights
def test_a_sound_has_a_unit_row_for_each_started_window(sound: AudioEncoder) -> None:
    step = round(sound.window * SOUND_RATE)
    for length, rows in ((0, 0), (1, 1), (step, 1), (step + 1, 2), (5 * step - 1, 5)):
        found = sound.embed(noises()["noise"].repeat(3)[:length])
        assert found.shape == (rows, sound.dimensions)
        assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@pytest.mark.weights
def test_a_window_sounds_the_same_whatever_is_around_it(sound: AudioEncoder) -> None:
    step = round(sound.window * SOUND_RATE)
    parts = [part[:step] for name, part in noises().items() if name != "nothing"]
    whole = sound.embed(np.concatenate(parts))
    for row, part in zip(whole, parts, strict=True):
        assert np.array_equal(sound.embed(part)[0], row)


@pytest.mark.weights
def test_the_same_sound_is_known_again_when_it_was_changed(sound: AudioEncoder) -> None:
    random = np.random.default_rng(1)
    step = round(sound.window * SOUND_RATE)
    given = {name: part[:step] for name, part in noises().items() if len(part) and part.any()}
    known = np.concatenate([sound.embed(part) for part in given.values()])
    for number, part in enumerate(given.values()):
        worse = 0.4 * part + 0.0005 * random.normal(size=step)
        heard = sound.embed(worse.astype(np.float32)) @ known.T
        assert int(heard.argmax()) == number


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.corpus
def test_an_excerpt_leads_to_its_recording(sound: AudioEncoder, corpus: Path) -> None:
    names = ["d04.mp4", "d17.mp4", "d20.mp4", "d22.mp4", "d28.mp4", "d29.mp4"]
    whole = {name: sound.embed(recording(corpus, name)) for name in names}
    for query, right in (("q073", "d04.mp4"), ("q075", "d20.mp4"), ("q076", "d17.mp4")):
        heard = sound.embed(recording(corpus, f"../query_media/{query}.mp3"))
        best = {name: float((heard @ rows.T).max()) for name, rows in whole.items()}
        assert max(best, key=lambda name: best[name]) == right
