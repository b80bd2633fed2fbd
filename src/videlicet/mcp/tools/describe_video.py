"""The tool that says what a video contains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio.from_thread import check_cancelled

from videlicet.mcp import schemas
from videlicet.mcp.context import video_of
from videlicet.mcp.presentation import seconds, sentence_rows

if TYPE_CHECKING:
    from fractions import Fraction

    from videlicet.mcp.context import ToolContext
    from videlicet.types import Sentence, Span

#: Highlights that are given.
HIGHLIGHTS = 5


def describe_video(context: ToolContext, asked: schemas.DescribeVideo) -> schemas.VideoDescription:
    """Title, topics, summary, chapters and highlights of a video."""
    from videlicet.services.analysis import answers

    index, video = video_of(context, asked.video_id, asked.index)
    caller, asset, check = context.caller, video.asset, check_cancelled
    summary = answers.summarize(
        caller, index, [asset.id], sentences=asked.sentences, focus=asked.focus, check=check
    )
    gist = answers.gist(caller, index, asset.id, check=check).value
    chapters = answers.chapters(caller, index, asset.id, check=check).value
    highlights = answers.highlights(
        caller, index, asset.id, count=HIGHLIGHTS, query=asked.focus, check=check
    ).value
    origin = asset.media.span.start
    return schemas.VideoDescription(
        title=gist.title.text,
        topics=[one.text for one in gist.topics],
        summary=sentence_rows(summary.value.sentences, summary),
        chapters=[_chapter(one.span, origin, one.title) for one in chapters],
        highlights=[_chapter(one.span, origin, one.title) for one in highlights],
        untrusted_instructions=summary.value.untrusted,
        analysis_backend=summary.value.analysis_backend,
    )


def _chapter(span: Span, origin: Fraction, title: Sentence) -> schemas.Chapter:
    return schemas.Chapter(
        start=seconds(span.start - origin), end=seconds(span.end - origin), title=title.text
    )
