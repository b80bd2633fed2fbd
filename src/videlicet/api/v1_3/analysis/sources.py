"""Sources of an analysis as v1.3 names them: a video, or pictures."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
from anyio import to_thread

from videlicet.api.errors import ApiError, invalid_parameter, missing_parameter
from videlicet.api.media_sources import decode_base64, source_of
from videlicet.api.schemas import MediaSource
from videlicet.api.v1_3.analysis.schemas import AnalysisPrompt, AnalysisSource, PromptImage
from videlicet.services.analysis import targets
from videlicet.services.analysis.images import NamedImage, describe_references
from videlicet.services.analysis.targets import AnalysisTarget
from videlicet.services.caller import Caller

#: Seconds for which a request waits until a video has been observed; clients wait 600.
WAIT = 540.0
_LOOK_EVERY = 0.2


def target_of(
    caller: Caller, source: AnalysisSource | None, video_id: str | None = None
) -> AnalysisTarget:
    """The video that a request names; a worker begins to observe it, if none has."""
    if source is None and video_id is None:
        raise missing_parameter("video")
    named = source or AnalysisSource(type="video_id", video_id=video_id)
    values = {
        name: value
        for name in ("url", "asset_id", "base64_string", "video_id")
        if (value := getattr(named, name))
    }
    if len(values) != 1:
        raise invalid_parameter("video takes exactly one of url, asset_id and base64_string.")
    ((kind, value),) = values.items()
    if kind == "video_id":
        return targets.target_video(caller, value)
    if kind == "asset_id":
        return targets.target_asset(caller, value)
    if kind == "url":
        return targets.target_url(caller, value)
    return targets.target_bytes(caller, decode_base64(value, "video"))


async def wait_until_observed(caller: Caller, target: AnalysisTarget) -> None:
    """Wait until a video has been observed.

    Raises:
        ApiError: 503 ``request_canceled_or_timed_out``, where it takes longer than clients wait
            (it goes on; ask again).
        VidelicetError: it cannot be.
    """
    with anyio.move_on_after(WAIT):
        while not await to_thread.run_sync(targets.is_observed, caller, target):
            await anyio.sleep(_LOOK_EVERY)
        return
    raise ApiError(
        503, "request_canceled_or_timed_out",
        "The video is still being observed. Ask again later, or make a task of it.",
        headers={"Retry-After": "30"},
    )  # fmt: skip


async def remove_upload(caller: Caller, target: AnalysisTarget | None) -> None:
    """Remove what came with the request only, even where the client has gone."""
    if target is not None:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(targets.remove_upload, caller, target)


def images_of(pictures: Sequence[PromptImage]) -> list[NamedImage]:
    """Pictures by their names, in their order."""
    return [
        NamedImage(
            one.name,
            source_of(
                MediaSource(url=one.url, asset_id=one.asset_id, base64_string=one.base64_string),
                f"image {one.name}",
            ),
        )
        for one in pictures
    ]


def prompt_text(caller: Caller, prompt: str | None, prompt_v2: AnalysisPrompt | None) -> str:
    """The words of a prompt. Pictures are replaced by what can be seen and read in them."""
    if prompt is not None and prompt_v2 is not None:
        raise invalid_parameter("prompt and prompt_v2 cannot both be given.")
    if prompt_v2 is None:
        return prompt or ""
    images = images_of(prompt_v2.media_sources or [])
    return describe_references(caller, prompt_v2.input_text, images)
