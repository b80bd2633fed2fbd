"""Indexes: creating, finding, changing and deleting them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from videlicet.ingest.indexing import remove_index
from videlicet.models.cards import chosen_cards
from videlicet.rights import Purpose
from videlicet.types import random_id, role_of

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.types import Index

#: The model roles of each option that an index may be created with.
_ROLES = {"visual": ("vision", "ocr", "observer"), "audio": ("speech", "sound")}


@dataclass(frozen=True, slots=True)
class IndexSize:
    """How many searchable videos an index holds, and their seconds."""

    videos: int
    duration: float


@dataclass(frozen=True, slots=True)
class IndexStatistics:
    """What an index holds, table by table, and how good its approximate searches were measured."""

    texts: Mapping[str, Any]
    vectors: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class IndexFilter:
    """Which indexes a list holds; ``options`` are those that an index must have."""

    name: str | None = None
    options: frozenset[str] = frozenset()
    model_family: str | None = None
    created_since: datetime | None = None
    updated_since: datetime | None = None


def get_index(caller: Caller, index_id: str) -> Index:
    """An index, by id only.

    Raises:
        NotFound: ``index_not_found``.
    """
    return caller.scope(Purpose.MANAGE, index_id).index


def create_index(
    caller: Caller, name: str, options: Iterable[str], details: Mapping[str, Any]
) -> Index:
    """An index with the models that its ``options`` (``visual``, ``audio``) need. ``details`` are
    stored with it as they are.

    Raises:
        Conflict: ``index_exists``.
    """
    cards = chosen_cards(caller.settings.models)
    roles = {"text", *(role for option in options for role in _ROLES[option])}
    chosen = {key: card for key, card in cards.items() if role_of(key) in roles}
    return caller.catalog.create_index(caller.scope(Purpose.INDEX), name, chosen, details)


def list_indexes(
    caller: Caller,
    wanted: IndexFilter,
    *,
    sort_by: str = "created_at",
    ascending: bool = False,
) -> list[Index]:
    """The caller's indexes that pass a filter, sorted by ``created_at`` or ``updated_at``."""
    found = [index for index in caller.catalog.indexes(caller.manage) if _passes(index, wanted)]
    found.sort(
        key=lambda index: (getattr(index, sort_by) or index.created_at, index.id),
        reverse=not ascending,
    )
    return found


def hidden_index(caller: Caller, name: str, roles: Collection[str]) -> Index:
    """The index of this name that no list shows, with today's models of some roles; created where
    there is none. Others may have the name too, and one with yesterday's models keeps it."""
    every = chosen_cards(caller.settings.models)
    cards = {key: card for key, card in every.items() if role_of(key) in roles}
    scope = caller.scope(Purpose.INDEX)
    with caller.store.database.advisory_lock(f"hidden index {name}"):
        there = caller.catalog.indexes(scope, hidden=True)
        for index in there:
            if index.hidden and index.name.split(" ")[0] == name and dict(index.cards) == cards:
                return index
        taken = any(index.name == name for index in there)
        return caller.catalog.create_index(
            scope, f"{name} {random_id()}" if taken else name, cards, {"hidden": True}
        )


def rename_index(caller: Caller, index_id: str, name: str) -> None:
    """Give an index another name.

    Raises:
        NotFound: ``index_not_found``.
        Conflict: ``index_exists``.
    """
    caller.catalog.rename_index(caller.scope(Purpose.MANAGE, index_id), name)


def delete_index(caller: Caller, index_id: str) -> None:
    """Delete an index with everything that was derived in it; the assets stay.

    Raises:
        NotFound: ``index_not_found``.
    """
    index = get_index(caller, index_id)
    remove_index(caller.manage, caller.store, index)


def options_of(index: Index) -> set[str]:
    """The options an index was created with."""
    models: Sequence[Mapping[str, Any]] = index.options.get("models") or []
    found = {str(option) for model in models for option in model["model_options"]}
    return found or {"visual", "audio"}


def index_size(caller: Caller, index_id: str, purpose: Purpose = Purpose.MANAGE) -> IndexSize:
    """How much of an index can be searched."""
    return IndexSize(*caller.catalog.index_size(caller.scope(purpose, index_id)))


def index_statistics(caller: Caller, index_id: str) -> IndexStatistics:
    """How much an index holds.

    Raises:
        NotFound: ``index_not_found``.
    """
    scope = caller.scope(Purpose.MANAGE, index_id)
    return IndexStatistics(
        caller.store.texts.statistics(scope), caller.store.vectors.statistics(scope)
    )


def _passes(index: Index, wanted: IndexFilter) -> bool:
    families = [str(m["model_name"]) for m in index.options.get("models", [])]
    return (
        (wanted.name is None or index.name == wanted.name)
        and wanted.options <= options_of(index)
        and (
            wanted.model_family is None
            or any(name.startswith(wanted.model_family) for name in families)
        )
        and (wanted.created_since is None or index.created_at >= wanted.created_since)
        and (
            wanted.updated_since is None
            or (index.updated_at or index.created_at) >= wanted.updated_since
        )
    )
