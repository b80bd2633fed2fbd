"""Data connectors."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from videlicet.api.schemas import Model


class NewRedirectUri(Model):
    redirect_uri: str = Field(min_length=1, max_length=2000)


class RedirectUri(Model):
    id: str = Field(alias="_id")
    redirect_uri: str
    created_at: str | None


class AuthorizationRequest(Model):
    provider: Literal["google_drive"]
    redirect_uri: str = Field(min_length=1, max_length=2000)
    custom_id: str | None = Field(None, max_length=256)


class AuthorizationUrl(Model):
    authorize_url: str
    state: str


class Account(Model):
    external_id: str
    display_name: str


class Connection(Model):
    id: str = Field(alias="_id")
    provider: str
    status: str
    custom_id: str | None = None
    account: Account
    scopes: list[str]
    connected_at: str | None
    last_used_at: str | None = None


class PickerToken(Model):
    access_token: str
    expires_in: int
    scope: str


class ImportSource(Model):
    source_id: str = Field(min_length=1, max_length=1000)


class NewImport(Model):
    items: list[ImportSource] = Field(min_length=1, max_length=100)


class Rejection(Model):
    code: str
    message: str


class ImportItem(Model):
    source_id: str
    action: str
    asset_id: str | None = None
    status: str | None = None
    error: Rejection | None = None


class ImportResult(Model):
    id: str = Field(alias="_id")
    has_failures: bool
    items: list[ImportItem]


class Import(Model):
    id: str = Field(alias="_id")
    connection_id: str
    provider: str
    custom_id: str | None = None
    item_count: int
    created_at: str | None


class ImportDetail(Import):
    items: list[ImportItem]
