"""Whose a blob is.

A key says it: its first folder names a kind of record and the next one the record's id. The blob
belongs to the tenant of that record.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, select

from videlicet.rights import Scope
from videlicet.store.catalog.schema import assets, indexes, resources, tasks
from videlicet.types import Kind

#: Folders of blobs that belong to resources, with the kinds of those.
RESOURCE_FOLDERS = {
    "analyses": Kind.ANALYSIS,
    "queries": Kind.SAVED_SEARCH,
    "searches": Kind.SEARCH,
}

#: Folders of blobs that belong to records with a table of their own. What users send is under
#: ``files``, what is fetched for an index under ``assets``.
_TABLES = {"assets": assets, "files": assets, "indexes": indexes, "tasks": tasks}
#: The folders of an asset's bytes.
ASSET_FOLDERS = ("assets", "files")


def is_key_in_scope(connection: Connection, scope: Scope, key: str, *, orphans: bool) -> bool:
    """Whether a scope reaches a key (or all keys under it, if it ends in ``/``). With ``orphans``
    also one under a known folder that belongs to no record."""
    if scope.every_tenant:
        return True
    folder, _, rest = key.partition("/")
    id = rest.partition("/")[0]
    owner = _owner(folder, id) if id else None
    if owner is None:
        return False
    if folder == "indexes" and scope.index_id not in (None, id):
        return False
    tenant = connection.execute(select(owner[0]).where(*owner[1])).scalar()
    return orphans if tenant is None else scope.covers(tenant)


def _owner(folder: str, id: str) -> tuple[ColumnElement[str], list[ColumnElement[bool]]] | None:
    """The column with the tenant of the record that a folder belongs to."""
    if folder in RESOURCE_FOLDERS:
        kind = RESOURCE_FOLDERS[folder].value
        return resources.c.tenant, [resources.c.kind == kind, resources.c.id == id]
    table = _TABLES.get(folder)
    return None if table is None else (table.c.tenant, [table.c.id == id])
