"""How results look to agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from videlicet.mcp import schemas

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from fractions import Fraction

    from videlicet.mcp.context import ToolContext
    from videlicet.services.analysis.answers import Analyzed
    from videlicet.types import Sentence, Task

#: Characters of evidence in a result.
MAX_EVIDENCE_CHARS = 500


def task_rows(context: ToolContext, tasks: Sequence[Task]) -> list[schemas.Task]:
    """Tasks as agents see them. Server paths are left out."""
    from videlicet.services.indexing import names_of

    names = names_of(context.caller, tasks)
    return [
        schemas.Task(
            id=task.id,
            index_id=task.index_id,
            video_id=task.video_id,
            name=names[task.id],
            status=task.status.value,
            stage=task.stage,
            done_s=round(task.done_s, 3),
            total_s=None if task.total_s is None else round(task.total_s, 3),
            error=None if task.error is None else reason(task.error),
        )
        for task in tasks
    ]


def reason(error: Mapping[str, Any]) -> schemas.Reason:
    """An error as it is kept, without what it is about: that may be a path."""
    return schemas.Reason.model_validate(
        {name: error[name] for name in schemas.Reason.model_fields if name in error}
    )


def sentence_rows(sentences: Iterable[Sentence], found: Analyzed[Any]) -> list[schemas.Sentence]:
    """Sentences of what was found, with the evidence of each."""
    assets = {one.asset.id: one.asset for one in found.evidence}
    return [
        schemas.Sentence(
            text=sentence.text,
            citations=[
                schemas.Citation(
                    video_id=found.video_ids[item.asset_id],
                    name=assets[item.asset_id].name,
                    start=seconds(item.span.start - assets[item.asset_id].media.span.start),
                    end=seconds(item.span.end - assets[item.asset_id].media.span.start),
                    modality=item.modality.value,
                    text=item.text[:MAX_EVIDENCE_CHARS],
                )
                for item in sentence.citations
            ],
        )
        for sentence in sentences
    ]


def seconds(time: Fraction) -> float:
    """To the millisecond."""
    return round(float(time), 3)
