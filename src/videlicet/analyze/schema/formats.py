"""The formats of strings that are checked.

Checked as RFC 3339 (dates and times; durations by its appendix A), RFC 5321 (e-mail), RFC 3986
(addresses), RFC 4122 (UUIDs), RFC 1123 (hosts) and RFC 2673 and 4291 (IP) have them, in the forms
that are common.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time

_DATE = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_ZONE = r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_SPELT = r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]"


@dataclass(frozen=True, slots=True)
class Format:
    """What a text has to match, and what else it has to pass (raising ``ValueError``)."""

    pattern: str
    check: Callable[[str], object]

    def fits(self, text: str) -> bool:
        if not re.fullmatch(self.pattern, text):
            return False
        try:
            self.check(text)
        except ValueError:
            return False
        return True


def _known_date(text: str) -> object:
    return date.fromisoformat(text[:10])


def _known_time(text: str) -> object:
    return time.fromisoformat(text[:8])


def _short_host(text: str) -> None:
    if len(text) > 253:
        raise ValueError("longer than 253 characters")


FORMATS: dict[str, Format] = {
    "date": Format(_DATE, _known_date),
    "time": Format(_CLOCK + _ZONE, _known_time),
    "date-time": Format(f"{_DATE}T{_CLOCK}{_ZONE}", _known_date),
    "duration": Format(
        r"P(?:[0-9]+W|(?=[0-9T])(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?"
        r"(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+S)?)?)",
        str,
    ),
    "email": Format(
        rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~-]+)*@{_HOST}", str
    ),
    "hostname": Format(_HOST, _short_host),
    "ipv4": Format(r"[0-9.]+", ipaddress.IPv4Address),
    "ipv6": Format(r"[0-9A-Fa-f:.]+", ipaddress.IPv6Address),
    "uri": Format(rf"[A-Za-z][A-Za-z0-9+.-]*:{_SPELT}+", str),
    "uuid": Format("[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", str),
}
