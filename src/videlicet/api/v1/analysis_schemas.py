"""Bodies of the native analysis endpoints. Times are seconds from the start of a video."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from videlicet.analyze.backends import BACKENDS
from videlicet.api.registered import NameIn
from videlicet.api.schemas import Model

#: How long it may be is the setting ``max_query_chars``.
Words = Annotated[str, Field(min_length=1)]


class AskRequest(Model):
    """``videos`` names some of the index; without it all are asked (of a large index those that a
    search for the question finds first)."""

    question: Words
    videos: list[str] | None = Field(default=None, min_length=1, max_length=100)


class SummaryRequest(Model):
    sentences: int = Field(default=5, ge=1, le=100)
    focus: Words | None = None
    start: float | None = Field(default=None, ge=0, le=1e6)
    end: float | None = Field(default=None, ge=0, le=1e6)


class ExtractionRequest(Model):
    """``schema`` is a JSON schema (draft 2020-12)."""

    json_schema: dict[str, Any] = Field(alias="schema")
    prompt: str = ""
    videos: list[str] = Field(min_length=1, max_length=100)


class ComparisonRequest(Model):
    left: str
    right: str
    count: int = Field(default=10, ge=1, le=200)


class Citation(Model):
    """What supports a sentence, with the SHA-256 of its text."""

    id: str
    video_id: str
    start: float
    end: float
    modality: str
    text: str
    speaker: str | None = None
    evidence_sha256: str


class Sentence(Model):
    text: str
    citations: list[Citation]
    unsupported: bool


class Usage(Model):
    input_tokens: int
    output_tokens: int


class Answer(Model):
    """``found`` is false where the videos do not say. ``dropped`` counts sentences of a language
    model that nothing supports; ``off_focus`` tells that nothing has to do with the focus."""

    text: str
    found: bool
    sentences: list[Sentence]
    value: Any = None
    analysis_backend: Annotated[str, NameIn(BACKENDS, closed=False)]
    usage: Usage
    finish: Literal["stop", "length"]
    dropped: int
    untrusted_instructions: bool
    off_focus: bool


class Gist(Model):
    title: Sentence
    topics: list[Sentence]
    hashtags: list[Sentence]


class Chapter(Model):
    start: float
    end: float
    title: Sentence
    summary: list[Sentence]


class Chapters(Model):
    chapters: list[Chapter]


class Highlight(Model):
    start: float
    end: float
    score: float
    title: Sentence
    reasons: dict[str, float]


class Highlights(Model):
    highlights: list[Highlight]


class ComparedMoment(Model):
    start: float
    end: float
    citations: list[Citation]


class MomentPair(Model):
    likeness: float
    left: ComparedMoment
    right: ComparedMoment


class Comparison(Model):
    left: str
    right: str
    shared: list[Sentence]
    only_left: list[Sentence]
    only_right: list[Sentence]
    pairs: list[MomentPair]


class Exporter(Model):
    """Its id is the part of the name before the dot; ``package`` is the installed package
    that adds it, if it is none of ours."""

    name: str
    description: str
    media_type: str
    file_ending: str
    package: str | None


class ExporterList(Model):
    exporters: list[Exporter]
