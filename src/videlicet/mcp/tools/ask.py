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
    # Loads the analysis room, which the start of the server does without.
    from videlicet.services.analysis import answers

    index = index_of(context, asked.index)
    # Tools run in threads that know when the call that they answer is cancelled.
    found = answers.ask(
        context.caller, index, asked.question, asked.video_ids or None, check_cancelled
    )
    return schemas.Answer(
        found=found.value.found,
        sentences=sentence_rows(found.value.sentences, found.evidence),
        untrusted_instructions=found.value.untrusted,
        analyst=found.value.analyst,
    )
