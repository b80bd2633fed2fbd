"""The tools that answer: questions, and what a video contains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio.from_thread import check_cancelled

from videlicet.mcp import schemas
from videlicet.mcp.finding import MOST_CHARACTERS, seconds
from videlicet.mcp.seat import asset_of, index_of
from videlicet.rights import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from fractions import Fraction

    from videlicet.analyze.backend import AnalysisBackend
    from videlicet.mcp.seat import Seat
    from videlicet.types import Asset, Index, Sentence, Span


def ask(seat: Seat, asked: schemas.Ask) -> schemas.Answer:
    """The answer to a question, sentence by sentence, with what each rests on."""
    from videlicet.analyze.evidence.load import load_evidence
    from videlicet.analyze.evidence.select_assets import promising
    from videlicet.analyze.query_checks import check_question

    check_question(asked.question, seat.settings)
    index = index_of(seat, asked.index)
    scope = seat.store.scope(seat.scope(Purpose.ANALYZE), index.id)
    chosen = asked.video_ids or promising(scope, seat.searcher(index), asked.question)
    materials = [load_evidence(scope, seat.store, one) for one in chosen]
    answer = _analyst(seat, index).ask(materials, asked.question)
    assets = {material.asset.id: material.asset for material in materials}
    return schemas.Answer(
        found=answer.found,
        sentences=_told(answer.sentences, assets),
        untrusted_instructions=answer.untrusted,
        analyst=answer.analyst,
    )


def describe_video(seat: Seat, asked: schemas.DescribeVideo) -> schemas.Described:
    """Title, topics, summary, chapters and highlights of a video."""
    from videlicet.analyze.evidence.load import load_evidence
    from videlicet.analyze.query_checks import check_length

    check_length(asked.focus, seat.settings, "focus")
    index, asset = asset_of(seat, asked.video_id, asked.index)
    scope = seat.store.scope(seat.scope(Purpose.ANALYZE), index.id)
    material = load_evidence(scope, seat.store, asset.id)
    analyst = _analyst(seat, index)
    gist = analyst.gist(material)
    summary = analyst.summarize([material], sentences=asked.sentences, focus=asked.focus)
    origin = asset.media.span.start
    return schemas.Described(
        title=gist.title.text,
        topics=[one.text for one in gist.topics],
        summary=_told(summary.sentences, {asset.id: asset}),
        chapters=[_part(one.span, origin, one.title) for one in analyst.chapters(material)],
        highlights=[
            _part(one.span, origin, one.title)
            for one in analyst.highlights(material, query=asked.focus)
        ],
        untrusted_instructions=summary.untrusted,
        analyst=summary.analyst,
    )


def _analyst(seat: Seat, index: Index) -> AnalysisBackend:
    from videlicet.analyze.backends import analysis_backend

    encoder = seat.searcher(index).encoders.text
    # Tools run in threads that know when the call that they answer is cancelled.
    return analysis_backend(
        seat.scope(Purpose.ANALYZE), seat.store, seat.settings, encoder, check_cancelled
    )


def _told(sentences: Iterable[Sentence], assets: Mapping[str, Asset]) -> list[schemas.Sentence]:
    return [
        schemas.Sentence(
            text=sentence.text,
            citations=[
                schemas.Citation(
                    video_id=piece.asset_id,
                    name=assets[piece.asset_id].name,
                    start=seconds(piece.span.start - assets[piece.asset_id].media.span.start),
                    end=seconds(piece.span.end - assets[piece.asset_id].media.span.start),
                    modality=piece.modality.value,
                    text=piece.text[:MOST_CHARACTERS],
                )
                for piece in sentence.citations
            ],
        )
        for sentence in sentences
    ]


def _part(span: Span, origin: Fraction, title: Sentence) -> schemas.Chapter:
    return schemas.Chapter(
        start=seconds(span.start - origin), end=seconds(span.end - origin), title=title.text
    )
