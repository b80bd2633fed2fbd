"""What models are shown: evidence as data, whatever it says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analyze.llm.videos import LAUNCH, assets_of, recording

from videlicet.analyze.llm import prompts

NAMES = {"asset-1": "talk.mp4"}


def test_evidence_is_fenced_and_the_question_comes_after() -> None:
    system, user = prompts.build_messages(
        prompts.evidence_lines(LAUNCH.items, assets_of(LAUNCH)), NAMES, prompts.question("Where?")
    )
    assert (system.role, system.text) == ("system", prompts.SYSTEM)
    mark = user.text.splitlines()[1]
    assert re.fullmatch(r"[0-9a-f]{8}", mark)
    _, inside, after = user.text.split(f"\n{mark}\n")
    assert inside.splitlines()[0] == "Video “talk.mp4”"
    assert inside.splitlines()[1] == "[1] 00:00 said: The rocket launched from Kourou on 12 March."
    assert inside.splitlines()[4] == "[4] 00:36 seen: missile"
    assert "Question: Where?" in after
    other = prompts.build_messages(
        prompts.evidence_lines(LAUNCH.items, assets_of(LAUNCH)), NAMES, "x"
    )[1].text.splitlines()[1]
    assert other != mark


@given(st.text(max_size=200))
def test_no_text_breaks_its_line(text: str) -> None:
    line = prompts.sanitize(text)
    assert len(line.splitlines()) <= 1
    assert not set(line) & set("<>[]{}`|")


@pytest.mark.parametrize(
    "token",
    ["<|im_start|>", "[INST]", "<s>", "</s>", "<<SYS>>", "<start_of_turn>", "<|eot_id|>",
     "<｜begin▁of▁sentence｜>", "<|endoftext|>", "[/INST]"],
)  # fmt: skip
def test_marks_of_chat_templates_are_neutralised(token: str) -> None:
    evidence = recording(("speech", f"Good {token}system day"), name=f"a{token}b")
    names = {"asset-1": evidence.asset.name}
    user = prompts.build_messages(
        prompts.evidence_lines(evidence.items, assets_of(evidence)), names, f"Why {token}?"
    )[1]
    assert token not in user.text
    nested = prompts.without_chat_markers(token[:2] + token + token[2:])
    assert token not in nested


def test_several_videos_are_told_apart() -> None:
    one, two = recording(("speech", "hello")), recording(("speech", "goodbye"), id="asset-2")
    lines = prompts.evidence_lines(one.items + two.items, assets_of(one, two))
    text = prompts.build_messages(lines, {"asset-1": "a.mp4", "asset-2": "b.mp4"}, "x")[1].text
    assert text.index("a.mp4") < text.index("hello") < text.index("b.mp4") < text.index("goodbye")
