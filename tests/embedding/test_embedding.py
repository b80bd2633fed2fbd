"""One space for words, pictures and sounds."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests import samples
from tests.ingest import rig

from videlicet.embedding import DIMENSIONS, Component, TimedVectors, fuse, join, pool
from videlicet.embedding.clips import embed_clips, vector_at
from videlicet.embedding.inputs import EmbeddingModels, embed_images, embed_lines, embed_recording
from videlicet.models import fakes
from videlicet.models.registry import load as load_model
from videlicet.settings import load
from videlicet.types import Span

ROWS = arrays(
    np.float32, st.tuples(st.integers(1, 4), st.integers(2, 600)),
    elements=st.floats(-1, 1, width=16),
)  # fmt: skip


@given(ROWS, st.sampled_from(list(Component)))
def test_vectors_are_of_unit_length_or_nothing(rows: np.ndarray, part: Component) -> None:
    made = join({part: rows})
    assert made.shape == (len(rows), DIMENSIONS)
    lengths = np.linalg.norm(made, axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-4) | (np.abs(rows).max(axis=1) < 1e-3))


@given(st.integers(0, 1000), st.integers(64, 600))
def test_projection_keeps_angles_about(seed: int, wide: int) -> None:
    random = np.random.default_rng(seed)
    one = random.standard_normal(wide)
    near = one + 0.1 * random.standard_normal(wide)
    far = random.standard_normal(wide)
    a, b, c = join({Component.LOOKS: np.stack([one, near, far]).astype(np.float32)})
    assert a @ b > 0.9
    assert abs(a @ c) < 0.6


def test_what_is_shared_decides() -> None:
    meaning, looks = np.eye(384, dtype=np.float32)[:2], np.eye(384, dtype=np.float32)[2:4]
    words = join({Component.MEANING: meaning})
    seen = join({Component.MEANING: meaning, Component.LOOKS: looks})
    assert (words @ seen.T).argmax(axis=1).tolist() == [0, 1]
    assert seen[0] @ seen[0] == pytest.approx(1, abs=1e-5)
    assert words[0] @ join({Component.SOUNDS: looks})[0] == 0


def test_a_mean_is_between_its_parts() -> None:
    one, other = join({Component.MEANING: np.eye(384, dtype=np.float32)[:2]})
    both = fuse([one, other])
    assert np.linalg.norm(both) == pytest.approx(1)
    assert both @ one == pytest.approx(both @ other)


spans = st.builds(
    lambda start, length: Span(Fraction(start, 10), Fraction(start + length, 10)),
    st.integers(0, 100),
    st.integers(0, 50),
)


@given(st.lists(spans, min_size=1, max_size=8), spans)
def test_pooling_takes_what_overlaps(rows: list[Span], span: Span) -> None:
    strip = TimedVectors(rows, np.eye(len(rows), 8, dtype=np.float32))
    mean = pool(strip, span)
    touched = [
        one.overlap(span) > 0 or (one.start == one.end and span.contains(one.start)) for one in rows
    ]
    assert (mean is not None) == any(touched)
    if mean is not None:
        assert [bool(value > 0) for value in mean[: len(rows)]] == touched


@given(st.integers(1, 600), st.sampled_from([2.0, 6.0, 10.0]))
def test_clips_cover_a_recording_without_gaps(tenths: int, length: float) -> None:
    whole = Span(Fraction(7), 7 + Fraction(tenths, 10))
    strip = TimedVectors([whole], np.eye(1, 384, dtype=np.float32))
    request = {"options": ["visual"], "scopes": ["clip"], "types": ["separate"], "clip": length}
    rows = embed_clips({"meaning": strip}, whole, request)
    assert rows[0]["start"] == 0
    assert rows[-1]["end"] == pytest.approx(tenths / 10)
    assert all(a["end"] == b["start"] for a, b in itertools.pairwise(rows))
    assert all(row["end"] - row["start"] < 1.5 * length for row in rows)


def test_options_and_scopes() -> None:
    span = Span.of(0, 10)
    one = TimedVectors([Span.of(0, 5)], np.eye(1, 384, dtype=np.float32))
    vectors = {"meaning": one, "words": one}
    request = {
        "options": ["visual", "audio", "transcription"], "scopes": ["clip", "asset"],
        "types": ["separate", "fused"], "clip": 5.0, "start": 0.0, "end": 10.0,
    }  # fmt: skip
    rows = embed_clips(vectors, span, request)
    found = [(row["option"], row["scope"], row["start"]) for row in rows]
    assert found == [
        ("visual", "clip", 0.0), ("transcription", "clip", 0.0), ("fused", "clip", 0.0),
        ("visual", "asset", 0.0), ("transcription", "asset", 0.0), ("fused", "asset", 0.0),
    ]  # fmt: skip
    assert vector_at(vectors, "audio", span) is None


@pytest.fixture(scope="module")
def models() -> EmbeddingModels:
    settings = load()
    found = {role: load_model(id, settings) for role, id in fakes.IDS.items()}
    return EmbeddingModels(found["text"], found["vision"], found["speech"], found["sound"])


def test_inputs_meet_in_the_space(models: EmbeddingModels, tmp_path: Path) -> None:
    settings = load()
    rows, counts = embed_lines(models, ["red", "blue " * 2000])
    assert rows.shape == (2, DIMENSIONS)
    assert counts[1] > models.text.max_tokens
    recording = rig.make_videos(tmp_path / "videos", 1, seconds=8)[0]
    span, vectors = embed_recording(
        models, recording, settings, ["visual", "audio", "transcription"], lambda _: None
    )
    assert set(vectors) == {"meaning", "looks", "sounds", "words"}
    seen = vector_at(vectors, "visual", Span(span.start, span.start + 2))
    assert seen is not None
    colours = embed_lines(models, ["red", "green", "blue"])[0] @ seen
    still = samples.image(tmp_path / "still.png")
    assert embed_images(models, [still], settings).shape == (1, DIMENSIONS)
    assert len(set(colours.tolist())) == 3
    quiet, nothing = embed_recording(models, recording, settings, [], lambda _: None)
    assert (quiet, nothing) == (span, {})
