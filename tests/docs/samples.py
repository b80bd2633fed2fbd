"""Small recordings and pictures that the documentation's commands name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from PIL import Image
from tests import samples
from tests.samples import BLACK, BLUE, GREEN, YELLOW, Scene, Tone

SLIDE = Scene(BLACK, 2, "The invoice is due", still=True)
SEA = Scene(BLUE, 2)


def make_samples(root: Path) -> None:
    """``videos/``, query media, questions and ``dataset/`` below ``root``."""
    videos = root / "videos"
    videos.mkdir()
    samples.video(videos / "talk.mp4", [SLIDE, SEA], tones=[Tone(440, 4)])
    samples.video(videos / "harbour.mp4", [SEA, SLIDE], tones=[Tone(220, 4)])
    samples.video(videos / "rain.mkv", [Scene(GREEN, 2), Scene(YELLOW, 2)])
    samples.video(root / "clip.mp4", [SEA], tones=[Tone(220, 2)])
    Image.fromarray(samples.picture(colour=BLUE)).save(root / "dog.jpg")
    samples.sound(root / "bark.wav", Tone(440, 4))

    text = {"type": ["string", "null"], "description": "what kind of paper is shown"}
    schema = {"type": "object", "properties": {"document": text}, "required": ["document"]}
    (root / "schema.json").write_text(json.dumps(schema))
    (root / "questions.txt").write_text("What is written?\nWhich animal is seen?\n")

    dataset = root / "dataset"
    (dataset / "query_media").mkdir(parents=True)
    shutil.copytree(videos, dataset / "videos")
    shutil.copy(root / "dog.jpg", dataset / "query_media/sea.jpg")
    both = [{"file": "talk.mp4"}, {"file": "harbour.mp4"}]
    queries = [
        {
            "id": "q1",
            "modality": "text",
            "query": "the invoice is due",
            "kind": "ocr",
            "relevant": [
                {"file": "talk.mp4", "start_s": 0.0, "end_s": 2.0},
                {"file": "harbour.mp4", "start_s": 2.0, "end_s": 4.0},
            ],
        },
        {
            "id": "q2",
            "modality": "image",
            "query": "query_media/sea.jpg",
            "kind": "scene",
            "relevant": both,
        },
    ]
    (dataset / "manifest.json").write_text(json.dumps([*both, {"file": "rain.mkv"}]))
    (dataset / "queries.json").write_text(json.dumps(queries))

    gold = [{"file": "talk.mp4", "start_s": 0.0, "end_s": 2.0}]
    due = {"question": "What is due?", "kind": "written", "gold": gold, "accepted": ["invoice"]}
    pilot = {"question": "Who is the pilot?", "kind": "across", "gold": []}
    asked = {
        "files": {"talk.mp4": None},
        "questions": [{"id": "q1", "files": ["talk.mp4"], **due}, {"id": "q2", **pilot}],
        "chapters": [{"file": "talk.mp4", "starts_s": [0.0, 2.0]}],
        "summaries": [{"file": "talk.mp4", "facts": ["invoice"]}],
    }
    (root / "questions.json").write_text(json.dumps(asked))
