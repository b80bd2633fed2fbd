"""Searching a small index whose right answers are plain to see."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.search.search_library import INGEST, SEARCH, Shelf

from videlicet.errors import InvalidQuery, NotPermitted
from videlicet.search.compose import build_query
from videlicet.search.engine import Searcher, shot_cache
from videlicet.types import (
    GroupBy,
    Modality,
    PartKind,
    Query,
    QueryPart,
    SearchPage,
    Span,
    VideoStatus,
)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path_factory.mktemp("library"))
    shelf.add(
        "station.mp4",
        shots=((0, 8), (8, 16), (16, 24)),
        labels=((0, 4, "train"), (4, 8, "train"), (8, 16, "coffee"), (16, 24, "station")),
        colours=((0, 8, (1, 0, 0)), (8, 16, (0, 1, 0)), (16, 24, (0.7, 0.7, 0))),
        said=((1, 3, "The train leaves now."), (9, 12, "Please mind the gap.")),
        read=((0, 24, "PLATFORM 9 DEPARTS 14:05"),),
        hummed=((0, 4, 0), (4, 8, 1)),
        metadata={"year": 1999, "kind": "travel"},
    )
    shelf.add(
        "pets.mp4",
        shots=((0, 10), (10, 20)),
        labels=((0, 10, "dog beach"), (10, 20, "cat")),
        colours=((0, 10, (0, 0, 1)), (10, 20, (0.5, 0.5, 0.5))),
        said=((11, 14, "Our cat went missing at the station, mind you, the gap in the fence."),),
        hummed=((0, 4, 2), (4, 8, 3)),
        metadata={"year": 2020, "kind": "home"},
    )
    shelf.add("lecture.mp4", shots=((0, 600),), said=((100, 104, "A rocket needs fuel."),))
    shelf.add("unfinished.mp4", labels=((0, 10, "dog"),), status=VideoStatus.INDEXING)
    yield shelf
    shelf.store.close()


def find(shelf: Shelf, words: str | None = None, **given: Any) -> SearchPage:
    arguments: dict[str, Any] = {
        "image": None, "audio": None, "video": None, "negative": (), "modalities": (),
        "filter": None, "assets": None, "threshold": None, "group_by": "moment", "limit": 10,
        "page": None, **given,
    }  # fmt: skip
    return shelf.searcher.search(
        shelf.store.scope(SEARCH, shelf.index.id), build_query(words, **arguments)
    )


def picture(red: int, green: int, blue: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), (red, green, blue)).save(buffer, "PNG")
    return buffer.getvalue()


def tone(path: Path, pitch: float) -> Path:
    samples = np.sin(2 * np.pi * pitch * np.arange(16_000) / 16_000) * 20_000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def test_what_is_shown_said_and_read_is_found_by_words(shelf: Shelf) -> None:
    best = find(shelf, "a dog").hits[0]
    assert (best.asset_name, best.span) == ("pets.mp4", Span.of(0, 10))
    best = find(shelf, "the train").hits[0]
    assert (best.asset_name, best.span) == ("station.mp4", Span.of(0, 8))
    assert {e.lane for e in best.evidence} >= {"scene", "speech", "speech-words"}
    best = find(shelf, "platform 9").hits[0]
    assert best.asset_name == "station.mp4"
    assert any(e.text == "PLATFORM 9 DEPARTS 14:05" for e in best.evidence)


def test_every_hit_says_why(shelf: Shelf) -> None:
    for hit in find(shelf, "train station").hits:
        assert hit.evidence
        assert sum(e.contribution for e in hit.evidence) == pytest.approx(hit.score)
        assert list(hit.evidence) == sorted(hit.evidence, key=lambda e: -e.contribution)
        for evidence in hit.evidence:
            assert evidence.card
            assert evidence.rank >= 1
            assert evidence.text
            assert (evidence.frame is not None) == (evidence.modality is Modality.VISUAL)


def test_a_sentence_inside_a_long_take_is_the_moment(shelf: Shelf) -> None:
    [hit] = find(shelf, "rocket").hits
    assert (hit.asset_name, hit.span) == ("lecture.mp4", Span.of(100, 104))


def test_assets_still_being_indexed_are_not_found(shelf: Shelf) -> None:
    assert "unfinished.mp4" not in {h.asset_name for h in find(shelf, "dog").hits}


def test_quoted_words_must_occur_exactly(shelf: Shelf) -> None:
    assert {h.asset_name for h in find(shelf, "mind the gap").hits} >= {"station.mp4", "pets.mp4"}
    [hit] = find(shelf, '"mind the gap"').hits
    assert (hit.asset_name, hit.span) == ("station.mp4", Span.of(8, 16))
    assert find(shelf, '"gap the mind"').hits == ()


def test_two_phrases_must_both_occur(shelf: Shelf) -> None:
    assert len(find(shelf, '"mind" "gap"').hits) == 2
    assert find(shelf, '"mind the gap" "rocket"').hits == ()


def test_modalities_restrict_the_search(shelf: Shelf) -> None:
    found = find(shelf, "train", modalities=["visual"])
    assert {e.modality for h in found.hits for e in h.evidence} == {Modality.VISUAL}
    assert find(shelf, "rocket", modalities=["visual"]).hits == ()


def test_a_modality_that_was_not_indexed_is_refused(shelf: Shelf) -> None:
    with pytest.raises(InvalidQuery) as caught:
        find(shelf, "dog", modalities=["shot"])
    assert caught.value.code == "modality_not_indexed"
    with pytest.raises(InvalidQuery, match="no modality"):
        find(shelf, "dog", modalities=["smell"])


def test_filters_restrict_the_search(shelf: Shelf) -> None:
    found = find(shelf, "station", filter={"year": {"gte": 2000}})
    assert {h.asset_name for h in found.hits} == {"pets.mp4"}
    assert find(shelf, "station", filter={"kind": "nothing"}).hits == ()
    with pytest.raises(InvalidQuery) as caught:
        find(shelf, "station", filter={"year": {"like": 2}})
    assert caught.value.code == "filter_invalid"


def test_assets_restrict_the_search(shelf: Shelf) -> None:
    pets = find(shelf, "cat").hits[0].asset_id
    assert {h.asset_id for h in find(shelf, "station", assets=[pets]).hits} == {pets}
    assert find(shelf, "station", assets=[]).hits == ()


def test_pictures_find_frames(shelf: Shelf) -> None:
    best = find(shelf, image=picture(255, 0, 0)).hits[0]
    assert (best.asset_name, best.span) == ("station.mp4", Span.of(0, 8))
    assert [e.lane for e in best.evidence] == ["frames"]


def test_words_and_a_picture_want_both(shelf: Shelf) -> None:
    alone = find(shelf, "train").hits[0].score
    both = find(shelf, "train", image=picture(255, 0, 0)).hits[0]
    wrong = find(shelf, "train", image=picture(0, 0, 255)).hits[0]
    assert both.span == Span.of(0, 8)
    assert both.score > wrong.score
    assert wrong.score < alone


def test_sounds_find_sounds_and_what_is_said_in_them(shelf: Shelf, tmp_path: Path) -> None:
    best = find(shelf, audio=tone(tmp_path / "a.wav", 440)).hits[0]
    assert (best.asset_name, best.span) == ("station.mp4", Span.of(0, 8))
    assert {e.lane for e in best.evidence} >= {"sound", "speech"}
    best = find(shelf, audio=tone(tmp_path / "b.wav", 880)).hits[0]
    assert best.asset_name == "pets.mp4"


def test_silence_finds_nothing(shelf: Shelf, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "silence.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(32_000))
    assert find(shelf, audio=tmp_path / "silence.wav").hits == ()


def test_negatives_push_moments_down(shelf: Shelf) -> None:
    plain = {h.span: h.score for h in find(shelf, "station").hits if h.asset_name == "station.mp4"}
    without = {
        h.span: h.score
        for h in find(shelf, "station", negative="station").hits
        if h.asset_name == "station.mp4"
    }
    assert without[Span.of(16, 24)] < plain[Span.of(16, 24)] / 2


def test_weights_of_parts_count(shelf: Shelf) -> None:
    def best(dog: float, cat: float) -> str:
        parts = (QueryPart(PartKind.TEXT, "train", dog), QueryPart(PartKind.TEXT, "cat", cat))
        return (
            shelf.searcher.search(shelf.store.scope(SEARCH, shelf.index.id), Query(parts))
            .hits[0]
            .asset_name
        )

    assert best(3, 1) == "station.mp4"
    assert best(1, 3) == "pets.mp4"


def test_grouped_by_asset_each_asset_comes_once_with_its_moments(shelf: Shelf) -> None:
    found = find(shelf, "station", group_by=GroupBy.ASSET).hits
    assert len({h.asset_id for h in found}) == len(found)
    assert all(h.moments and h.moments[0].span == h.span for h in found)
    assert [h.rank for h in found] == list(range(1, len(found) + 1))


def test_a_threshold_cuts_weak_hits(shelf: Shelf) -> None:
    scores = [h.score for h in find(shelf, "station").hits]
    assert [h.score for h in find(shelf, "station", threshold=scores[1]).hits] == scores[:2]


def test_pages_follow_each_other_without_gap_or_repeat(shelf: Shelf) -> None:
    whole = find(shelf, "station", limit=10)
    pages, token = [], None
    while True:
        page = find(shelf, "station", limit=2, page=token)
        pages += page.hits
        token = page.next_page
        if token is None:
            break
        assert len(pages) < page.total <= whole.total
    assert page.total == whole.total == len(pages)
    assert [h.span for h in pages] == [h.span for h in whole.hits]
    assert [h.rank for h in pages] == list(range(1, len(pages) + 1))
    with pytest.raises(InvalidQuery):
        find(shelf, "dog", page=find(shelf, "station", limit=1).next_page)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "query_empty"),
        ("  ?! ", "query_empty"),
        ("dog " * 501, "query_too_long"),
        ("d" * 5001, "query_too_long"),
    ],
)
def test_words_that_cannot_be_searched_are_refused(shelf: Shelf, query: str, code: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        find(shelf, query)
    assert caught.value.code == code


def test_a_query_longer_than_the_model_reads_is_read_in_pieces(shelf: Shelf) -> None:
    assert find(shelf, "dog " * 100).hits[0].asset_name == find(shelf, "dog").hits[0].asset_name


def test_a_query_of_nothing_is_refused(shelf: Shelf) -> None:
    for given in ({}, {"negative": "dog"}, {"image": b""}):
        with pytest.raises(InvalidQuery) as caught:
            find(shelf, **given)
        assert caught.value.code == "query_empty"


@pytest.mark.parametrize("kind", ["image", "audio", "video"])
def test_a_query_file_that_is_not_media_is_refused(shelf: Shelf, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("These are only words.")
    for value in (path, path.read_bytes()):
        with pytest.raises(InvalidQuery) as caught:
            find(shelf, **{kind: value})
        assert caught.value.code == "query_media_invalid"


def test_pages_have_a_size(shelf: Shelf) -> None:
    for limit in (0, 501):
        with pytest.raises(InvalidQuery):
            find(shelf, "dog", limit=limit)


def test_only_a_grant_for_searching_searches(shelf: Shelf) -> None:
    with pytest.raises(NotPermitted):
        shelf.searcher.search(shelf.store.scope(INGEST, shelf.index.id), build_query(
            "dog", None, None, None, (), (), None, None, None, "moment", 10, None,
        ))  # fmt: skip


def test_what_was_used_is_named(shelf: Shelf) -> None:
    found = find(shelf, "train")
    assert set(found.cards) >= {"colours", "ears"}
    assert found.exact


def test_searchers_share_a_cache_whose_bytes_are_bounded(shelf: Shelf) -> None:
    cache = shot_cache(limit=2000)  # enough for the shots of one asset
    scope = shelf.store.scope(SEARCH, shelf.index.id)
    for words in ("train", "cat", "train", "cat"):
        query = Query((QueryPart(PartKind.TEXT, words),))
        searcher = Searcher(shelf.store, shelf.searcher.encoders, shelf.settings, cache)
        assert searcher.search(scope, query) == shelf.searcher.search(scope, query)
        assert 0 < cache.size <= cache.limit
