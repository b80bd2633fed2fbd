"""What the policy withholds is not found, counted or read, whatever asks."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.search.search_library import ENCODERS, MODELS, Shelf

from videlicet.analyze.evidence.load import load_evidence
from videlicet.analyze.evidence.select_assets import ready_assets, relevant_assets
from videlicet.errors import NotPermitted, VidelicetError
from videlicet.models import cards
from videlicet.rights import Decisions, Grant, IndexScope, Purpose
from videlicet.search.compose import build_query
from videlicet.store.files import path_of_asset
from videlicet.types import GroupBy, Modality, Query, Span, derived_id, video_id_of

REASONS = ("rights.no_licence",)
SPEECH = Modality.SPEECH


class Withholding:
    """Withholds some assets from whoever searches, analyses or exports."""

    name = "tests"
    selective = True

    def __init__(self) -> None:
        self.withheld_assets: set[str] = set()
        self.asked: list[int] = []

    def decide_many(self, grant: Grant, purpose: Purpose, asset_ids: Collection[str]) -> Decisions:
        self.asked.append(len(asset_ids))
        if purpose in (Purpose.MANAGE, Purpose.INGEST, Purpose.INDEX):
            return Decisions(frozenset(asset_ids))
        refused = self.withheld_assets & set(asset_ids)
        return Decisions(frozenset(asset_ids) - refused, dict.fromkeys(refused, REASONS))


POLICY = Withholding()
NAMES = [f"{n}.mp4" for n in range(6)]


@pytest.fixture(autouse=True)
def _known_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence is read in the space of the model that a card names."""
    for id, one in MODELS.items():
        monkeypatch.setitem(cards._FAKES_BY_ID, id, one)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Six videos with a dog; the two with most of it are withheld."""
    one = Shelf(tmp_path_factory.mktemp("library"), policy=POLICY)
    for n, name in enumerate(NAMES):
        one.add(
            name,
            shots=((0, 10), (10, 20)),
            labels=((0, 10, "dog"), (10, 20, "dog" if n < 2 else "cat")),
            said=((1, 3, "A dog on the beach."),),
            metadata={"even": n % 2 == 0},
        )
    POLICY.withheld_assets = {_id(0), _id(1)}
    yield one
    one.store.close()


def _id(n: int) -> str:
    return derived_id("asset", NAMES[n])


def at(shelf: Shelf, purpose: Purpose = Purpose.SEARCH) -> IndexScope:
    return shelf.store.scope(Grant("tester", purpose), shelf.index.id)


def query(words: str, **more: Any) -> Query:
    arguments: dict[str, Any] = {
        "image": None, "audio": None, "video": None, "negative": (), "modalities": (),
        "filter": None, "assets": None, "threshold": None, "group_by": "moment", "limit": 10,
        "page": None, **more,
    }  # fmt: skip
    return build_query(words, **arguments)


@pytest.mark.parametrize("words", ["dog", '"a dog on the beach"'])
def test_searches_rank_and_count_what_is_left(shelf: Shelf, words: str) -> None:
    page = shelf.searcher.search(at(shelf), query(words, group_by="asset", limit=3))
    assert {hit.asset_name for hit in page.hits} <= set(NAMES[2:])
    assert [hit.rank for hit in page.hits] == [1, 2, 3]
    assert (page.total, page.withheld_assets) == (4, 2)
    rest = shelf.searcher.search(
        at(shelf), query(words, group_by="asset", limit=3, page=page.next_page)
    )
    assert (len(rest.hits), rest.next_page, rest.withheld_assets) == (1, None, 2)
    # Evidence is ranked among what is left too.
    assert min(one.rank for hit in page.hits for one in hit.evidence) == 1
    ranking = shelf.searcher.ranking(at(shelf), query(words))
    assert ranking.withheld_assets == 2
    assert {moment.asset_id for moment, _ in ranking.groups}.isdisjoint(POLICY.withheld_assets)


def test_only_what_the_filter_leaves_is_counted_as_withheld(shelf: Shelf) -> None:
    found = shelf.searcher.search(at(shelf), query("dog", filter={"even": True}))
    assert found.withheld_assets == 1
    assert {hit.asset_name for hit in found.hits} == {NAMES[2], NAMES[4]}
    found = shelf.searcher.search(at(shelf), query("dog", assets=[_id(0), _id(3)]))
    assert ({hit.asset_id for hit in found.hits}, found.withheld_assets) == ({_id(3)}, 1)
    found = shelf.searcher.search(at(shelf), query("dog", assets=[_id(0)]))
    assert (found.hits, found.total, found.withheld_assets) == ((), 0, 1)


def test_a_search_asks_the_policy_once_about_all_candidates(shelf: Shelf) -> None:
    POLICY.asked.clear()
    scope = at(shelf)
    shelf.store.catalog.decide_assets(scope)
    assert POLICY.asked == [0, len(NAMES)]


def test_lists_leave_out_what_is_withheld(shelf: Shelf) -> None:
    catalog, scope = shelf.store.catalog, at(shelf, Purpose.ANALYZE)
    left = {_id(n) for n in range(2, 6)}
    assert {one.id for one in catalog.assets(scope)} == left
    assert len(catalog.assets(scope, limit=2)) == 2
    assert {one.id for one in catalog.assets(scope, offset=1)} < left
    assert set(catalog.names(scope, [_id(0), _id(2)])) == {_id(2)}
    assert catalog.find_assets(scope) == left
    assert set(catalog.members(scope)) == left
    assert {one.asset_id for one in catalog.videos(scope)} == left
    managing = at(shelf, Purpose.MANAGE)
    assert len(catalog.assets(managing)) == len(catalog.members(managing)) == len(NAMES)
    assert shelf.store.catalog.decide_assets(scope).refused == dict.fromkeys(
        POLICY.withheld_assets, REASONS
    )


def test_words_and_vectors_of_what_is_withheld_are_not_read(shelf: Shelf) -> None:
    store, scope = shelf.store, at(shelf, Purpose.ANALYZE)
    row = ENCODERS["words"].encode(["dog"])[0]  # type: ignore[attr-defined]
    for within in (None, [_id(0), _id(2)], [_id(0)]):
        left = {_id(n) for n in range(2, 6)} & (set(within) if within else {*map(_id, range(6))})
        for search in (store.texts.bm25, store.texts.phrase, store.texts.substring):
            assert {m.asset_id for m in search(scope, SPEECH, "dog", 99, within)} == left
        [found] = store.vectors.search(scope, Modality.VISUAL, "words", row, 99, within)
        assert {match.asset_id for match in found} == left
    batches = store.vectors.scan(scope, SPEECH, "words")
    assert {batch.asset_id for batch in batches} == {_id(n) for n in range(2, 6)}


@pytest.mark.parametrize("purpose", [Purpose.ANALYZE, Purpose.EMBED_EXPORT, Purpose.SEARCH])
def test_whoever_names_a_withheld_asset_is_reported_why_not(shelf: Shelf, purpose: Purpose) -> None:
    store, scope, id = shelf.store, at(shelf, purpose), _id(0)
    seen = store.catalog.observations(at(shelf, Purpose.MANAGE), id)
    calls: list[Any] = [
        lambda: store.catalog.asset(scope, id),
        lambda: store.catalog.video_of(scope, id),
        lambda: store.catalog.video(scope, video_id_of(shelf.index.id, id)),
        lambda: store.catalog.observations(scope, id),
        lambda: store.catalog.observations_at(scope, [(id, SPEECH, Span.of(0, 9))]),
        lambda: store.catalog.observation(scope, seen[0].id),
        lambda: store.catalog.spans(scope, id, SPEECH),
        lambda: load_evidence(scope, store, id),
    ]
    if purpose is not Purpose.SEARCH:
        calls.append(lambda: store.vectors.of_asset(scope, SPEECH, "words", id))
    for call in calls:
        with pytest.raises(NotPermitted) as refused:
            call()
        assert (refused.value.code, refused.value.subject) == ("purpose_not_permitted", id)
        assert refused.value.details == {"reasons": list(REASONS), "policy": "tests"}


def test_evidence_is_chosen_among_what_is_left(shelf: Shelf) -> None:
    scope = at(shelf, Purpose.ANALYZE)
    left = [_id(n) for n in range(2, 6)]
    assert sorted(ready_assets(scope, shelf.searcher)) == sorted(left)
    assert sorted(relevant_assets(scope, shelf.searcher, "Where is the dog?")) == sorted(left)
    assert load_evidence(scope, shelf.store, left[0]).items


def test_the_bytes_of_an_asset_are_withheld_with_it(shelf: Shelf) -> None:
    """So are its thumbnails and its stream, which are made from them."""
    store = shelf.store
    manage = store.scope(Grant("tester", Purpose.INGEST))
    scope = store.scope(Grant("tester", Purpose.SEARCH))
    shown, withheld = (
        replace(store.catalog.asset(manage, id), blob=f"files/{id}/original")
        for id in (_id(2), _id(0))
    )
    for one in (shown, withheld):
        store.blobs.put(manage, f"files/{one.id}/original", b"video")
    assert path_of_asset(scope, store, shown).read_bytes() == b"video"
    with pytest.raises(NotPermitted):
        path_of_asset(scope, store, withheld)
    for folder in ("files", "assets"):
        with pytest.raises(NotPermitted):
            store.blobs.get(scope, f"{folder}/{withheld.id}/original")


def test_erasing_is_never_withheld(tmp_path: Path) -> None:
    one = Shelf(tmp_path, policy=POLICY)
    id = one.add("0.mp4", labels=((0, 10, "dog"),))
    assert id in POLICY.withheld_assets
    assert one.store.delete_index(at(one, Purpose.MANAGE))
    with pytest.raises(VidelicetError):
        one.store.catalog.asset(one.store.scope(Grant("tester", Purpose.MANAGE)), id)
    one.store.close()


def test_the_open_policy_is_never_asked_about_assets(tmp_path: Path) -> None:
    class Counting(Withholding):
        selective = False

    policy = Counting()
    one = Shelf(tmp_path, policy=policy)
    one.add("0.mp4", labels=((0, 10, "dog"),), said=((1, 3, "A dog."),))
    page = one.searcher.search(at(one), query("dog", group_by=GroupBy.ASSET))
    assert (page.total, page.withheld_assets) == (1, 0)
    load_evidence(at(one, Purpose.ANALYZE), one.store, page.hits[0].asset_id)
    assert set(policy.asked) == {0}, "once for each scope, and about no asset"
    one.store.close()
