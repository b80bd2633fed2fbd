"""Knowledge stores.

A store owns one hidden index, in which its items are videos. Its ``body`` holds ``index_id``,
``description``, ``metadata`` and ``ingestion_config``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from videlicet.errors import NotFound
from videlicet.ingest.indexing import remove_index
from videlicet.models.cards import chosen_cards
from videlicet.rights import Purpose
from videlicet.services.locks import NamedLocks
from videlicet.services.problems import invalid, unknown
from videlicet.store.records import VideoFilter
from videlicet.types import Kind, Resource, ordered_id

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.types import Index

#: Pairs of metadata and characters of a text: of a store or a collection, and of an item.
STORE_METADATA, ITEM_METADATA = (10, 2048), (50, 8192)
MAX_KEY_CHARS = 128
#: Integers beyond are not the same in every language.
_MAX_INTEGER = 2**53 - 1

_changing = NamedLocks()


@dataclass(frozen=True, slots=True)
class NewStore:
    """A store to be created. ``enrichment`` (``schema`` and ``prompt``) is what is extracted from
    its items, ``ingestion_config`` how that was asked for."""

    name: str
    description: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    enrichment: Mapping[str, Any] | None = None
    ingestion_config: Mapping[str, Any] | None = None


@contextmanager
def lock_store(caller: Caller, store_id: str) -> Iterator[None]:
    """Let nobody else change what belongs to a store, here or at another server. Of each server
    only one request waits at the database.

    Raises:
        Conflict: ``changes_pending``, others have changed it for very long.
    """
    name = f"knowledge store {store_id}"
    with _changing.hold(name), caller.store.database.advisory_lock(name):
        yield


def check_metadata(value: Mapping[str, Any] | None, limits: tuple[int, int]) -> dict[str, Any]:
    """Metadata as it is kept.

    Raises:
        InvalidInput: ``invalid_argument``, for more pairs or longer texts than ``limits`` allow,
            for null, and for what is neither a text, a number, a boolean nor a list of texts.
    """
    most, longest = limits
    pairs = dict(value or {})
    if len(pairs) > most:
        raise invalid(f"metadata holds {most} pairs at most.")
    for key, one in pairs.items():
        if not 1 <= len(key) <= MAX_KEY_CHARS:
            raise invalid(f"metadata: a key has 1 to {MAX_KEY_CHARS} characters.")
        match one:
            case bool() | float():
                continue
            case int() if abs(one) <= _MAX_INTEGER:
                continue
            case str() if len(one) <= longest:
                continue
            case list() if all(isinstance(text, str) and len(text) <= longest for text in one):
                continue
        raise invalid(
            f"metadata.{key} must be a text of at most {longest} characters, a number of at most "
            "53 bits, true, false or a list of texts."
        )
    return pairs


def create_store(caller: Caller, new: NewStore) -> Resource:
    """An empty store. What is extracted from its items cannot be changed later.

    Raises:
        InvalidInput: ``invalid_argument``, the metadata.
    """
    metadata = check_metadata(new.metadata, STORE_METADATA)
    options: dict[str, Any] = {"hidden": True}
    if new.enrichment is not None:
        options["enrichment"] = dict(new.enrichment)
    now = datetime.now(UTC)
    id = ordered_id("ks")
    cards = chosen_cards(caller.settings.models)
    index = caller.catalog.create_index(caller.scope(Purpose.INDEX), f"~{id}", cards, options)
    made = Resource(
        id=id, kind=Kind.KNOWLEDGE_STORE, tenant=caller.tenant, created_at=now, updated_at=now,
        name=new.name,
        body={
            "index_id": index.id,
            "description": new.description,
            "metadata": metadata,
            "ingestion_config": new.ingestion_config,
        },
    )  # fmt: skip
    caller.catalog.put_resource(caller.manage, made)
    return made


def get_store(caller: Caller, store_id: str) -> Resource:
    """A store of the caller's.

    Raises:
        NotFound: ``resource_not_found``.
    """
    try:
        return caller.catalog.resource(caller.manage, Kind.KNOWLEDGE_STORE, store_id)
    except NotFound:
        raise unknown("knowledge store", store_id) from None


def store_index(caller: Caller, store: Resource) -> Index:
    """The index in which a store's items are.

    Raises:
        NotFound: ``resource_not_found``, the store has just been deleted.
    """
    try:
        return caller.catalog.index(caller.manage, store.body["index_id"])
    except NotFound:
        raise unknown("knowledge store", store.id) from None


def list_stores(
    caller: Caller, *, sort: str, ascending: bool, offset: int = 0, limit: int | None = None
) -> tuple[list[Resource], int]:
    """A page of the caller's stores, and how many there are in all."""
    return caller.catalog.find_resources(
        caller.manage, Kind.KNOWLEDGE_STORE, sort=sort, ascending=ascending, offset=offset,
        limit=limit,
    )  # fmt: skip


def update_store(
    caller: Caller, store_id: str, name: str | None, changes: Mapping[str, Any]
) -> Resource:
    """Change a store's name, or its ``description`` and ``metadata``.

    Raises:
        NotFound: ``resource_not_found``.
    """
    found = get_store(caller, store_id)
    renamed = {} if name is None else {"name": name}
    return caller.catalog.update_resource(
        caller.manage, Kind.KNOWLEDGE_STORE, found.id, body=dict(changes), **renamed
    )


def delete_store(caller: Caller, store_id: str) -> None:
    """Delete a store with its items, collections and conversations; the assets stay.

    Raises:
        NotFound: ``resource_not_found``.
    """
    with lock_store(caller, store_id):
        found = get_store(caller, store_id)
        for kind in (Kind.ITEM_COLLECTION, Kind.SESSION):
            caller.catalog.delete_resources(caller.manage, kind, parent=found.id)
        with suppress(NotFound):  # a deletion that was broken off came this far
            index = caller.catalog.index(caller.manage, found.body["index_id"])
            remove_index(caller.manage, caller.store, index)
        # Last: what is broken off can be done again.
        caller.catalog.delete_resource(caller.manage, Kind.KNOWLEDGE_STORE, found.id)


def count_items(caller: Caller, store: Resource) -> int:
    """How many items a store has."""
    try:
        scope = caller.scope(Purpose.MANAGE, store.body["index_id"])
    except NotFound:  # it has just been deleted
        return 0
    return caller.catalog.find_videos(scope, VideoFilter(), limit=0)[1]
