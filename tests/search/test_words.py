import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.search.words import coverage, inverse_frequency, parse, terms, tokens


def test_quoted_phrases_are_taken_out_but_stay_among_the_words() -> None:
    words = parse('he says "mind the gap" at a station')
    assert words.phrases == ("mind the gap",)
    assert words.text == "he says mind the gap at a station"


@pytest.mark.parametrize("query", ["“mind the gap”", "«mind the gap»", '"mind the gap"'])
def test_every_kind_of_quotation_mark_quotes(query: str) -> None:
    assert parse(query).phrases == ("mind the gap",)


def test_an_unbalanced_quotation_mark_is_an_ordinary_character() -> None:
    assert parse('a 27" screen').phrases == ()


def test_function_words_do_not_count_unless_there_is_nothing_else() -> None:
    assert terms("the trains to the station") == terms("train station")
    assert terms("to be or not to be") != ()


def test_numbers_with_points_and_colons_stay_whole() -> None:
    assert tokens("departs 14:05, costs 2.50") == ["depart", "14:05", "cost", "2.50"]


def test_coverage_is_the_weighted_share_of_words_found() -> None:
    weights = {"train": 1.0, "edinburgh": 3.0}
    assert coverage(("train", "edinburgh"), "Trains leave", weights) == 0.25
    assert coverage(("train", "edinburgh"), "the Edinburgh train", weights) == 1.0


def test_rare_words_weigh_more() -> None:
    assert inverse_frequency(1, 1000) > inverse_frequency(500, 1000) > 0


@given(st.text())
def test_any_text_can_be_parsed(query: str) -> None:
    words = parse(query)
    assert all(phrase and phrase == phrase.strip() for phrase in words.phrases)
    assert all(isinstance(term, str) for term in words.terms)


@given(st.text(min_size=1))
def test_coverage_is_a_share(text: str) -> None:
    wanted = terms(text)
    assert 0 <= coverage(wanted, text[: len(text) // 2], dict.fromkeys(wanted, 1.0)) <= 1
