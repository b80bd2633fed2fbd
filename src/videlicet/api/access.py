"""What an API key may do: which paths need one, which requests write, and whose data they see."""

from __future__ import annotations

from typing import Any

from videlicet.rights import Grant, Purpose
from videlicet.types import ApiKey

#: Where agents ask; each of their tools requires a scope of its own.
MCP = "/mcp"
V1_3 = "/v1.3"
#: Paths with one of these prefixes require a key.
PROTECTED = (V1_3, "/v1", MCP)
#: Exceptions from :data:`PROTECTED`.
PUBLIC = ("/v1/openapi.json", "/v1/docs")
#: Scopes of keys; a key without scopes may do everything.
READ, WRITE = "read", "write"
#: POSTs that change nothing.
_READING_POSTS = (
    "/search", "/embed", "/embed-v2", "/analyze", "/gist", "/summarize", "/responses", "/ask",
    "/extract", "/compare", "/summary", "/classify", "/embeddings", "/rerank",
)  # fmt: skip


def is_write(method: str, path: str) -> bool:
    """Whether a request may change something."""
    reads = method in ("GET", "HEAD") or (method == "POST" and path.endswith(_READING_POSTS))
    return not reads


def grant_of(key: ApiKey, purpose: Purpose) -> Grant:
    """What a key may be used for, as a grant for one purpose."""
    return Grant(f"key:{key.id}", purpose, key.tenant)


def authenticated_key(state: Any) -> ApiKey:
    """The key of a request that passed the authentication."""
    key = state.key
    assert isinstance(key, ApiKey)
    return key
