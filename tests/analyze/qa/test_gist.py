import numpy as np
import pytest
from tests.analyze.evidence_factory import COFFEE, ENCODER, GARDENS, ROCKETS, make_evidence, talk

from videlicet.analyze.qa.gist import gist, hashtag, headline
from videlicet.analyze.qa.phrases import key_phrases, phrases, specific, title_line


def test_phrases_stand_between_function_words_and_keep_their_words() -> None:
    made = make_evidence(10, said=[(0, 5, "We will grind the coffee beans, and brew an espresso.")])
    assert {one.text for one in phrases(made.items)} == {
        "grind",
        "coffee beans",
        "brew",
        "espresso",
    }


def test_what_recurs_weighs_more_and_cites_every_piece_that_says_it() -> None:
    made = make_evidence(
        30,
        said=[(0, 5, "The slow shutter is old."), (6, 9, "A slow shutter helps with rivers.")],
        labels=[(0, 5, "tripod")],
    )
    best = phrases(made.items)[0]
    assert best.text == "slow shutter"
    assert len(best.items) == 2


def test_figures_scraps_and_empty_words_are_no_phrases() -> None:
    made = make_evidence(
        9, said=[(0, 5, "Okay, well, you know, really good.")], read=[(0, 5, "14:05")]
    )
    assert phrases(made.items) == []
    assert phrases(make_evidence(9, read=[(0, 9, "电LE")]).items) == []


def test_key_phrases_are_about_the_whole_and_differ() -> None:
    made = make_evidence(60, said=talk(COFFEE))
    found = key_phrases(made.items, made.vectors, ENCODER, 4)
    stems = [set(one.stems) for one in found]
    assert 1 <= len(found) <= 4
    assert not any(a <= b for a in stems for b in stems if a is not b)
    assert all(word in " ".join(COFFEE) for one in found for word in one.text.split())


def test_a_single_label_is_enough_and_nothing_is_nothing() -> None:
    made = make_evidence(5, labels=[(0, 5, "tabby cat")])
    assert [one.text for one in key_phrases(made.items, made.vectors, ENCODER)] == ["tabby cat"]
    assert key_phrases((), np.zeros((0, 64), np.float32), ENCODER) == []


def test_specific_phrases_tell_parts_apart() -> None:
    parts = [
        make_evidence(
            9, said=talk(["The museum shows old coins.", "Coins lie in the museum."])
        ).items,
        make_evidence(9, said=talk(["The museum shows masks.", "Masks hang in the museum."])).items,
    ]
    first, second = specific(parts)
    assert "coins" in first[0].text.lower()
    assert "masks" in second[0].text.lower()
    assert specific([]) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("MORNING MENU: ESPRESSO 2.50", "MORNING MENU: ESPRESSO 2.50"),
        ("INVOICE 20931 TOTAL 48.20", "INVOICE 20931 TOTAL 48.20"),
        ("Invoice 7 total: $1,250.00", "Invoice 7 total: $1,250.00"),
        ("PLATFORM 9 DEPARTS 14:05", "PLATFORM 9 DEPARTS 14:05"),
        ("10:45 Morning prayer", "Morning prayer"),
        ("The bus into the old town leaves at 10:45", None),
        ("12:00 14:05", None),
        ("A 14:05", None),
        ("LOST CAT - CALL 555-0139", "LOST CAT"),
        ("Chapter 3: Gravity", "Chapter 3: Gravity"),
        ("14:05", None),
        ("A", None),
        ("one two three four five six seven eight nine", None),
    ],
)
def test_a_line_like_a_title(text: str, line: str | None) -> None:
    assert title_line(text) == line


def test_headlines_and_hashtags() -> None:
    assert headline("READINGS FROM DICKENS") == "Readings from Dickens"
    assert headline("CHAPTER 3:GRAVITY") == "Chapter 3: Gravity"
    assert headline("NASA") == "NASA"
    assert headline("slow shutter") == "slow shutter"
    assert hashtag("sulphur-crested cockatoo") == "#SulphurCrestedCockatoo"
    assert hashtag("20931") is None
    assert hashtag("Platform 9 departs 14:05") == "#Platform9Departs"


def test_a_title_card_is_the_title_and_is_cited() -> None:
    made = make_evidence(60, said=talk(COFFEE), read=[(1, 5, "THE ART OF ESPRESSO")])
    found = gist(made, ENCODER)
    assert found.title.text == "The Art of Espresso"
    assert [item.text for item in found.title.citations] == ["THE ART OF ESPRESSO"]


def test_the_rest_of_a_line_and_lone_verbs_are_joined_to_no_title() -> None:
    made = make_evidence(
        20, read=[(6, 9, "A Foundation of Friends"), (6, 9, "presents"), (6, 9, "starring")]
    )
    assert gist(made, ENCODER).title.text == "A Foundation of Friends"
    assert [one.text for one in gist(made, ENCODER).topics] == ["A Foundation of Friends"]
    said = make_evidence(60, said=[(0, 9, "The slow shutter."), (20, 29, "And painted, slowly.")])
    assert gist(said, ENCODER).title.text.lower() == "slow shutter"
    only = make_evidence(20, read=[(6, 9, "presents")])
    assert gist(only, ENCODER).title.text == "Presents"


def test_a_line_with_its_figure_is_one_phrase() -> None:
    made = make_evidence(20, read=[(0, 9, "INVOICE 20931 TOTAL 48.20")])
    assert [one.text for one in phrases(made.items)] == ["INVOICE 20931 TOTAL 48.20"]
    assert gist(made, ENCODER).title.text == "Invoice 20931 Total 48.20"


def test_a_sign_in_the_middle_is_no_title_of_the_whole() -> None:
    made = make_evidence(80, said=talk([*COFFEE, *COFFEE]), read=[(50, 55, "WET PAINT HERE")])
    assert gist(made, ENCODER).title.text != "Wet Paint Here"


def test_everything_in_a_gist_is_cited_by_pieces_that_hold_its_words() -> None:
    made = make_evidence(
        130, said=talk([*COFFEE, *ROCKETS, *GARDENS]), labels=[(0, 9, "coffee mug")]
    )
    found = gist(made, ENCODER)
    assert 1 <= len(found.topics) <= 5
    for one in (found.title, *found.topics):
        assert one.supported
        evidence = " ".join(item.text for item in one.citations).lower()
        words = one.text.lower().replace(",", " ").replace(" and ", " ").split()
        assert all(word in evidence for word in words)
    assert all(tag.text.startswith("#") and " " not in tag.text for tag in found.hashtags)


def test_without_evidence_the_title_is_the_files_name_and_cites_nothing() -> None:
    found = gist(make_evidence(5, name="holiday in Rome.mp4"), ENCODER)
    assert (found.title.text, found.title.supported) == ("holiday in Rome", False)
    assert found.topics == found.hashtags == ()
