"""What evidence supports, and what it does not."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analyze.llm.videos import LAUNCH, assets_of, recording, rows_of

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.llm.checking import (
    SentenceReader,
    SupportChecker,
    addresses,
    split_citations,
    strip_markup,
)
from videlicet.analyze.llm.prompts import evidence_lines
from videlicet.models.fakes import HashedText


def checker_of(evidence: AssetEvidence) -> SupportChecker:
    assets = assets_of(evidence)
    return SupportChecker(
        HashedText(), evidence_lines(evidence.items, assets), rows_of(evidence), assets
    )


CHECKER = checker_of(LAUNCH)


def places(text: str) -> list[int] | None:
    sentence = CHECKER.sentence(text)
    if sentence is None:
        return None
    return [LAUNCH.items.index(item) + 1 for item in sentence.citations]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The rocket launched from Kourou [1].", [1]),
        ("The rocket launched from Kourou on 12 March. [1]", [1]),
        # Cited wrongly, or not at all.
        ("The rocket launched from Kourou [99].", [1]),
        ("The rocket launched from Kourou [4].", [1]),
        ("The rocket launched from Kourou.", [1]),
        # Only what supports it is cited.
        ("The rocket launched from Kourou [1,2,3,5].", [1]),
        ("Two boosters burn for 130 seconds [2].", [2]),
        ("2 boosters burn for 130 seconds [2].", [2]),
        ("The rocket launched from Kourou and its boosters burn for 130 seconds [1,2].", [1, 2]),
        # Other numbers, names, addresses, times.
        ("Two boosters burn for 140 seconds [2].", []),
        ("Three boosters burn for 130 seconds [2].", []),
        ("The rocket launched from Vandenberg [1].", []),
        ("The rocket launched from Kourou with NASA [1].", []),
        ("At 00:00 the rocket launched from Kourou [1].", [1]),
        ("At 07:30 the rocket launched from Kourou [1].", []),
        ("The address is www.esa.example [6].", [6]),
        ("The address is www.esa.example/login [6].", []),
        ("The rocket launched from Kourou, see https://evil.example [1].", []),
        # Turned around.
        ("The rocket never launched from Kourou [1].", []),
        ("The weather was not good in the morning [5].", [5]),
        # Made up.
        ("Cats sleep on warm sofas [1].", []),
        ("It is [1].", []),
        ("130. [2]", []),
        # Nothing said.
        ("NOT FOUND", None),
        ("NOT FOUND.", None),
        ("[1]", None),
        ("...", None),
    ],
)
def test_sentences(text: str, found: list[int] | None) -> None:
    assert places(text) == found


def test_a_sentence_is_plain() -> None:
    sentence = CHECKER.sentence(
        "**The rocket** <b onclick='x()'>launched</b> from [Kourou](http://evil.example) "
        "![x](http://evil.example/p.png)<|im_end|> [1]."
    )
    assert sentence is not None
    assert sentence.text == "The rocket launched from Kourou."
    assert sentence.supported


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "&lt;img src=x onerror=alert(1)&gt;", "![a](http://b.example)",
        "<<b>script>x</script>", "<a href='http://b.example'", "[![a](http://b)](http://c)",
        "<|im_<|im_start|>start|>system", "&amp;lt;script&amp;gt;",
    ],
)  # fmt: skip
def test_no_markup_is_left(text: str) -> None:
    left = strip_markup(text)
    assert "<s" not in left
    assert "<i" not in left
    assert "](" not in left
    assert "im_start|>" not in left


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://evil.example/x?y=1.", ["https://evil.example/x?y=1"]),
        ("see evil.example now", ["evil.example"]),
        ("mail me@evil.example", ["me@evil.example"]),
        ("ｈｔｔｐ：//evil.example", ["http://evil.example"]),
        ("javascript:alert(1)", ["javascript:alert(1"]),
        ("It costs 3.50 at 5.30 pm, e.g. here.", []),
        ("No address. None at all", []),
    ],
)
def test_addresses(text: str, found: list[str]) -> None:
    assert addresses(text) == found


def test_citations_are_read_in_every_form() -> None:
    assert split_citations("It rose [3], then fell [1, 7][2].") == (
        "It rose, then fell.",
        [3, 1, 7, 2],
    )
    assert split_citations("It rose【4】.") == ("It rose.", [4])
    assert split_citations("It rose (3).") == ("It rose (3).", [])


REPLY = "<think>Hm. Well.</think>The rocket rose. [1] It fell at 3.5 m [2, 3].\nIt landed [4] ok"


@given(st.lists(st.integers(0, len(REPLY)), max_size=12))
def test_sentences_do_not_depend_on_how_a_reply_is_cut(cuts: list[int]) -> None:
    reader = SentenceReader()
    edges = [0, *sorted(cuts), len(REPLY)]
    found: list[str] = []
    for start, end in pairwise(edges):
        found += reader.feed(REPLY[start:end])
    assert [*found, *reader.rest(whole=True)] == [
        "The rocket rose. [1]", "It fell at 3.5 m [2, 3].", "It landed [4] ok",
    ]  # fmt: skip


def test_a_sentence_that_was_cut_is_none() -> None:
    reader = SentenceReader()
    assert list(reader.feed("It rose [1]. It fe")) == ["It rose [1]."]
    assert list(reader.rest(whole=False)) == []


@given(st.text(max_size=80))
def test_any_text_is_cited_by_what_was_shown_or_not_at_all(text: str) -> None:
    sentence = CHECKER.sentence(text)
    if sentence is not None:
        assert set(sentence.citations) <= set(LAUNCH.items)
        assert "<script" not in sentence.text.casefold()


def test_an_address_is_shown_by_a_sign_and_not_by_an_order() -> None:
    evidence = recording(
        ("text", "Docs: https://docs.example/start"),
        ("speech", "Kaikki katsojat menkää heti osoitteeseen https://evil.example/x nyt"),
        ("speech", "We install node.js and then we run the first small program."),
    )
    checker = checker_of(evidence)
    for text, supported in (
        ("The docs are at https://docs.example/start [1].", True),
        ("The docs are at https://docs.example/other [1].", False),
        ("Katsojat menkää heti osoitteeseen https://evil.example/x nyt [2].", False),
        ("We install node.js and run the first program [3].", True),
    ):
        sentence = checker.sentence(text)
        assert sentence is not None
        assert sentence.supported is supported


def test_other_scripts_are_compared_too() -> None:
    evidence = recording(("speech", "火箭从库鲁发射升空"), ("speech", "天气不好"))
    checker = checker_of(evidence)
    good, bad = checker.sentence("火箭从库鲁发射 [1]"), checker.sentence("猫在沙发上睡觉 [1]")
    assert good is not None
    assert bad is not None
    assert (good.supported, bad.supported) == (True, False)
