"""What users make and name, beside indexes, assets and videos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """Kinds of resources."""

    UPLOAD = "upload"
    CHUNK = "chunk"
    COLLECTION = "collection"
    ENTITY = "entity"
    EMBEDDING = "embedding"
    SEARCH = "search"
    WEBHOOK = "webhook"
    DELIVERY = "delivery"
    #: The response to a request with an idempotency key.
    IDEMPOTENT_RESPONSE = "idempotent_response"
    EVALUATION = "evaluation"
    ANALYSIS = "analysis"
    #: Analyses that were asked for together.
    BATCH = "batch"
    #: Videos and pictures together, with what is known of them; its items are videos.
    KNOWLEDGE_STORE = "knowledge_store"
    #: A named part of a knowledge store.
    ITEM_COLLECTION = "item_collection"
    #: A conversation about a knowledge store.
    SESSION = "session"
    #: A saved search. Its ``parent`` is the index.
    SAVED_SEARCH = "saved_search"
    #: What a saved search found in one asset. Its ``parent`` is the saved search, its ``name`` the
    #: asset's id.
    MATCH = "match"
    #: A pending run of saved searches. Its ``parent`` is the index, its ``name`` the id of a new
    #: asset or of a new saved search.
    SAVED_SEARCH_RUN = "saved_search_run"
    #: A URI that users may be sent back to after they connected an account.
    REDIRECT_URI = "redirect_uri"
    #: An account at another service that files are imported from.
    CONNECTION = "connection"
    #: One request to import files. Its ``parent`` is the connection.
    IMPORT = "import"
    #: When a key was last used: the id is the key's, ``updated_at`` the time.
    KEY_USE = "key_use"


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing of a tenant. ``body`` is JSON; what it holds is said where the kind is used.

    ``parent`` is the id it hangs on (the collection of an entity), and
    ``name`` what lists are searched by.
    """

    id: str
    kind: Kind
    tenant: str
    created_at: datetime
    updated_at: datetime
    status: str = ""
    parent: str = ""
    name: str = ""
    expires_at: datetime | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: never the key itself, only what tells it from others.

    ``scopes`` empty means everything.
    """

    id: str
    tenant: str
    name: str
    prefix: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
