from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from videlicet.errors import InvalidInput
from videlicet.evaluation import CandidatePool, read
from videlicet.types import PartKind, Span


def write_corpus(root: Path, queries: Any = None, manifest: Any = None) -> Path:
    (root / "videos").mkdir(parents=True)
    (root / "query_media").mkdir()
    for name in ("a.mp4", "b.mkv"):
        (root / "videos" / name).write_text(name)
    (root / "query_media" / "q.jpg").write_text("picture")
    if manifest is None:
        manifest = [{"file": "a.mp4", "licence": "CC0-1.0"}, {"file": "b.mkv"}]
    if queries is None:
        queries = [
            {
                "id": "q1",
                "modality": "text",
                "query": "a dog",
                "kind": "object",
                "relevant": [{"file": "a.mp4"}, {"file": "b.mkv", "start_s": 0, "end_s": 8.5}],
            },
            {
                "id": "q2",
                "modality": "image",
                "query": "query_media/q.jpg",
                "kind": "scene",
                "relevant": [{"file": "b.mkv"}],
            },
        ]
    (root / "manifest.json").write_text(json.dumps(manifest))
    (root / "queries.json").write_text(json.dumps(queries))
    return root


def test_corpus_form(tmp_path: Path) -> None:
    dataset = read(write_corpus(tmp_path / "videos"))
    assert (dataset.name, dataset.form, dataset.scope) == (
        "videos",
        "corpus",
        CandidatePool.COLLECTION,
    )
    assert list(dataset.videos) == ["a.mp4", "b.mkv"]
    words, picture = dataset.queries
    assert (words.value, words.kind) == ("a dog", "object")
    assert [r.span for r in words.relevant] == [None, Span.of(0, 8.5)]
    assert picture.modality is PartKind.IMAGE
    assert picture.value == tmp_path / "videos" / "query_media" / "q.jpg"


QUERY: dict[str, Any] = {
    "id": "q1",
    "modality": "text",
    "query": "a dog",
    "kind": "object",
    "relevant": [{"file": "a.mp4"}],
}


@pytest.mark.parametrize(
    ("queries", "says"),
    [
        ([QUERY | {"modality": "smell"}], "unknown modality 'smell'"),
        ([QUERY | {"relevant": []}], "no relevant file"),
        ([QUERY | {"relevant": None}], "list of objects"),
        ([QUERY | {"relevant": [{"file": "c.mp4"}]}], "'c.mp4', which the manifest does not"),
        ([QUERY | {"relevant": [{"file": "a.mp4", "start_s": 3}]}], "impossible span 3 to None"),
        (
            [QUERY | {"relevant": [{"file": "a.mp4", "start_s": 3, "end_s": 3}]}],
            "impossible span",
        ),
        ([QUERY | {"modality": "image", "query": "gone.jpg"}], "'gone.jpg', which is not there"),
        ([{k: v for k, v in QUERY.items() if k != "kind"}], "lacks 'kind'"),
        ([QUERY, QUERY], "two queries with the id 'q1'"),
        ([], "no query"),
        ({"q1": QUERY}, "list of objects"),
        (["q1"], "list of objects"),
    ],
)
def test_corpus_errors_name_what_is_wrong(tmp_path: Path, queries: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        read(write_corpus(tmp_path / "videos", queries))
    assert caught.value.code == "dataset_invalid"
    assert "queries.json" in str(caught.value.subject)


def test_a_file_of_the_manifest_must_be_there(tmp_path: Path) -> None:
    root = write_corpus(tmp_path / "videos", manifest=[{"file": "a.mp4"}, {"file": "gone.mp4"}])
    with pytest.raises(InvalidInput, match=r"videos/gone\.mp4 is not there"):
        read(root)


def test_an_empty_or_absent_or_broken_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="names no files"):
        read(write_corpus(tmp_path / "one", manifest=[]))
    root = write_corpus(tmp_path / "two")
    (root / "manifest.json").unlink()
    with pytest.raises(InvalidInput, match="no such file"):
        read(root)
    (root / "manifest.json").write_bytes(b"\xff[")
    with pytest.raises(InvalidInput, match="cannot be read as JSON"):
        read(root)


def videos(root: Path, *names: str) -> Path:
    folder = root / "videos"
    folder.mkdir()
    for name in names:
        (folder / name).write_text(name)
    return folder


MSRVTT = {
    "info": {"year": "2016", "version": "1.0"},
    "videos": [
        {
            "category": 9,
            "url": "https://example.org/watch",
            "video_id": f"video{n}",
            "start time": 137.72,
            "end time": 149.44,
            "split": split,
            "id": n,
        }
        for n, split in ((7010, "test"), (7011, "test"), (0, "train"))
    ],
    "sentences": [
        {"caption": "a girl shows a pack of toys", "video_id": "video7010", "sen_id": 200},
        {"caption": "somebody opens a box", "video_id": "video7010", "sen_id": 201},
        {"caption": "a man drives a car", "video_id": "video7011", "sen_id": 202},
        {"caption": "a training clip", "video_id": "video0", "sen_id": 0},
    ],
}


def test_msrvtt_test_file(tmp_path: Path) -> None:
    videos(tmp_path, "video7010.mp4", "video0.mp4")
    (tmp_path / "test_videodatainfo.json").write_text(json.dumps(MSRVTT))
    dataset = read(tmp_path)
    assert (dataset.name, dataset.form) == ("test_videodatainfo", "msr-vtt")
    assert dataset.scope is CandidatePool.COLLECTION
    assert [(q.id, q.value) for q in dataset.queries] == [
        ("200", "a girl shows a pack of toys"),
        ("201", "somebody opens a box"),
    ]
    assert list(dataset.videos) == ["video7010.mp4"]
    assert dataset.left_out == 1


@pytest.mark.parametrize(
    "row",
    [
        {"video": "video7020.mp4", "caption": "a woman decorates a cake"},
        {"video_id": "video7020", "caption": "a woman decorates a cake"},
        {"video": "test_videos/video7020.mp4", "caption": ["a woman decorates a cake"]},
    ],
)
def test_msrvtt_flat_lists(tmp_path: Path, row: dict[str, Any]) -> None:
    folder = videos(tmp_path, "video7020.mp4")
    file = tmp_path / "test_1k.json"
    file.write_text(json.dumps([row]))
    (query,) = read(file, folder).queries
    assert query.value == "a woman decorates a cake"
    assert [r.file for r in query.relevant] == ["video7020.mp4"]


QV = {
    "qid": 8737,
    "query": "A family is playing basketball together on a green court outside.",
    "duration": 126,
    "vid": "bP5KfdFJzC4_660.0_810.0",
    "relevant_windows": [[0, 16], [30, 40]],
    "relevant_clip_ids": [0, 1, 2, 3, 4, 5, 6, 7],
    "saliency_scores": [[4, 1, 1]] * 8,
}


def test_qvhighlights(tmp_path: Path) -> None:
    folder = videos(tmp_path, "bP5KfdFJzC4_660.0_810.0.mp4")
    file = tmp_path / "highlight_val_release.jsonl"
    rows = [QV, QV | {"qid": 1, "vid": "elsewhere_0.0_150.0"}]
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    dataset = read(file, folder)
    assert (dataset.form, dataset.scope, dataset.left_out) == (
        "qvhighlights",
        CandidatePool.FILE,
        1,
    )
    (query,) = dataset.queries
    assert query.id == "8737"
    assert [r.span for r in query.relevant] == [Span.of(0, 16), Span.of(30, 40)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"relevant_windows": []}, "the test split"),
        ({"relevant_windows": [[1]]}, "where a start and an end belong"),
        ({"relevant_windows": [[9, 2]]}, "impossible span 9 to 2"),
        ({"relevant_windows": [["a", "b"]]}, "impossible span"),
        ({"query": ""}, "lacks 'query'"),
    ],
)
def test_qvhighlights_errors(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    folder = videos(tmp_path, "bP5KfdFJzC4_660.0_810.0.mp4")
    file = tmp_path / "val.jsonl"
    file.write_text(json.dumps(QV | change))
    with pytest.raises(InvalidInput, match=says):
        read(file, folder)


def test_lines_that_are_not_json_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "val.jsonl"
    file.write_text("{}\n{")
    with pytest.raises(InvalidInput, match="JSON lines"):
        read(file)


DIDEMO = {
    "annotation_id": 7,
    "video": "12090392@N02_13482799053_87ef417396.mov",
    "description": "the dog runs across the yard",
    "times": [[1, 1], [1, 2], [1, 1], [0, 1]],
    "reference_description": "a dog",
    "num_segments": 6,
    "dl_link": "https://example.org/v",
}


def test_didemo_takes_what_most_annotators_marked(tmp_path: Path) -> None:
    folder = videos(tmp_path, "12090392@N02_13482799053_87ef417396.mov")
    file = tmp_path / "test_data.json"
    tie = DIDEMO | {"annotation_id": 8, "times": [[0, 0], [0, 0], [2, 3], [2, 3]]}
    file.write_text(json.dumps([DIDEMO, tie]))
    dataset = read(file, folder)
    assert (dataset.form, dataset.scope) == ("didemo", CandidatePool.FILE)
    assert [[r.span for r in q.relevant] for q in dataset.queries] == [
        [Span.of(5, 10)],
        [Span.of(0, 5), Span.of(10, 20)],
    ]


@pytest.mark.parametrize(
    ("times", "says"),
    [([], "no 'times'"), ([[3, 1]], "impossible chunks"), ([[0.5, 1]], "impossible chunks")],
)
def test_didemo_errors(tmp_path: Path, times: list[Any], says: str) -> None:
    folder = videos(tmp_path, "12090392@N02_13482799053_87ef417396.mov")
    file = tmp_path / "test_data.json"
    file.write_text(json.dumps([DIDEMO | {"times": times}]))
    with pytest.raises(InvalidInput, match=says):
        read(file, folder)


def test_unknown_forms_and_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(tmp_path / "gone")
    assert caught.value.code == "path_not_found"
    with pytest.raises(InvalidInput, match="0 are"):
        read(tmp_path)
    (tmp_path / "x.json").write_text('[{"question": "what"}]')
    with pytest.raises(InvalidInput, match="none of the forms"):
        read(tmp_path)
    (tmp_path / "x.json").write_text(json.dumps(MSRVTT))
    with pytest.raises(InvalidInput, match="the folder of its videos"):
        read(tmp_path)
    videos(tmp_path)
    with pytest.raises(InvalidInput, match="no query whose video is here"):
        read(tmp_path)
