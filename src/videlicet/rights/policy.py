"""The one decision function. The ``open`` profile is what a single user on one machine needs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from videlicet.errors import NotPermitted
from videlicet.rights.grant import Grant, Purpose


@dataclass(frozen=True, slots=True)
class Decision:
    allow: bool
    reasons: tuple[str, ...]
    profile: str = "open"


#: What the open profile refuses whatever the asset: nothing may be trained on, handed out of the
#: tenant or used to identify people until its owner has said so.
_OPEN_DENIES = frozenset({Purpose.TRAIN, Purpose.SHARE, Purpose.IDENTIFY})


def decide(grant: Grant, operation: Collection[Purpose], resource: str) -> Decision:
    """May this grant do an operation that serves only the purposes in ``operation``?

    ``resource`` names the kind of thing touched (``asset``, ``vectors``, …). Denies by default:
    the grant's purpose must be one the operation serves, and one the profile permits.
    """
    if grant.purpose in _OPEN_DENIES:
        return Decision(False, (f"open.{grant.purpose}.denied",))
    if grant.purpose not in operation:
        return Decision(False, (f"purpose.{grant.purpose}.does_not_cover.{resource}",))
    return Decision(True, ("open.local_owner",))


def authorize(grant: Grant, operation: Collection[Purpose], resource: str) -> None:
    """Raise :class:`NotPermitted` unless :func:`decide` allows it."""
    decision = decide(grant, operation, resource)
    if not decision.allow:
        raise NotPermitted(
            "purpose_not_permitted",
            f"Purpose '{grant.purpose}' is not permitted for {resource}.",
            subject=resource,
            details={"reasons": list(decision.reasons), "profile": decision.profile},
        )
