from __future__ import annotations

import json

import pytest

from videlicet.media import open_decoder
from videlicet.media.decode import (
    AudioChunk,
    AudioRequest,
    DecodedFrame,
    DecodeEnd,
    ShotCut,
    VideoRequest,
)
from videlicet.media.probe import probe

pytestmark = pytest.mark.corpus


@pytest.mark.slow
def test_real_videos_are_read_to_their_end(corpus, settings):
    rows = json.loads((corpus / "manifest.json").read_text("utf-8"))
    for row in [row for number, row in enumerate(rows) if row.get("segments") or not number % 4]:
        path = corpus / "videos" / row["file"]
        facts = probe(path, settings)
        assert facts.video is not None
        assert bool(facts.audio) == row["has_audio"]
        request = VideoRequest(), AudioRequest() if facts.audio else None
        with open_decoder(path, settings, video=request[0], audio=request[1]) as decoder:
            events = list(decoder.video or ())
            sound = list(decoder.audio or ())
        end = events[-1]
        assert isinstance(end, DecodeEnd)
        assert abs(float(end.span.duration) - row["duration_s"]) < 0.3
        frames = [event for event in events if isinstance(event, DecodedFrame)]
        assert frames[0].time == end.span.start
        assert abs(len(frames) - 2 * float(end.span.duration)) <= 3
        if facts.audio:
            assert isinstance(sound[-1], DecodeEnd)
            assert any(isinstance(event, AudioChunk) for event in sound)
        cuts = [float(event.time) for event in events if isinstance(event, ShotCut)]
        for scene in row.get("segments", [])[1:]:
            assert any(abs(cut - scene["start_s"]) < 0.1 for cut in cuts)
