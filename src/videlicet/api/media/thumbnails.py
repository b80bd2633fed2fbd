"""Pictures for players and pages, which cannot send a key: signed addresses."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from videlicet.api.errors import ApiError, not_found
from videlicet.api.state import ServerState
from videlicet.errors import NotFound, VidelicetError
from videlicet.media.cut import thumbnail
from videlicet.rights import EVERY_TENANT, Grant, Purpose, require_asset
from videlicet.store.files import path_of_asset
from videlicet.types import Asset, AssetStatus

router = APIRouter(tags=["media"])

#: Width of a thumbnail.
WIDTH = 480
_GRANT = Grant("media", Purpose.SEARCH, EVERY_TENANT)


def _asset_of_url(
    request: Request,
    asset_id: str,
    expires: Annotated[str, Query()] = "",
    signature: Annotated[str, Query()] = "",
) -> Asset:
    """The ready asset of a signed address, whose use the policy permits."""
    server: ServerState = request.app.state.server
    if not server.signer.allows(request.url.path, expires, signature):
        raise ApiError(403, "signature_invalid", "The address is not valid, or has expired.")
    try:
        store = server.platform.store
        asset = store.catalog.asset(store.scope(_GRANT), asset_id)
    except NotFound:
        raise not_found("asset", asset_id) from None
    if asset.status is not AssetStatus.READY:
        raise not_found("asset", asset_id)
    require_asset(store.policy, store.scope(_GRANT.within(asset.tenant)), asset.id)
    return asset


SignedAsset = Annotated[Asset, Depends(_asset_of_url)]


@router.get("/media/assets/{asset_id}/thumbnail.jpg", response_class=Response)
def thumbnail_of_asset(request: Request, asset: SignedAsset) -> Response:
    """A picture that stands for an asset."""
    if asset.recording is None:
        return _picture_response(request, asset)
    span = asset.recording.span
    return _frame_response(request, asset, span.start + span.duration / 10)


@router.get("/media/assets/{asset_id}/frames/{milliseconds}.jpg", response_class=Response)
def frame(request: Request, asset: SignedAsset, milliseconds: int) -> Response:
    """The picture that is shown at a moment."""
    if asset.recording is None:
        raise not_found("asset", asset.id)
    start = asset.recording.span.start
    return _frame_response(request, asset, start + Fraction(max(0, milliseconds), 1000))


def original_of(request: Request, asset: Asset) -> Path:
    """Where the bytes of an asset are."""
    store = request.app.state.server.platform.store
    return path_of_asset(store.scope(_GRANT.within(asset.tenant)), store, asset)


def _frame_response(request: Request, asset: Asset, at: Fraction) -> Response:
    settings = request.app.state.server.platform.settings
    try:
        data = thumbnail(original_of(request, asset), at, WIDTH, settings)
    except VidelicetError as error:
        if error.code == "media_no_stream":
            raise not_found("picture of asset", asset.id) from None
        raise
    return Response(
        data, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"}
    )


def _picture_response(request: Request, asset: Asset) -> Response:
    """An uploaded picture, made small."""
    import io

    from PIL import Image

    from videlicet.media.cut import load_image

    if asset.type != "image":
        raise not_found("picture of asset", asset.id)
    pixels: Any = load_image(
        original_of(request, asset), request.app.state.server.platform.settings, max_side=WIDTH
    )
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=85)
    return Response(
        out.getvalue(), media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"}
    )
