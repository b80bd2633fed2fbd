"""The tool that answers a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio.from_thread import check_cancelled

from videlicet.mcp import schemas
from videlicet.mcp.context import index_of
from videlicet.mcp.presentation import sentence_rows

if TYPE_CHECKING:
    from videlicet.mcp.context import ToolContext


def ask(context: ToolContext, asked: schemas.Ask) -> schemas.Answer:
    """The answer to a question, sentence by sentence, with what each rests on."""
    from videlicet.services.analysis import answers
    from videlicet.services.indexing import to_asset_ids

    index = index_of(context, asked.index)
    # Tools run in threads that know when the call that they answer is cancelled.
    ids = to_asset_ids(context.caller, index, asked.video_ids) if asked.video_ids else None
    found = answers.ask(context.caller, index, asked.question, ids, check=check_cancelled)
    return schemas.Answer(
        found=found.value.found,
        sentences=sentence_rows(found.value.sentences, found),
        untrusted_instructions=found.value.untrusted,
        analysis_backend=found.value.analysis_backend,
    )
