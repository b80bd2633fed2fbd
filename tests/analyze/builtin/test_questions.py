from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.analyze.builtin.questions import Form, as_moment, understand
from videlicet.analyze.builtin.values import Wanted, stems
from videlicet.types import Modality

SPEECH, TEXT, VISUAL = Modality.SPEECH, Modality.TEXT, Modality.VISUAL


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("Who wrote the letter?", Wanted.NAME),
        ("What is the name of the ship?", Wanted.NAME),
        ("When does the shop open?", Wanted.WHEN),
        ("At what time does the shop open?", Wanted.CLOCK),
        ("On which day is the market?", Wanted.DAY),
        ("In which year was it built?", Wanted.YEAR),
        ("What is the date of the meeting?", Wanted.DATE),
        ("How long does it take?", Wanted.DURATION),
        ("Where is the key?", Wanted.PLACE),
        ("How much is the ticket?", Wanted.PRICE),
        ("What does a coffee cost?", Wanted.PRICE),
        ("How much flour do you need?", Wanted.COUNT),
        ("How many boats are there?", Wanted.COUNT),
        ("How tall is the tower?", Wanted.NUMBER),
        ("What is the invoice number?", Wanted.NUMBER),
        ("Which phone number should I call?", Wanted.PHONE),
        ("What is the e-mail address?", Wanted.EMAIL),
        ("What is their website?", Wanted.LINK),
        ("What colour is the car?", Wanted.COLOUR),
        ("Why is the floor wet?", Wanted.ANYTHING),
        ("what should I do", Wanted.ANYTHING),
    ],
)
def test_what_is_wanted(question: str, wanted: Wanted) -> None:
    asked = understand(question)
    assert (asked.form, asked.wanted) == (Form.TELL, wanted)
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
    asked = understand(question)
    assert (asked.form, asked.modalities) == (form, modalities)


def test_content_words_names_and_things() -> None:
    asked = understand("At what time does the train to Oslo leave from platform 9?")
    assert list(asked.terms) == ["train", "oslo", "leav", "platform", "9"]
    assert asked.phrase == "train oslo leave platform 9"
    assert asked.entities == {"oslo", "9"}
    assert asked.things == (frozenset({"train"}),)
    # The verb that an auxiliary asks for is none of the thing.
    assert understand("When does the pottery workshop begin?").things == (
        frozenset({"potteri", "workshop"}),
    )
    assert understand("Oslo?").entities == frozenset()
    assert understand("How many red apples are there?").head == set(stems("red apples are"))
    assert understand("What kind of cheese is it?").kind_of
    assert understand("What can be seen?").sweeping
    assert not understand("What bird can be seen?").sweeping
    assert understand("Who directed the film?").verbs == {"direct"}


def test_a_time_may_be_one_in_the_video() -> None:
    asked = understand("When does the boat leave?")
    other = as_moment(asked)
    assert other is not None
    assert (other.form, other.modalities) == (Form.MOMENT, {SPEECH, TEXT})
    boat = as_moment(understand("When is the boat there?"))
    assert boat is not None
    assert VISUAL in boat.modalities
    # What is over was not in the video.
    assert as_moment(understand("When did the boat leave?")) is None
    assert as_moment(understand("Who leaves?")) is None


@given(st.text())
def test_every_text_is_a_question(text: str) -> None:
    asked = understand(text)
    assert set(asked.terms) <= asked.asked | set(stems(text))
    assert asked.entities <= set(asked.terms)
    assert asked.modalities
