"""How results look to agents."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from videlicet.mcp import schemas
from videlicet.rights import Purpose
from videlicet.types import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from fractions import Fraction

    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.mcp.context import ToolContext
    from videlicet.types import Sentence, Task
#: Characters of evidence that are shown.
MAX_EVIDENCE_CHARS = 500


def task_rows(context: ToolContext, tasks: Sequence[Task]) -> list[schemas.Task]:
    """Tasks as agents see them. Where files lie is not told."""
    from videlicet.ingest.videos import video_id_of

    ids = [id for task in tasks if (id := video_id_of(task.source)) is not None]
    names = {}
    if ids:
        rows, _ = context.caller.catalog.find_resources(
            context.caller.scope(Purpose.MANAGE), Kind.VIDEO, ids=ids
        )
        names = {row.id: row.name for row in rows}
    return [
        schemas.Task(
            id=task.id,
            index_id=task.index_id,
            video_id=video_id_of(task.source) or task.asset_id,
            name=names.get(video_id_of(task.source) or "", "") or name_of(task),
            status=task.status.value,
            stage=task.stage,
            done_s=round(task.done_s, 3),
            total_s=None if task.total_s is None else round(task.total_s, 3),
            error=None if task.error is None else reason(task.error),
        )
        for task in tasks
    ]


def name_of(task: Task) -> str:
    """The name of the file that a task takes in; empty, where a video has it."""
    from videlicet.ingest.videos import video_id_of

    return "" if video_id_of(task.source) is not None else PurePath(task.source).name


def reason(error: Mapping[str, Any]) -> schemas.Reason:
    """An error as it is kept, without what it is about: that may be a path."""
    return schemas.Reason.model_validate(
        {name: error[name] for name in schemas.Reason.model_fields if name in error}
    )


def sentence_rows(
    sentences: Iterable[Sentence], evidence: Iterable[AssetEvidence]
) -> list[schemas.Sentence]:
    """Sentences with what each rests on."""
    assets = {one.asset.id: one.asset for one in evidence}
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
                    text=piece.text[:MAX_EVIDENCE_CHARS],
                )
                for piece in sentence.citations
            ],
        )
        for sentence in sentences
    ]


def seconds(time: Fraction) -> float:
    """To the millisecond."""
    return round(float(time), 3)
