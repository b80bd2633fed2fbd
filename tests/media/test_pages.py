from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests import papers
from tests.media.test_decode import near
from tests.papers import BLUE, GREEN, RED, YELLOW, Sheet, pdf

from videlicet.errors import MediaError
from videlicet.media.pages import is_pdf, open_pages, open_text, pdf_facts
from videlicet.settings import Settings

QUARTERED = Sheet(ground=(RED, GREEN, BLUE, YELLOW), lines=("A dog barks.",))


def said(source: bytes | Path, settings: Settings, longest: int = 10_000) -> list[str]:
    with open_text(source, settings, longest=longest) as (count, pages):
        texts = list(pages)
    assert len(texts) == count
    return texts


def test_pages_come_one_by_one(tmp_path, settings):
    tall = Sheet(ground=(BLUE,), size=(100, 400))
    (path := tmp_path / "two.pdf").write_bytes(pdf(QUARTERED, tall))
    for source in (path, path.read_bytes()):
        with open_pages(source, settings, max_side=300) as (count, pages):
            first, second = pages
        assert count == 2
        assert first.shape == (200, 300, 3)
        assert second.shape == (300, 75, 3)
        assert near(first[150:, :150], BLUE, 4)
        assert near(first[:50, 200:], GREEN, 4)
        assert near(second, BLUE, 4)
    assert pdf_facts(path, settings) == {"count": 2, "width": 300, "height": 200}


def test_pages_are_upright(settings):
    with open_pages(pdf(Sheet(ground=QUARTERED.ground, turned=90)), settings) as (_, pages):
        (picture,) = pages
    assert picture.shape == (1280, 853, 3)
    assert near(picture[:400, :300], BLUE, 4)


@pytest.mark.parametrize("size", [(1, 14_400), (3, 3), (14_400, 14_400), (612, 792)])
def test_no_page_is_larger_than_asked(settings, size):
    with open_pages(pdf(Sheet(size=size)), settings, max_side=64) as (_, pages):
        (picture,) = pages
    assert max(picture.shape) == 64
    assert min(picture.shape[:2]) >= 1


def test_text_comes_page_by_page(settings):
    words = Sheet(lines=("A dog barks. It is of inter-", "national fame.", "Self-made."))
    first, second, third = said(pdf(words, Sheet(), QUARTERED), settings)
    assert " ".join(first.split()) == "A dog barks. It is of international fame. Self-made."
    assert second == ""
    assert third.strip() == "A dog barks."


def test_much_text_is_refused(settings):
    long = pdf(*[Sheet(lines=("x" * 30, "x" * 30, "x" * 30))] * 5)
    assert len(said(long, settings, 600)) == 5
    with pytest.raises(MediaError) as caught:
        said(long, settings, 300)
    assert caught.value.code == "media_too_large"
    assert "300" in caught.value.message


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (pdf(QUARTERED, locked=True), "media_encrypted"),
        (papers.pageless(), "media_no_stream"),
        (pdf(QUARTERED)[:300], "media_corrupt"),
        (b"%PDF-1.7\nnothing of the kind", "media_corrupt"),
        (b"", "media_empty"),
    ],
)
def test_what_is_no_document_is_refused(tmp_path, settings, data, code):
    (path := tmp_path / "bad.pdf").write_bytes(data)
    with pytest.raises(MediaError) as caught:
        pdf_facts(path, settings)
    assert (caught.value.code, caught.value.subject) == (code, str(path))
    with pytest.raises(MediaError) as caught, open_pages(path, settings) as (_, pages):
        list(pages)
    assert caught.value.code == code


def test_pages_that_contain_themselves_come_to_an_end(settings):
    with pytest.raises(MediaError):
        pdf_facts(papers.looped(), settings)


def test_a_document_does_not_outlast_its_context(settings):
    with open_pages(pdf(*[QUARTERED] * 50), settings) as (count, pages):
        assert count == 50
        next(pages)
    with pytest.raises(ValueError, match="closed file"):
        list(pages)


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(9, 900), st.binary(min_size=1, max_size=30))
def test_damage_ends_in_pages_or_in_a_refusal(settings, at, junk):
    whole = pdf(QUARTERED, QUARTERED)
    damaged = whole[:at] + junk + whole[at + len(junk) :]
    try:
        with open_pages(damaged, settings, max_side=64) as (count, pages):
            drawn = list(pages)
    except MediaError as error:
        assert error.code in MediaError.CODES  # noqa: PT017
    else:
        assert len(drawn) == count >= 1
        assert all(isinstance(picture, np.ndarray) for picture in drawn)


@pytest.mark.parametrize(
    ("head", "name", "pdf"),
    [
        (b"%PDF-1.4", "", True),
        (b"%PDF-1.4", "note.txt", True),
        (b"\xef\xbb\xbf%PDF-1.4", "paper.PDF", True),
        (b"A PDF begins with %PDF-1.4", "note.md", False),
        (b" " * 2000 + b"%PDF-1.4", "paper.pdf", False),
        (b"", "paper.pdf", False),
    ],
)
def test_documents_are_known_by_how_they_begin(head, name, pdf):
    assert is_pdf(head, name) is pdf
