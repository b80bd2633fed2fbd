"""Google Drive: OAuth 2.0 for web servers with PKCE, and what is read through the Drive API v3.

Every request goes through the guarded fetch. The setting ``google_url`` has another host answer for
all of Google's endpoints.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from videlicet.errors import ConnectorError, InvalidInput
from videlicet.media.fetch import exchange

if TYPE_CHECKING:
    from videlicet.settings import Settings

PROVIDER = "google_drive"
SCOPES = (
    "https://www.googleapis.com/auth/drive.readonly",
    "https://www.googleapis.com/auth/userinfo.email",
)
#: Documents of Google's own editors, folders and shortcuts have no bytes to fetch.
_NATIVE = "application/vnd.google-apps."
_FACTS = "id,name,mimeType,size,webViewLink,trashed,capabilities(canDownload)"
#: Seconds before its end in which an access token is no longer used.
_MARGIN = 60.0


@dataclass(frozen=True, slots=True)
class Tokens:
    """What Google gave for an account. ``expires_at`` is when the access token ends (Unix time)."""

    refresh_token: str
    access_token: str
    expires_at: float
    scopes: tuple[str, ...]

    @property
    def is_fresh(self) -> bool:
        return time.time() < self.expires_at - _MARGIN

    def to_json(self) -> dict[str, Any]:
        return {
            "refresh_token": self.refresh_token,
            "access_token": self.access_token,
            "expires_at": self.expires_at,
            "scopes": list(self.scopes),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Tokens:
        return cls(
            row["refresh_token"], row["access_token"], row["expires_at"], tuple(row["scopes"])
        )


@dataclass(frozen=True, slots=True)
class Account:
    """Whose account it is."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class DriveFile:
    """A file that can be fetched."""

    id: str
    name: str
    size: int | None
    link: str | None


def require_client(settings: Settings) -> None:
    """Refuse what needs the operator's OAuth client where there is none.

    Raises:
        InvalidInput: ``connector_not_configured``.
    """
    if not settings.google_client_id or not settings.google_client_secret:
        raise InvalidInput(
            "connector_not_configured",
            "This server has no OAuth client for Google Drive.",
            subject=PROVIDER,
        )


def authorize_url(settings: Settings, callback: str, state: str, verifier: str) -> str:
    """Where a user allows access to their account. ``verifier`` is kept until the code comes."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    query = {
        "client_id": settings.google_client_id,
        "redirect_uri": callback,
        "response_type": "code",
        "scope": " ".join(SCOPES),
        "access_type": "offline",
        "prompt": "consent",
        "include_granted_scopes": "true",
        "state": state,
        "code_challenge": challenge.decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    origin = settings.google_url or "https://accounts.google.com"
    return f"{origin.rstrip('/')}/o/oauth2/v2/auth?{urlencode(query)}"


def redeem_code(settings: Settings, code: str, callback: str, verifier: str) -> Tokens:
    """The tokens for an authorization code, which is good once.

    Raises:
        ConnectorError: ``connector_refused`` or ``connector_failed``.
    """
    row = _token_request(
        settings,
        {
            "grant_type": "authorization_code", "code": code, "redirect_uri": callback,
            "code_verifier": verifier,
        },
    )  # fmt: skip
    if "refresh_token" not in row:
        raise ConnectorError("connector_refused", "Google gave no refresh token.")
    return _tokens(row, row["refresh_token"])


def refresh(settings: Settings, tokens: Tokens) -> Tokens:
    """The same account's tokens with a new access token.

    Raises:
        ConnectorError: ``connection_expired``, the user or Google took the access back;
            ``connector_failed``.
    """
    row = _token_request(
        settings, {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    )
    return _tokens({"scope": " ".join(tokens.scopes), **row}, tokens.refresh_token)


def revoke(settings: Settings, tokens: Tokens) -> None:
    """Give the access back. One that was taken back already is given back too.

    Raises:
        ConnectorError: ``connector_failed``.
    """
    url = f"{_origin(settings, 'https://oauth2.googleapis.com')}/revoke"
    _exchange(settings, url, form={"token": tokens.refresh_token}, refused=None)


def account(settings: Settings, tokens: Tokens) -> Account:
    """Whose account it is.

    Raises:
        ConnectorError: as for :func:`file_facts`.
    """
    url = f"{_origin(settings, 'https://www.googleapis.com')}/drive/v3/about?fields=user"
    row = _exchange(settings, url, tokens)["user"]
    return Account(str(row["permissionId"]), str(row.get("emailAddress") or row["displayName"]))


def file_facts(settings: Settings, tokens: Tokens, file_id: str) -> DriveFile:
    """What is known of a file before it is fetched.

    Raises:
        ConnectorError: ``connector_file_refused``, it is not there, or nothing that can be
            fetched; ``connection_expired`` or ``connector_failed``.
    """
    row = _exchange(settings, f"{_file_url(settings, file_id)}?fields={_FACTS}", tokens)
    name = str(row["name"])
    if row.get("trashed"):
        raise _refused_file(f"{name} is in the bin.")
    if str(row["mimeType"]).startswith(_NATIVE):
        raise _refused_file(f"{name} is no file with bytes of its own.")
    if not (row.get("capabilities") or {}).get("canDownload", True):
        raise _refused_file(f"{name} may not be downloaded.")
    size = None if row.get("size") is None else int(row["size"])
    if size is not None and size > settings.fetch_max:
        raise _refused_file(f"{name} is larger than fetch_max, {settings.fetch_max} bytes.")
    return DriveFile(str(row["id"]), name, size, row.get("webViewLink"))


def download_url(settings: Settings, file_id: str) -> str:
    """Where the bytes of a file are; asked for with :func:`authorization`."""
    return f"{_file_url(settings, file_id)}?alt=media&supportsAllDrives=true"


def authorization(tokens: Tokens) -> dict[str, str]:
    """The header that a request on behalf of the account has."""
    return {"Authorization": f"Bearer {tokens.access_token}"}


def _file_url(settings: Settings, file_id: str) -> str:
    origin = _origin(settings, "https://www.googleapis.com")
    return f"{origin}/drive/v3/files/{quote(file_id, safe='')}"


def _origin(settings: Settings, usual: str) -> str:
    return (settings.google_url or usual).rstrip("/")


def _token_request(settings: Settings, form: Mapping[str, str]) -> dict[str, Any]:
    url = f"{_origin(settings, 'https://oauth2.googleapis.com')}/token"
    client = {
        "client_id": settings.google_client_id, "client_secret": settings.google_client_secret
    }  # fmt: skip
    return _exchange(settings, url, form={**client, **form})


def _tokens(row: Mapping[str, Any], refresh_token: str) -> Tokens:
    expires = time.time() + float(row["expires_in"])
    return Tokens(refresh_token, row["access_token"], expires, tuple(row["scope"].split()))


def _exchange(
    settings: Settings,
    url: str,
    tokens: Tokens | None = None,
    form: Mapping[str, str] | None = None,
    refused: str | None = "connector_refused",
) -> dict[str, Any]:
    """The JSON that Google answers with. A refusal raises, unless ``refused`` is ``None``."""
    headers = {} if tokens is None else authorization(tokens)
    body = None
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(form).encode()
    try:
        status, data = exchange("GET" if form is None else "POST", url, settings, headers, body)
        row = json.loads(data or b"{}")
    except InvalidInput as error:  # not reached; an address that is not allowed is the operator's
        raise ConnectorError("connector_failed", "Google Drive cannot be reached.") from error
    except ValueError as error:
        raise ConnectorError("connector_failed", "Google sent something else than JSON.") from error
    if 200 <= status < 300:
        return dict(row)
    if status == 401 or (isinstance(row, dict) and row.get("error") == "invalid_grant"):
        if refused is None:
            return {}
        raise ConnectorError(
            "connection_expired", "The access to this Google account has ended or was revoked."
        )
    if status == 403 and b"ateLimitExceeded" in data:
        raise ConnectorError("connector_failed", "Google Drive wants fewer requests for a while.")
    if status in (403, 404) and tokens is not None:
        raise _refused_file("Google Drive has no such file for this account.")
    if status == 400:
        if refused is None:
            return {}
        raise ConnectorError(refused, "Google refused the request of this server.")
    raise ConnectorError("connector_failed", f"Google Drive answered with status {status}.")


def _refused_file(message: str) -> ConnectorError:
    return ConnectorError("connector_file_refused", message)
