"""For the operator: whether the data directory is sound."""

from __future__ import annotations

from typing import Any

from videlicet.api.caller import Call
from videlicet.api.errors import ApiError
from videlicet.api.routing import V1, router_for
from videlicet.api.v1.schemas import DoctorReport
from videlicet.rights import LOCAL
from videlicet.store.doctor import doctor

router = router_for("operations", V1)


@router.get("/doctor", response_model=DoctorReport)
def examine(call: Call) -> Any:
    """What ``videlicet doctor`` finds in the data directory; nothing is changed. It names things of
    every tenant, so it needs a key with write access of the server's own tenant, ``local``. What is
    being added just now may look unfinished."""
    if call.tenant != LOCAL or not call.may_write:
        raise ApiError(403, "api_not_allowed", "This key is not for looking at the whole server.")
    if not call.server.doctor_lock.acquire(blocking=False):
        raise ApiError(409, "resource_conflict", "The data directory is being examined already.")
    try:
        found = doctor(call.settings)
    finally:
        call.server.doctor_lock.release()
    return {
        "sound": not any(one.level == "error" for one in found),
        "findings": [
            {
                "level": one.level.value,
                "subject": one.subject,
                "message": one.message,
                "remedy": one.remedy,
            }
            for one in found
        ],
    }
