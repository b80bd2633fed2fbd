"""Answers with the real text encoder."""

from __future__ import annotations

import pytest
from tests.analyze.qa.talks import ANSWERABLE, TALKS, UNANSWERABLE
from tests.analyze.qa.timed_text import make_evidence

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.qa.answers import ask
from videlicet.models.base import TextEncoder
from videlicet.models.registry import load
from videlicet.settings import load as settings

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    found: TextEncoder = load("text", settings())
    return found


@pytest.fixture(scope="module")
def talks(encoder: TextEncoder) -> dict[str, AssetEvidence]:
    return {
        name: make_evidence(
            name, said=rows["said"], written=rows["written"], seen=rows["seen"], encoder=encoder
        )
        for name, rows in TALKS.items()
    }


def of(talks: dict[str, AssetEvidence], name: str | None) -> list[AssetEvidence]:
    return [talks[name]] if name else list(talks.values())


@pytest.mark.slow
def test_most_answers_are_found_and_cited(
    talks: dict[str, AssetEvidence], encoder: TextEncoder
) -> None:
    wrong = []
    for name, rows in ANSWERABLE.items():
        for question, word in rows.items():
            found = ask(of(talks, name), question, encoder)
            assert found.found == bool(found.citations)
            if word.lower() not in found.text.lower():
                wrong.append((question, found.text))
    count = sum(map(len, ANSWERABLE.values()))
    assert len(wrong) <= 0.2 * count, wrong
    # What is wrong is rather not found than found elsewhere.
    assert sum(not text.startswith("Not found") for _, text in wrong) <= 0.1 * count, wrong


def test_near_misses_are_not_found(talks: dict[str, AssetEvidence], encoder: TextEncoder) -> None:
    answers = [
        (question, ask(of(talks, name), question, encoder))
        for name, rows in UNANSWERABLE.items()
        for question in rows
    ]
    wrong = [(question, answer.text) for question, answer in answers if answer.found]
    assert len(wrong) <= 0.1 * len(answers), wrong
