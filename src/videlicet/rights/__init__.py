"""May we? A grant for every stored read and write, and the policy that decides."""

from videlicet.rights.grant import Grant, Purpose
from videlicet.rights.policy import Decision, authorize, decide

__all__ = ["Decision", "Grant", "Purpose", "authorize", "decide"]
