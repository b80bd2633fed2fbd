from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analyze.qa.timed_text import WORDS, Rows, in_a_row, make_evidence

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.qa import answers
from videlicet.analyze.qa.questions import split_questions
from videlicet.evaluation.analysis import faithful
from videlicet.types import Answer, Modality, Sentence

STATION = make_evidence(
    "station.mp4",
    said=in_a_row(
        "Good morning.",
        "The train to Oslo departs from platform nine.",
        "Mind the gap between the train and the platform.",
        "Tickets cost twelve pounds.",
    ),
    written=[(0, 8, "PLATFORM 9 DEPARTS 14:05"), (10, 14, "LOST CAT - CALL 555-0139")],
    seen=[(0, 6, "bullet train"), (6, 12, "tabby cat"), (20, 24, "bullet train")],
)
KITCHEN = make_evidence(
    "kitchen.mp4",
    said=in_a_row(
        "My name is Ida Berg and I bake bread.",
        "You need four red apples and two eggs.",
        "The dough is ready. It rests for thirty minutes.",
        "Mind the gap between the train and the platform.",
    ),
    written=[(0, 4, "CHAPTER 3: BREAD"), (4, 9, "APPLE PIE 4.50")],
    seen=[(2, 9, "dough")],
)


def ask(question: str, *all_evidence: AssetEvidence) -> Answer:
    return answers.ask(all_evidence or (STATION,), question, WORDS)


@pytest.mark.parametrize(
    ("recording", "question", "answer"),
    [
        (
            STATION,
            "Where does the train depart from?",
            "The train to Oslo departs from platform nine.",
        ),
        (STATION, "At what time does the train depart?", "PLATFORM 9 DEPARTS 14:05"),
        (STATION, "How much do the tickets cost?", "Tickets cost twelve pounds."),
        (
            STATION,
            "Which phone number should I call about the lost cat?",
            "LOST CAT - CALL 555-0139",
        ),
        (
            STATION,
            "What is said about the gap?",
            "Mind the gap between the train and the platform.",
        ),
        (STATION, "Is the cat lost?", "LOST CAT - CALL 555-0139"),
        (KITCHEN, "Who bakes bread?", "My name is Ida Berg and I bake bread."),
        (KITCHEN, "How many eggs do you need?", "You need four red apples and two eggs."),
        (KITCHEN, "What colour are the apples?", "You need four red apples and two eggs."),
        (KITCHEN, "What is the price of the apple pie?", "APPLE PIE 4.50"),
        (KITCHEN, "Which chapter is about bread?", "CHAPTER 3: BREAD"),
        (
            KITCHEN,
            "How long does the dough rest?",
            "The dough is ready. It rests for thirty minutes.",
        ),
    ],
)
def test_what_the_evidence_says_is_quoted_and_cited(
    recording: AssetEvidence, question: str, answer: str
) -> None:
    found = ask(question, recording)
    assert (found.found, found.text) == (True, answer)
    assert found.analysis_backend == "builtin"
    assert all(answer in item.text or item.text in answer for item in found.citations)
    assert len(found.citations) == 1


@pytest.mark.parametrize(
    ("recording", "question"),
    [
        # Nobody tells.
        (STATION, "What is the capital of Peru?"),
        (STATION, "What is said about the weather?"),
        # A value of the wanted kind is missing, or is one of something else.
        (STATION, "How much does the coffee cost?"),
        (STATION, "What is the phone number of the hotel?"),
        (KITCHEN, "At what time is the bread ready?"),
        (KITCHEN, "How many pears do you need?"),
        (KITCHEN, "What colour is the dough?"),
        (KITCHEN, "What is the price of the bread?"),
        # Wrong names, numbers and things.
        (STATION, "Which platform does the train to Bergen depart from?"),
        (STATION, "Which platform does the bus depart from?"),
        (KITCHEN, "What is the title of chapter 5?"),
        # A picture's label tells no name and no colour.
        (STATION, "What is the name of the cat?"),
        (STATION, "What colour is the tabby cat?"),
        (STATION, "Who is the bullet train?"),
        (STATION, "When is the tabby cat Oscar seen?"),
        (STATION, "When does a giraffe appear?"),
        (STATION, "Is there a giraffe in the video?"),
        (STATION, ""),
        (STATION, "?!"),
    ],
)
def test_what_the_evidence_does_not_say_is_not_found(
    recording: AssetEvidence, question: str
) -> None:
    found = ask(question, recording)
    assert (found.found, found.citations) == (False, ())
    assert found.sentences == (Sentence("Not found in this video."),)


def test_nothing_is_found_in_nothing() -> None:
    assert not ask("Who speaks?", make_evidence()).found
    assert ask("Who speaks?", make_evidence(), make_evidence()).text == "Not found in these videos."
    assert answers.ask((), "Who speaks?", WORDS).text == "Not found in these videos."


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When does the tabby cat appear?", "Seen at 0:06–0:12: tabby cat."),
        ("When is the bullet train seen?", "Seen at 0:00–0:06 and 0:20–0:24: bullet train."),
        (
            "When is Oslo mentioned?",
            "Said at 0:01–0:03: “The train to Oslo departs from platform nine.”",
        ),
        (
            "When does the lost cat notice appear on screen?",
            "On screen at 0:10–0:14: “LOST CAT - CALL 555-0139”",
        ),
        ("Is there a tabby cat in the video?", "Seen at 0:06–0:12: tabby cat."),
    ],
)
def test_times_are_reported_where_they_are_asked_for(question: str, answer: str) -> None:
    assert ask(question).sentences[0].text == answer


def test_what_is_seen_is_reported_from_pictures_alone() -> None:
    found = ask("What animal like a tabby cat is seen?")
    assert {item.modality for item in found.citations} == {Modality.VISUAL}
    everything = ask("What can be seen?")
    assert everything.text.startswith("Seen at ")
    assert "tabby cat" in everything.text


def test_all_of_the_screen() -> None:
    found = ask("What is written on the screen?")
    assert {sentence.text for sentence in found.sentences} == {
        "PLATFORM 9 DEPARTS 14:05",
        "LOST CAT - CALL 555-0139",
    }


def test_all_that_is_said_is_what_is_typical_of_it() -> None:
    recording = make_evidence(
        said=in_a_row("the soup needs salt", "and the soup needs fire", "and time")
    )
    found = ask("What does the speaker say?", recording)
    assert found.found
    assert found.text == "the soup needs salt and the soup needs fire and time"


def test_of_several_videos_the_right_ones_are_named_and_cited() -> None:
    both = (STATION, KITCHEN)
    found = ask("Which video is about bread?", *both)
    assert all(sentence.text.startswith("In kitchen.mp4: ") for sentence in found.sentences)
    found = ask("Which videos mention a gap?", *both)
    assert [sentence.text[:16] for sentence in found.sentences] == [
        "In station.mp4: ",
        "In kitchen.mp4: ",
    ]
    # The same words in two videos are one sentence with two citations.
    (sentence,) = ask("What is between the train and the platform?", *both).sentences
    assert sentence.text == "Mind the gap between the train and the platform."
    assert {item.asset_id for item in sentence.citations} == {"id-station.mp4", "id-kitchen.mp4"}


def test_a_sentence_said_in_phrases_is_one() -> None:
    recording = make_evidence(
        said=in_a_row("First of all.", "The harbour was built", "by Ida Berg in 1931.")
    )
    found = ask("Who built the harbour?", recording)
    assert found.text == "The harbour was built by Ida Berg in 1931."
    assert [item.text for item in found.citations] == [
        "The harbour was built",
        "by Ida Berg in 1931.",
    ]
    apart = make_evidence(said=[(0, 2, "The harbour was built"), (9, 11, "by Ida Berg in 1931.")])
    assert not ask("Who built the harbour?", apart).found


def test_a_pronoun_brings_what_it_stands_for() -> None:
    recording = make_evidence(
        said=in_a_row("The cycle was found by Ida Berg.", "She won a prize.", "It rained.")
    )
    found = ask("Who won a prize?", recording)
    assert found.text == "The cycle was found by Ida Berg. She won a prize."
    assert len(found.citations) == 2


def test_lines_that_stand_together_are_read_together() -> None:
    recording = make_evidence(
        written=[(0, 4, "directed by"), (0, 4, "IDA BERG"), (50, 54, "THE END")]
    )
    found = ask("Who directed it?", recording)
    assert "IDA BERG" in found.text
    assert "THE END" not in found.text


def test_the_reader_hears_each_sentence() -> None:
    heard: list[Sentence] = []
    found = answers.ask(
        (STATION,), "What is written on the screen?", WORDS, on_sentence=heard.append
    )
    assert tuple(heard) == found.sentences
    heard.clear()
    missing = answers.ask((STATION,), "Who is the pilot?", WORDS, on_sentence=heard.append)
    assert tuple(heard) == missing.sentences
    assert found.usage.input_tokens > 0
    assert found.usage.output_tokens == WORDS.count_tokens(found.text)


_texts = st.lists(
    st.sampled_from(
        "the train to Oslo leaves at 14:05 from platform nine. It costs 2.50! CALL 555-0139 who "
        "Ida Berg said when is red cat seen and written? two dogs".split()
    ),
    min_size=1,
    max_size=12,
).map(" ".join)
_rows = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 9), _texts).map(
        lambda row: (float(row[0]), float(row[0] + row[1]), row[2])
    ),
    max_size=5,
)


@given(_rows, _rows, _rows, st.one_of(_texts, st.text(max_size=60)))
def test_nothing_is_said_without_evidence(
    said: Rows, written: Rows, seen: Rows, question: str
) -> None:
    recordings = (
        make_evidence("a.mp4", said=said, seen=seen),
        make_evidence("b.mp4", written=written, said=said),
    )
    for asked in (recordings, recordings[:1], recordings[1:]):
        found = answers.ask(asked, question, WORDS)
        parts = split_questions(question)
        assert 1 <= len(found.sentences) <= 3 * len(parts)
        missing = [sentence for sentence in found.sentences if not sentence.supported]
        assert found.found == (len(missing) < len(found.sentences))
        assert not (found.found and missing and len(parts) == 1)
        assert all(
            sentence.text.startswith(("Not found in th", "Only the first ")) for sentence in missing
        )
        items = {item.id for recording in asked for item in recording.items}
        assert {item.id for item in found.citations} <= items
        if found.found:
            names = [recording.asset.name for recording in asked]
            supported = [sentence for sentence in found.sentences if sentence.supported]
            assert all(faithful(sentence, names) for sentence in supported)
            for sentence in supported:
                words = {word for item in sentence.citations for word in item.text.split()}
                assert set(_quote(sentence.text).split()) - {"/"} <= words
        assert answers.ask(asked, question, WORDS) == found


def _quote(sentence: str) -> str:
    """What a sentence quotes, without where it is from."""
    if (quoted := re.search("“(.*)”$", sentence)) is not None:
        return quoted.group(1)
    if (named := re.search(r"[Ss]een at [0-9:–, and]+: (.*)\.$", sentence)) is not None:
        return named.group(1)
    return sentence
