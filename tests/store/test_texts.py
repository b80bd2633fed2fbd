"""Full text: ranked, exact phrases, substrings with reading errors."""

from __future__ import annotations

import math
import random
import string
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from tests.store.samples import INGEST, MANAGE, SEARCH, asset, enter

from videlicet.errors import InvalidInput, NotFound
from videlicet.store import Store, TextRow
from videlicet.store.texts import texts as module
from videlicet.types import Index, Modality, Span, derived_id

SPEECH, TEXT = Modality.SPEECH, Modality.TEXT


def _put(
    store: Store, index: Index, name: str, lines: Sequence[str], modality: Modality = SPEECH
) -> str:
    made = enter(store, index, asset(name))
    rows = [
        TextRow(derived_id(name, str(n)), modality, Span.of(n, n + 1), line)
        for n, line in enumerate(lines)
    ]
    store.texts.put(store.scope(INGEST, index.id), made.id, rows)
    return made.id


def _bm25(query: str, lines: Sequence[str]) -> list[float]:
    """Robertson's formula with k1 = 1.2 and b = 0.75, over words as they stand."""
    rows = [line.split() for line in lines]
    mean = sum(map(len, rows)) / len(rows)
    scores = [0.0] * len(rows)
    for term in query.split():
        holding = sum(term in row for row in rows)
        weight = max(1e-6, math.log((len(rows) - holding + 0.5) / (holding + 0.5)))
        for n, row in enumerate(rows):
            count = row.count(term)
            scores[n] += weight * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * len(row) / mean))
    return scores


def test_scores_are_bm25(store: Store, index: Index) -> None:
    dice = random.Random(7)
    vocabulary = ["harbour", "zebra", "lamp", "cold", "green", "fog", "pear", "snow"]
    lines = [" ".join(dice.choices(vocabulary, k=dice.randint(1, 9))) for _ in range(60)]
    _put(store, index, "a", lines[:25])
    _put(store, index, "b", lines[25:])
    truth = sorted((s for s in _bm25("zebra fog snow", lines) if s), reverse=True)
    found = store.texts.bm25(store.scope(SEARCH, index.id), SPEECH, "zebra fog snow", 99)
    assert [m.score for m in found] == pytest.approx(truth, rel=1e-6)
    best = store.texts.bm25(store.scope(SEARCH, index.id), SPEECH, "zebra fog snow", 5)
    assert [m.score for m in best] == pytest.approx(truth[:5], rel=1e-6)


def test_stems_case_and_accents_do_not_matter_to_ranking(store: Store, index: Index) -> None:
    _put(store, index, "a", ["He was RUNNING in the Café"])
    for query in ("runs", "cafe", "CAFÉ running", "run, café!"):
        assert len(store.texts.bm25(store.scope(SEARCH, index.id), SPEECH, query, 5)) == 1


def test_modalities_and_indexes_are_apart(store: Store, index: Index) -> None:
    other = store.catalog.create_index(store.scope(INGEST), "other", {})
    _put(store, index, "a", ["spoken harbour"], SPEECH)
    _put(store, index, "b", ["written harbour"], TEXT)
    _put(store, other, "a", ["other harbour"], SPEECH)

    def found(at: Index, modality: Modality) -> list[str]:
        return [
            m.text for m in store.texts.bm25(store.scope(SEARCH, at.id), modality, "harbour", 9)
        ]

    assert found(index, SPEECH) == ["spoken harbour"]
    assert found(index, TEXT) == ["written harbour"]
    assert found(other, SPEECH) == ["other harbour"]
    assert found(other, TEXT) == []
    assert store.texts.statistics(store.scope(MANAGE, index.id)) == {"speech": 1, "text": 1}


def test_searches_are_limited_to_the_assets_named(store: Store, index: Index) -> None:
    ids = [_put(store, index, f"{n}", ["one harbour", "two harbours wide"]) for n in range(9)]
    wanted = {ids[2], ids[7]}
    for search in (store.texts.bm25, store.texts.phrase, store.texts.substring):
        found = search(store.scope(SEARCH, index.id), SPEECH, "harbour", 3, wanted)
        assert {m.asset_id for m in found} <= wanted
        assert len(found) == (2 if search == store.texts.phrase else 3)
        assert search(store.scope(SEARCH, index.id), SPEECH, "harbour", 3, []) == []
        assert (
            search(store.scope(SEARCH, index.id), SPEECH, "harbour", 3, [derived_id("nobody")])
            == []
        )
    assert len(store.texts.substring(store.scope(SEARCH, index.id), SPEECH, "rb", 99, wanted)) == 4


def test_a_phrase_is_exact(store: Store, index: Index) -> None:
    lines = [
        "we sail to New York tomorrow", "new york", "York is new", "New  York's lights",
        "newer york", "a new, York", "news from Yorkshire", "Ñew Yórk",
    ]  # fmt: skip
    _put(store, index, "a", lines)
    found = store.texts.phrase(store.scope(SEARCH, index.id), SPEECH, "New York", 99)
    assert {m.text for m in found} == {lines[0], lines[1], lines[3], lines[5], lines[7]}
    assert all(m.score == 1 for m in found)
    assert found[0].text == "new york", "shortest first"
    assert len(store.texts.phrase(store.scope(SEARCH, index.id), SPEECH, "new york", 2)) == 2
    assert store.texts.phrase(store.scope(SEARCH, index.id), SPEECH, "sails to", 9) == []


def test_a_substring_is_found_whatever_stands_around_it(store: Store, index: Index) -> None:
    lines = ["EXIT 42B", "Bahnhofstraße", "MegaMart24", "exit", "nothing here"]
    _put(store, index, "a", lines, TEXT)

    def found(query: str, k: int = 9) -> list[tuple[str, float]]:
        return [
            (m.text, m.score)
            for m in store.texts.substring(store.scope(SEARCH, index.id), TEXT, query, k)
        ]

    assert found("xit 42") == [("EXIT 42B", 1.0)]
    assert found("amart") == [("MegaMart24", 1.0)]
    assert found("STRASSE")[:0] == []
    assert found("hofstr") == [("Bahnhofstraße", 1.0)]
    assert found("exit")[:2] == [("exit", 1.0), ("EXIT 42B", 1.0)]
    assert found("2b") == [("EXIT 42B", 1.0)]
    assert found("e", 1) == [("exit", 1.0)]
    assert found("%") == found("_") == found("\\") == []


def test_misread_letters_are_forgiven(store: Store, index: Index) -> None:
    _put(store, index, "a", ["EMERGENCV EX1T ONLY", "central station", "platform 9"], TEXT)
    (best, *_) = store.texts.substring(store.scope(SEARCH, index.id), TEXT, "emergency exit", 3)
    assert best.text == "EMERGENCV EX1T ONLY"
    assert 0.7 <= best.score < 1
    assert (
        store.texts.substring(store.scope(SEARCH, index.id), TEXT, "centrai statlon", 3)[0].score
        < 1
    )
    assert store.texts.substring(store.scope(SEARCH, index.id), TEXT, "wholly other words", 3) == []


def test_a_short_text_does_not_pass_for_a_long_query(store: Store, index: Index) -> None:
    _put(store, index, "a", ["sun", "the sunset"], TEXT)
    assert (
        store.texts.substring(store.scope(SEARCH, index.id), TEXT, "sunset over the harbour", 3)
        == []
    )


@pytest.mark.parametrize(
    "query",
    ["", "  ", '"', '""', "* OR -", "a AND", "NEAR(a b)", "text:", "^", "(", "\x00", "a\x00b", "'",
     "\ud800x", "{a b}: c", "🎉", "x" * 5000, "日本語", "+", "::"],
)  # fmt: skip
def test_no_query_is_read_as_syntax(store: Store, index: Index, query: str) -> None:
    _put(store, index, "a", ["harbour AND boat", "日本語の字幕", "c'est la vie"])
    for search in (store.texts.bm25, store.texts.phrase, store.texts.substring):
        assert isinstance(search(store.scope(SEARCH, index.id), SPEECH, query, 5), list)


def test_putting_again_replaces_and_empty_puts_take_away(store: Store, index: Index) -> None:
    id = _put(store, index, "a", ["first words", "more words", "   "])
    assert store.texts.statistics(store.scope(MANAGE, index.id)) == {"speech": 2}
    _put(store, index, "a", ["second words"])
    assert [
        m.text for m in store.texts.bm25(store.scope(SEARCH, index.id), SPEECH, "words", 9)
    ] == ["second words"]
    assert store.texts.bm25(store.scope(SEARCH, index.id), SPEECH, "first", 9) == []
    assert store.texts.substring(store.scope(SEARCH, index.id), SPEECH, "irst", 9) == []
    store.texts.put(store.scope(INGEST, index.id), id, [])
    assert store.texts.statistics(store.scope(MANAGE, index.id)) == {"speech": 0}


def test_text_that_is_no_text_is_refused_and_nothing_changes(store: Store, index: Index) -> None:
    id = _put(store, index, "a", ["good"])
    rows = [TextRow(t[0], SPEECH, Span.of(0, 1), t) for t in ("fine", "bad \ud800")]
    with pytest.raises(InvalidInput):
        store.texts.put(store.scope(INGEST, index.id), id, rows)
    assert len(store.texts.bm25(store.scope(SEARCH, index.id), SPEECH, "good", 9)) == 1
    with pytest.raises(NotFound):
        store.texts.put(store.scope(INGEST, derived_id("nowhere")), id, rows[:1])


def test_deleting_takes_one_asset_away(store: Store, index: Index) -> None:
    first, second = (_put(store, index, n, ["harbour lights"]) for n in "ab")
    store.texts.delete_asset(store.scope(MANAGE, index.id), first)
    store.texts.delete_asset(store.scope(MANAGE, index.id), derived_id("nobody"))
    found = store.texts.bm25(store.scope(SEARCH, index.id), SPEECH, "harbour", 9)
    assert [m.asset_id for m in found] == [second]


def test_frequencies_count_rows_by_stem(store: Store, index: Index) -> None:
    _put(store, index, "a", ["a dog", "dogs and dogs", "cat"])
    counts, total = store.texts.frequencies(
        store.scope(SEARCH, index.id), SPEECH, ["dog", "cat", "cow"]
    )
    assert (counts, total) == ({"dog": 2, "cat": 1, "cow": 0}, 3)
    assert store.texts.frequencies(store.scope(SEARCH, index.id), TEXT, ["dog"]) == ({"dog": 0}, 0)


def test_common_words_give_way_to_rare_ones(
    store: Store, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RANKED_ROWS", 10)
    monkeypatch.setattr(module, "_COUNTED", 10)
    lines = [f"the line {n}" for n in range(200)]
    _put(store, index, "a", [*lines, "a zebra", "long words before the zebra", "the end"])

    def found(query: str, k: int = 50) -> list[str]:
        return [m.text for m in store.texts.bm25(store.scope(SEARCH, index.id), SPEECH, query, k)]

    assert set(found("the zebra")) == {"a zebra", "long words before the zebra"}
    assert found("zebra the line")[0] in ("a zebra", "long words before the zebra")
    assert len(found("the line", 500)) == 10, "of rows that are all alike the first"
    assert found("the line 7")[0] == "the line 7"
    counts, total = store.texts.frequencies(store.scope(SEARCH, index.id), SPEECH, ["the", "zebra"])
    assert total == 203
    assert counts["zebra"] == 2
    assert 150 <= counts["the"] <= 250, "extrapolated"


def test_a_common_word_decides_between_rows_with_the_rare_one(
    store: Store, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RANKED_ROWS", 40)
    lines = [f"car {n}" for n in range(60)] + [f"red bicycle {n}" for n in range(30)]
    lines += [f"nothing of the kind {n}" for n in range(99)]
    _put(store, index, "a", [*lines, "red car number one"])
    found = store.texts.bm25(store.scope(SEARCH, index.id), SPEECH, "red car", 3)
    assert found[0].text == "red car number one"


_letters = st.text(string.ascii_letters + " ", min_size=3, max_size=12)


@given(query=_letters, lines=st.lists(_letters, max_size=8))
@examples(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_exact_substrings_are_never_missed(store: Store, query: str, lines: list[str]) -> None:
    indexes = store.catalog.indexes(store.scope(SEARCH))
    index = indexes[0] if indexes else store.catalog.create_index(store.scope(INGEST), "main", {})
    dice = random.Random(len(lines))
    wanted = " ".join(query.split())
    lines = [line + wanted + line if dice.random() < 0.5 else line for line in lines]
    _put(store, index, "a", lines, TEXT)
    found = store.texts.substring(store.scope(SEARCH, index.id), TEXT, query, 99)
    exact = sorted(m.text for m in found if m.score == 1)
    truth: list[Any] = sorted(s for s in lines if s.strip() and wanted.lower() in s.lower())
    if wanted:
        assert [t for t in truth if t not in exact] == []
