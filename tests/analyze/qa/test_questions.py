from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.analyze.qa.questions import Form, as_moment, parse_question
from videlicet.analyze.qa.values import AnswerType, stems
from videlicet.types import Modality

SPEECH, TEXT, VISUAL = Modality.SPEECH, Modality.TEXT, Modality.VISUAL


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("Who wrote the letter?", AnswerType.NAME),
        ("What is the name of the ship?", AnswerType.NAME),
        ("When does the shop open?", AnswerType.WHEN),
        ("At what time does the shop open?", AnswerType.CLOCK),
        ("On which day is the market?", AnswerType.DAY),
        ("In which year was it built?", AnswerType.YEAR),
        ("What is the date of the meeting?", AnswerType.DATE),
        ("How long does it take?", AnswerType.DURATION),
        ("Where is the key?", AnswerType.PLACE),
        ("How much is the ticket?", AnswerType.PRICE),
        ("What does a coffee cost?", AnswerType.PRICE),
        ("How much flour do you need?", AnswerType.COUNT),
        ("How many boats are there?", AnswerType.COUNT),
        ("How tall is the tower?", AnswerType.NUMBER),
        ("What is the invoice number?", AnswerType.NUMBER),
        ("Which phone number should I call?", AnswerType.PHONE),
        ("What is the e-mail address?", AnswerType.EMAIL),
        ("What is their website?", AnswerType.LINK),
        ("What colour is the car?", AnswerType.COLOUR),
        ("Why is the floor wet?", AnswerType.ANYTHING),
        ("what should I do", AnswerType.ANYTHING),
    ],
)
def test_what_is_wanted(question: str, wanted: AnswerType) -> None:
    asked = parse_question(question)
    assert (asked.form, asked.answer_type) == (Form.TELL, wanted)
    assert VISUAL not in asked.modalities


@pytest.mark.parametrize(
    ("question", "form", "modalities"),
    [
        ("What does the speaker say about rain?", Form.TELL, {SPEECH}),
        ("What does the sign say?", Form.TELL, {TEXT}),
        ("What is written on the wall?", Form.TELL, {TEXT}),
        ("What animal is seen?", Form.TELL, {VISUAL}),
        ("What is the man wearing?", Form.TELL, {VISUAL}),
        ("Is there a boat?", Form.TELL, {SPEECH, TEXT, VISUAL}),
        ("What should students read?", Form.TELL, {SPEECH, TEXT}),
        ("When does the boat appear?", Form.MOMENT, {VISUAL, TEXT}),
        ("When is rain mentioned?", Form.MOMENT, {SPEECH}),
        ("At what point does it rain?", Form.MOMENT, {SPEECH, TEXT, VISUAL}),
        ("When does the title appear on screen?", Form.MOMENT, {VISUAL, TEXT}),
        ("Where is the boat shown?", Form.MOMENT, {VISUAL, TEXT}),
        ("Which video is about rain?", Form.VIDEO, {SPEECH, TEXT, VISUAL}),
        ("In which films is rain mentioned?", Form.VIDEO, {SPEECH}),
    ],
)
def test_form_and_senses(question: str, form: Form, modalities: set[Modality]) -> None:
    asked = parse_question(question)
    assert (asked.form, asked.modalities) == (form, modalities)


def test_content_words_names_and_things() -> None:
    asked = parse_question("At what time does the train to Oslo leave from platform 9?")
    assert list(asked.terms) == ["train", "oslo", "leav", "platform", "9"]
    assert asked.phrase == "train oslo leave platform 9"
    assert asked.entities == {"oslo", "9"}
    assert asked.things == (frozenset({"train"}),)
    # The verb that an auxiliary asks for is none of the thing.
    assert parse_question("When does the pottery workshop begin?").things == (
        frozenset({"potteri", "workshop"}),
    )
    assert parse_question("Oslo?").entities == frozenset()
    assert parse_question("How many red apples are there?").head == set(stems("red apples are"))
    assert parse_question("What kind of cheese is it?").kind_of
    assert parse_question("What can be seen?").sweeping
    assert not parse_question("What bird can be seen?").sweeping
    assert parse_question("Who directed the film?").verbs == {"direct"}


def test_a_time_may_be_one_in_the_video() -> None:
    asked = parse_question("When does the boat leave?")
    other = as_moment(asked)
    assert other is not None
    assert (other.form, other.modalities) == (Form.MOMENT, {SPEECH, TEXT})
    boat = as_moment(parse_question("When is the boat there?"))
    assert boat is not None
    assert VISUAL in boat.modalities
    # What is over was not in the video.
    assert as_moment(parse_question("When did the boat leave?")) is None
    assert as_moment(parse_question("Who leaves?")) is None


@given(st.text())
def test_every_text_is_a_question(text: str) -> None:
    asked = parse_question(text)
    assert set(asked.terms) <= asked.asked | set(stems(text))
    assert asked.entities <= set(asked.terms)
    assert asked.modalities
