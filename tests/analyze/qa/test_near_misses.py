"""What looks like an answer and is none: with words as directions (``WORDS``), where nothing is
alike but what shares words, and with an encoder to which everything is the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analyze.qa.timed_text import WORDS, in_a_row, make_evidence

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.qa import answers
from videlicet.analyze.qa.label_kinds import kinds
from videlicet.analyze.qa.questions import parse_question, split_questions
from videlicet.analyze.qa.values import stems, text_after
from videlicet.analyze.qa.verbs import contradicts
from videlicet.models.fakes import HashedText
from videlicet.types import Answer

ZOO = make_evidence(
    "zoo.mp4", seen=[(0, 4, "ant"), (4, 9, "banjo"), (9, 14, "sulphur-crested cockatoo")]
)
STREET = make_evidence(
    "street.mp4", seen=[(0, 6, "taxicab"), (6, 9, "water bottle"), (9, 12, "table")]
)
SHOP = make_evidence(
    "shop.mp4",
    said=in_a_row(
        "The bakery opens at nine and payment is due within thirty days.",
        "The old mill was sold twelve years ago.",
        "The ferry leaves at noon.",
    ),
    written=[(0, 5, "POTTERY WORKSHOP SATURDAY")],
)
FLOOR = make_evidence(
    "floor.mp4",
    said=in_a_row(
        "Do not run in the hall.",
        "The hall has just been cleaned.",
        "The gate is locked.",
        "It rained.",
        "The bridge is shut because of the storm.",
    ),
)


class Blurred(HashedText):
    """Every text is near every other (cosine 0.6), and no word means the same as another."""

    def encode(self, texts: list[str]) -> np.ndarray:  # type: ignore[override,type-arg]
        rows = super().encode(texts) * np.float32(0.8)
        wide = np.zeros((len(rows), rows.shape[1]), np.float32)
        wide[:, 0] = 0.77
        rows = rows + wide
        found: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)  # type: ignore[type-arg]
        return found.astype(np.float32)


def ask(question: str, *recordings: AssetEvidence) -> Answer:
    return answers.ask(recordings, question, WORDS)


@pytest.mark.parametrize(
    "question",
    [
        "Is there an elephant?", "Is there a flute?", "When is a violin shown?",
        "Which video shows a penguin?", "Where is a harp shown?", "Can you see a giraffe?",
    ],
)  # fmt: skip
def test_a_neighbour_in_meaning_is_another_thing(question: str) -> None:
    encoder = Blurred()
    zoo = make_evidence("zoo.mp4", seen=[(0, 4, "ant"), (4, 9, "banjo")], encoder=encoder)
    assert not answers.ask([zoo], question, encoder).found
    assert answers.ask([zoo], "Is there a banjo?", encoder).text == "Seen at 0:04–0:09: banjo."


@pytest.mark.parametrize(
    ("question", "label"),
    [
        ("Is there a bird?", "sulphur-crested cockatoo"),
        ("Is a parrot shown?", "sulphur-crested cockatoo"),
        ("When does an insect appear?", "ant"),
        ("Which video shows an instrument?", "banjo"),
        ("What instrument is seen?", "banjo"),
    ],
)
def test_a_thing_is_of_its_kinds(question: str, label: str) -> None:
    found = ask(question, ZOO)
    assert [item.text for item in found.citations] == [label]


def test_what_is_looked_for_is_the_first_thing() -> None:
    assert ask("Is there a bottle on the table?", STREET).text.endswith(": water bottle.")
    assert not ask("Is there a cup on the table?", STREET).found
    assert ask("Which videos show a vehicle?", STREET).found
    assert not ask("Is there a steel bottle?", STREET).found
    assert parse_question("Which video shows a man riding a horse?").subject == {"hors"}


def test_kinds_of_labels() -> None:
    assert kinds("Golden Retriever") >= {"dog", "anim", "retriev"}
    assert kinds("taxicab") >= set(stems("car vehicle"))
    assert kinds("espresso") >= set(stems("coffee drink"))
    assert not kinds("banjo") & set(stems("flute guitar"))
    assert kinds("no class of any model") == frozenset()
    assert not (kinds("hot dog") | kinds("teddy bear")) & set(stems("animal dog bear"))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When does the bakery open?", "The bakery opens at nine"),
        ("When does the bakery close?", None),
        ("At what time does the ferry leave?", "The ferry leaves at noon."),
        ("At what time does the ferry arrive?", None),
        ("When was the mill sold?", "The old mill was sold twelve years ago."),
        ("When was the mill built?", None),
        # A line without a verb may be of any.
        ("When does the pottery workshop begin?", "POTTERY WORKSHOP SATURDAY"),
        # How long one has is not when it was.
        ("When is the payment due?", "payment is due within thirty days."),
        ("When was the payment made?", None),
    ],
)
def test_other_deeds_and_lengths_are_no_answers(question: str, answer: str | None) -> None:
    found = ask(question, SHOP)
    assert found.found == (answer is not None), found.text
    assert (answer or "") in found.text


@pytest.mark.parametrize(
    "question",
    [
        "How long is the video?", "How long does the film last?", "How long is it?",
        "What is the length of the recording?", "How many seconds is this clip?",
        "How many are there?", "What is the number?",
    ],
)  # fmt: skip
def test_a_length_or_a_number_of_nothing_is_not_any(question: str) -> None:
    assert not ask(question, SHOP).found


def test_reasons() -> None:
    found = ask("Why should you not run in the hall?", FLOOR)
    assert found.text == "Do not run in the hall. The hall has just been cleaned."
    assert len(found.citations) == 2
    assert "because of the storm" in ask("Why is the bridge shut?", FLOOR).text
    # That it is so is not why.
    assert not ask("Why is the gate locked?", FLOOR).found
    assert ask("Is the gate locked?", FLOOR).found


def test_numbers_of_measures() -> None:
    recording = make_evidence(
        said=in_a_row("Heat the oven to a good temperature.", "Use a slow shutter speed.")
    )
    assert not ask("What temperature should the oven have?", recording).found
    assert ask("What shutter speed should you use?", recording).text == "Use a slow shutter speed."


def test_several_questions_are_answered_one_by_one() -> None:
    found = ask("When does the bakery open? And when was the mill sold?", SHOP)
    assert [one.supported for one in found.sentences] == [True, True]
    half = ask("When does the ferry leave? What is the phone number?", SHOP)
    assert half.found
    assert half.text == (
        "The ferry leaves at noon. Not found in this video: What is the phone number?"
    )
    assert not half.sentences[-1].citations
    none = ask("What is the price? Who is the pilot?", SHOP, STREET)
    assert not none.found
    assert none.text.count("Not found in these videos: ") == 2
    many = ask("When does the ferry leave? " * 7, SHOP)
    assert many.text.endswith("Only the first 5 of 7 questions were looked for.")
    once = ask("Where does the ferry leave? When does the ferry leave?", SHOP)
    assert once.text.count("The ferry leaves at noon.") <= 1


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("What is it? And when is it due?", ["What is it?", "when is it due?"]),
        ("What is the total and when is it due", ["What is the total", "when is it due"]),
        ("When is it? Answer briefly.", ["When is it?"]),
        ("Where are salt and pepper?", ["Where are salt and pepper?"]),
        ("When and where is it?", ["When and where is it?"]),
        ("Really??", ["Really??"]),
        ("tell me all", ["tell me all"]),
        ("?!", ["?!"]),
        ("", [""]),
    ],
)
def test_questions_are_told_apart(text: str, parts: list[str]) -> None:
    assert split_questions(text) == parts


@given(st.lists(st.sampled_from(["What is it?", "and", "when was it due?", "Yes.", "?", " "])))
def test_parts_are_parts(words: list[str]) -> None:
    text = " ".join(words)
    parts = split_questions(text)
    assert parts
    assert all(part in text for part in parts)


@given(st.sampled_from("days weeks hours".split()), st.integers(1, 99), st.booleans())
def test_a_length_of_time_alone_is_never_past(unit: str, many: int, ago: bool) -> None:
    said = f"it was {many} {unit}{' ago' if ago else ''}"
    assert text_after(said, ()) == ago
    assert text_after(f"{said} on Monday", ())


@given(st.text(max_size=40), st.sampled_from(["open", "close", "arrive", "sell"]))
def test_who_says_the_word_does_not_contradict_it(text: str, verb: str) -> None:
    asked = parse_question(f"When does it {verb}?").action_groups
    assert asked
    assert not contradicts(asked, f"{text} {verb}s ")
    assert not contradicts(frozenset(), text)
