from itertools import pairwise

from tests.analyze.evidence_factory import COFFEE, ENCODER, GARDENS, ROCKETS, make_evidence, talk

from videlicet.analyze.qa.chapters import chapters
from videlicet.types import Span

LECTURE = make_evidence(
    240,
    said=talk([*COFFEE, *COFFEE, *ROCKETS, *ROCKETS, *GARDENS, *GARDENS]),
    read=[(0, 240, "CHANNEL NINE NEWS"), (80, 86, "INTO ORBIT TODAY")],
)


def test_chapters_are_titled_by_what_tells_them_apart() -> None:
    first, second, third = chapters(LECTURE, ENCODER)
    assert "coffee" in first.title.text.lower() or "espresso" in first.title.text.lower()
    assert second.title.text == "Into Orbit Today"
    assert any(w in third.title.text.lower() for w in ("roses", "tulips", "gardeners", "water"))


def test_titles_and_summaries_cite_pieces_of_their_chapter() -> None:
    for chapter in chapters(LECTURE, ENCODER):
        assert chapter.title.supported
        assert 1 <= len(chapter.summary) <= 2
        for sentence in (chapter.title, *chapter.summary):
            assert all(item.span.overlap(chapter.span) > 0 for item in sentence.citations)


def test_chapters_leave_no_gap_and_are_as_many_as_asked_for() -> None:
    for count in (None, 1, 4, 6):
        found = chapters(LECTURE, ENCODER, count)
        assert count is None or len(found) == count
        assert (found[0].span.start, found[-1].span.end) == (0, 240)
        assert all(one.span.end == other.span.start for one, other in pairwise(found))


def test_a_short_video_of_pictures_only_is_one_chapter() -> None:
    (only,) = chapters(make_evidence(5, labels=[(0, 5, "tabby cat")]), ENCODER)
    assert only.span == Span.of(0, 5)
    assert only.title.text == "Tabby cat"
    assert [one.text for one in only.summary] == ["Seen: tabby cat."]


def test_a_part_without_evidence_has_a_number_and_cites_nothing() -> None:
    rows = [(0, 20, "red train"), (40, 60, "blue mountain")]
    found = chapters(make_evidence(60, labels=rows, cuts=[20, 40]), ENCODER, 3)
    assert [one.title.text for one in found] == ["Red train", "Part 2", "Blue mountain"]
    assert not found[1].title.supported
    assert found[1].summary == ()


def test_no_two_chapters_have_the_same_title_where_there_is_another() -> None:
    said = talk(["The dog sleeps beside the fireplace."] * 15)
    said += talk(["A dog swims across the cold lake."] * 15, start=60)
    found = chapters(make_evidence(120, said=said), ENCODER, 2)
    assert len({one.title.text for one in found}) == 2


def test_a_chapter_tells_no_fillers() -> None:
    made = make_evidence(
        60, said=[*talk(ROCKETS[:7]), (40, 42, "Mm-hmm."), (50, 52, "of this guy")]
    )
    texts = [one.text for chapter in chapters(made, ENCODER, 2) for one in chapter.summary]
    assert texts
    assert "Mm-hmm." not in texts
    assert "Of this guy." not in texts
    (only,) = chapters(make_evidence(9, said=[(2, 3, "Mm-hmm.")]), ENCODER)
    assert only.summary == ()
