"""May we? A scope for every stored read and write, and the policy that decides."""

from videlicet.rights.grant import EVERY_TENANT, LOCAL, Grant, Purpose
from videlicet.rights.policy import (
    OPEN,
    Decisions,
    OpenPolicy,
    Policy,
    allowed_of,
    authorize,
    require_asset,
    require_purpose,
)
from videlicet.rights.scope import IndexScope, Scope

__all__ = [
    "EVERY_TENANT",
    "LOCAL",
    "OPEN",
    "Decisions",
    "Grant",
    "IndexScope",
    "OpenPolicy",
    "Policy",
    "Purpose",
    "Scope",
    "allowed_of",
    "authorize",
    "require_asset",
    "require_purpose",
]
