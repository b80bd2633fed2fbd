"""Media that come with a request."""

from __future__ import annotations

from videlicet.api.v1_3.schemas.common import Model


class MediaSource(Model):
    base64_string: str | None = None
    url: str | None = None
    asset_id: str | None = None
