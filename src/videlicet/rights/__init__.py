"""May we? A grant for every stored read and write, and the policy that decides."""

from videlicet.rights.grant import EVERY_TENANT, LOCAL, Grant, Purpose
from videlicet.rights.policy import Decision, authorize, decide

__all__ = ["EVERY_TENANT", "LOCAL", "Decision", "Grant", "Purpose", "authorize", "decide"]
