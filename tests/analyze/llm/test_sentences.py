from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.analyze.llm.sentences import split


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("No end", ["No end"]),
        ("Dr. Smith met J. Doe at 3.5 km, e.g. here. Then left.",
         ["Dr. Smith met J. Doe at 3.5 km, e.g. here.", "Then left."]),
        ("It rose. [3] It fell [1, 2]. Yes.[4] No.",
         ["It rose. [3]", "It fell [1, 2].", "Yes.[4]", "No."]),
        ("1. First\n2. Second", ["1. First", "2. Second"]),
        ("Sagte er „Ja.“ Dann ging er.", ["Sagte er „Ja.“ Dann ging er."]),
        ("He said “yes.” Then left.", ["He said “yes.”", "Then left."]),
        ("今日は晴れ。明日は雨。", ["今日は晴れ。", "明日は雨。"]),
        ("Wait... what? Yes", ["Wait...", "what?", "Yes"]),
    ],
)  # fmt: skip
def test_sentences(text: str, found: list[str]) -> None:
    assert split(text) == found


@given(st.text(st.sampled_from(list("ab .!?[]12,\n。Dr")), max_size=60))
def test_nothing_is_lost_or_made_up(text: str) -> None:
    assert "".join("".join(split(text)).split()) == "".join(text.split())
