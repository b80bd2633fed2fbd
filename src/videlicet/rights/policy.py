"""The one decision function. The ``open`` policy is what a single user on one machine needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from videlicet.errors import NotPermitted
from videlicet.rights.grant import Grant, Purpose
from videlicet.rights.scope import Scope


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a policy decided for one grant and purpose.

    ``reasons`` say why the purpose is refused whatever the asset; then no asset is allowed.
    ``allowed`` are the assets asked about that may be used, ``refused`` has the reasons for the
    others.
    """

    allowed: frozenset[str]
    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


class Policy(Protocol):
    """Decides what stored assets may be used for."""

    @property
    def name(self) -> str:
        """What decisions name as the policy that made them."""

    @property
    def selective(self) -> bool:
        """Whether assets of one tenant are decided on differently. Where they are not, a purpose is
        decided on once, when a scope is made, and no asset is asked about."""

    def decide_many(self, grant: Grant, purpose: Purpose, asset_ids: Collection[str]) -> Decisions:
        """Which of the assets, all of the grant's tenant, may be used for ``purpose``; with no
        asset, whether the purpose is permitted at all."""


class OpenPolicy:
    """Permits every use of every asset within its tenant, except what needs its owner's word:
    nothing may be trained on, handed out of the tenant or used to identify people."""

    name = "open"
    selective = False

    _DENIED = frozenset({Purpose.TRAIN, Purpose.SHARE, Purpose.IDENTIFY})

    def decide_many(self, grant: Grant, purpose: Purpose, asset_ids: Collection[str]) -> Decisions:
        if purpose in self._DENIED:
            reasons = (f"open.{purpose}.denied",)
            return Decisions(frozenset(), dict.fromkeys(asset_ids, reasons), reasons)
        return Decisions(frozenset(asset_ids))


#: The policy of every store that is given no other.
OPEN = OpenPolicy()


def require_purpose(policy: Policy, grant: Grant) -> None:
    """Raise ``purpose_not_permitted`` where the policy refuses the grant's purpose as such."""
    if reasons := policy.decide_many(grant, grant.purpose, ()).reasons:
        raise NotPermitted(
            "purpose_not_permitted",
            f"Purpose '{grant.purpose}' is not permitted by the {policy.name} policy.",
            subject=str(grant.purpose),
            details={"reasons": list(reasons), "policy": policy.name},
        )


def authorize(scope: Scope, operation: Collection[Purpose], resource: str) -> None:
    """Raise ``purpose_not_permitted`` unless the scope's purpose is one that an operation on
    ``resource`` (``asset``, ``vectors``, …) serves. Everything else is denied."""
    if scope.purpose not in operation:
        raise NotPermitted(
            "purpose_not_permitted",
            f"Purpose '{scope.purpose}' is not permitted for {resource}.",
            subject=resource,
            details={"reasons": [f"purpose.{scope.purpose}.does_not_cover.{resource}"]},
        )


def require_asset(policy: Policy, scope: Scope, asset_id: str) -> None:
    """Raise ``purpose_not_permitted`` where the policy withholds an asset from the scope."""
    if not policy.selective:
        return
    decisions = policy.decide_many(scope, scope.purpose, (asset_id,))
    if asset_id not in decisions.allowed:
        reasons = decisions.refused.get(asset_id, decisions.reasons)
        raise NotPermitted(
            "purpose_not_permitted",
            f"Purpose '{scope.purpose}' is not permitted for asset {asset_id}.",
            subject=asset_id,
            details={"reasons": list(reasons), "policy": policy.name},
        )


def allowed_of(policy: Policy, scope: Scope, asset_ids: Collection[str]) -> frozenset[str]:
    """Those of the assets that the policy does not withhold from the scope."""
    if not policy.selective or not asset_ids:
        return frozenset(asset_ids)
    return policy.decide_many(scope, scope.purpose, asset_ids).allowed
