from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from tests.evaluation.fakes import FakeLibrary

from videlicet.errors import Conflict, StoreError
from videlicet.evaluation import CandidatePool, Dataset, EvaluationQuery, Relevance, evaluate
from videlicet.types import PartKind, Span


def query(
    key: str,
    value: str | Path,
    kind: str,
    *relevant: Relevance,
    modality: PartKind = PartKind.TEXT,
) -> EvaluationQuery:
    return EvaluationQuery(key, modality, value, kind, relevant)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    files = {}
    for name in ("dog.mp4", "talk.mp4", "reel.mp4", "tape.mp4"):
        files[name] = tmp_path / name
        files[name].write_text(name)
    return Dataset(
        "videos",
        "corpus",
        files,
        (
            query("1", "a dog", "object", Relevance("dog.mp4"), in_reel(0, 10)),
            query("2", "on brewing coffee", "speech", Relevance("talk.mp4"), in_reel(10, 20)),
            query("3", "a gym", "scene", Relevance("tape.mp4", Span.of(0, 10))),
            query("4", tmp_path / "p.jpg", "object", in_reel(20, 30), modality=PartKind.IMAGE),
        ),
    )


def in_reel(start: float, end: float) -> Relevance:
    return Relevance("reel.mp4", Span.of(start, end))


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary(
        answers={
            "a dog": [("dog.mp4", 0, 5), ("reel.mp4", 1, 9), ("talk.mp4", 0, 2)],
            "on brewing coffee": [("dog.mp4", 0, 5), ("talk.mp4", 0, 5), ("reel.mp4", 13, 20)],
            "a gym": [("reel.mp4", 0, 9), ("reel.mp4", 9, 20), ("tape.mp4", 0, 4)],
            "p.jpg": [("reel.mp4", 20, 30)],
        },
        durations={"dog.mp4": 8, "talk.mp4": 20, "reel.mp4": 60, "tape.mp4": 30},
        said={
            "talk.mp4": [(2, 8, "All about brewing coffee at home.")],
            "reel.mp4": [(0, 9, "A boy and his dog."), (11, 19, "Brewing good coffee.")],
        },
        start=Fraction(7, 3),
    )


def test_files_are_indexed_and_figures_are_right(dataset: Dataset, library: FakeLibrary) -> None:
    seen: list[str] = []
    report = evaluate(library, dataset, on_event=seen.append)
    assert seen == library.ingested == list(dataset.videos)
    by_asset = report.by_asset["text"]
    assert {k: (v["n"], v["recall@1"]) for k, v in by_asset.items()} == {
        "all": (3, 0.333333),
        "object": (1, 1.0),
        "speech": (1, 0.0),
        "scene": (1, 0.0),
        "object+action+scene": (2, 0.5),
    }
    assert by_asset["all"]["recall@5"] == 1.0
    assert by_asset["all"]["mrr"] == pytest.approx((1 + 1 / 2 + 1 / 2) / 3, abs=1e-6)
    assert report.by_asset["image"]["all"]["recall@1"] == 1.0
    by_moment = report.by_moment["text"]
    # The dog: IoU 0.8 in the reel; coffee: 0.7; the gym: right file third, IoU 0.4.
    assert by_moment["object"]["recall@1_iou0.7"] == 1.0
    assert by_moment["speech"]["recall@1_iou0.7"] == 1.0
    assert by_moment["scene"]["recall@1_iou0.3"] == 0.0
    assert by_moment["scene"]["recall@5_iou0.3"] == 1.0
    assert by_moment["scene"]["recall@5_iou0.5"] == 0.0
    assert report.by_moment["image"]["all"]["miou"] == 1.0
    assert [(o.rank, o.iou) for o in report.outcomes] == [
        (1, 0.8),
        (2, 0.7),
        (2, 0.0),
        (1, 1.0),
    ]
    assert report.models == ("eyes",)


def test_moments_are_asked_for_among_the_files_with_spans(
    dataset: Dataset, library: FakeLibrary
) -> None:
    evaluate(library, dataset)
    scopes = {row[3] is None or tuple(sorted(row[3])) for row in library.asked}
    assert scopes == {True, ("id-reel.mp4", "id-tape.mp4")}
    library.asked.clear()
    in_file = Dataset("f", "didemo", dataset.videos, dataset.queries[2:3], CandidatePool.FILE)
    report = evaluate(library, in_file)
    assert library.asked[1][3] == ["id-tape.mp4"]
    assert report.by_moment["text"]["all"]["recall@1_iou0.3"] == 1.0


def test_baselines(dataset: Dataset, library: FakeLibrary) -> None:
    baselines = evaluate(library, dataset).baselines
    prior = baselines["prior"]["by_asset"]["text"]["all"]
    # Longest first: reel, tape, talk, dog; right at places 1, 1 and 2.
    assert prior["mrr"] == pytest.approx(2.5 / 3, abs=1e-6)
    assert baselines["prior"]["by_asset"]["image"]["all"]["recall@1"] == 1.0
    # Stretches of ten seconds, middle first: tape 10-20 and reel 20-30 come before 0-10.
    assert baselines["prior"]["by_moment"]["text"]["all"]["recall@1_iou0.3"] == 0.0
    assert baselines["prior"]["by_moment"]["text"]["scene"]["recall@5_iou0.7"] == 1.0
    speech = baselines["speech_bm25"]
    assert set(speech["by_asset"]) == {"text"}
    assert speech["by_asset"]["text"]["speech"]["recall@1"] == 1.0
    assert speech["by_moment"]["text"]["speech"]["recall@1_iou0.7"] == 1.0
    assert speech["by_asset"]["text"]["scene"]["recall@10"] == 0.0


def test_without_any_speech_the_speech_baseline_finds_nothing(
    dataset: Dataset, library: FakeLibrary
) -> None:
    library.said.clear()
    table = evaluate(library, dataset).baselines["speech_bm25"]["by_asset"]["text"]["all"]
    assert (table["n"], table["recall@10"]) == (3, 0.0)


def test_only_what_is_lacking_is_indexed(dataset: Dataset, library: FakeLibrary) -> None:
    library.exists = True
    library.hold(dataset.videos["dog.mp4"])
    evaluate(library, dataset)
    assert library.ingested == ["talk.mp4", "reel.mp4", "tape.mp4"]
    library.ingested.clear()
    evaluate(library, dataset)
    assert library.ingested == []


def test_twins_are_one_document(dataset: Dataset, library: FakeLibrary, tmp_path: Path) -> None:
    twin = tmp_path / "twin.mp4"
    twin.write_text("dog.mp4")
    videos = {"twin.mp4": twin, **dataset.videos}
    queries = (query("1", "a dog", "object", Relevance("twin.mp4")),)
    library.exists = True
    library.hold(dataset.videos["dog.mp4"])
    report = evaluate(library, Dataset("videos", "corpus", videos, queries))
    assert report.by_asset["text"]["all"]["recall@1"] == 1.0
    assert report.by_moment == {}
    assert report.baselines["prior"]["by_moment"] == {}


def test_a_file_that_cannot_be_indexed_is_named_and_missed(
    dataset: Dataset, library: FakeLibrary
) -> None:
    library.broken = frozenset({"tape.mp4"})
    report = evaluate(library, dataset)
    assert report.unindexed == ("tape.mp4",)
    assert report.by_asset["text"]["scene"]["recall@10"] == 0.0


def test_an_index_made_meanwhile_is_used(dataset: Dataset, library: FakeLibrary) -> None:
    def missing(index: str) -> list[object]:
        library.videos = held  # type: ignore[method-assign]
        raise StoreError("store_not_found", "not yet")

    held = library.videos
    library.exists = True
    library.videos = missing  # type: ignore[assignment, method-assign]
    assert evaluate(library, dataset).unindexed == ()


def test_other_errors_are_not_hidden(dataset: Dataset, library: FakeLibrary) -> None:
    def damaged(index: str) -> list[object]:
        raise StoreError("database_corrupt", "bad page")

    def busy(name: str) -> object:
        raise Conflict("database_locked", "another process writes")

    library.create_index = busy  # type: ignore[method-assign]
    with pytest.raises(Conflict, match="another process"):
        evaluate(library, dataset)
    library.videos = damaged  # type: ignore[assignment, method-assign]
    with pytest.raises(StoreError, match="bad page"):
        evaluate(library, dataset)


def test_report_is_plain_json_of_the_documented_form(
    dataset: Dataset, library: FakeLibrary
) -> None:
    report = evaluate(library, dataset, resamples=50)
    body = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert list(body)[2:7] == ["by_asset", "by_moment", "baselines", "models", "timing"]
    summary = body["by_asset"]["text"]["all"]
    for name in ("recall@1", "recall@5", "recall@10", "mrr", "ndcg@10"):
        low, high = summary[f"{name}_ci"]
        assert 0 <= low <= summary[name] <= high <= 1
    for k in (1, 5):
        for iou in (0.3, 0.5, 0.7):
            assert f"recall@{k}_iou{iou}" in body["by_moment"]["text"]["all"]
    assert body["timing"]["video_s"] == 118.0
    assert body["timing"]["query_p50_ms"] <= body["timing"]["query_p95_ms"]
    again = evaluate(library, dataset, resamples=50).to_json()
    assert again["by_asset"] == report.to_json()["by_asset"]


def test_rows_for_people(dataset: Dataset, library: FakeLibrary) -> None:
    rows = evaluate(library, dataset, resamples=50).rows()
    first = rows[0]
    assert (first.table, first.modality, first.kind, first.n) == ("by asset", "text", "all", 3)
    name, value, low, high = first.values[0]
    assert name == "recall@1"
    assert low <= value <= high
    assert {row.table for row in rows} == {
        "by asset",
        "by moment",
        "prior, by asset",
        "prior, by moment",
        "speech_bm25, by asset",
        "speech_bm25, by moment",
    }
