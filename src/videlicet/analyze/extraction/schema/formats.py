"""The formats of strings that are checked, and one text of each that stands for none.

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
    """What a text has to match, what else it has to pass (raising ``ValueError``), and the texts
    that stand for none: the first of these that suits is taken."""

    pattern: str
    check: Callable[[str], object]
    none: tuple[str, ...]

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


_DAY, _NOON = "1970-01-01", "00:00:00Z"

FORMATS: dict[str, Format] = {
    "date": Format(_DATE, _known_date, (_DAY,)),
    "time": Format(_CLOCK + _ZONE, _known_time, (_NOON,)),
    "date-time": Format(f"{_DATE}T{_CLOCK}{_ZONE}", _known_date, (f"{_DAY}T{_NOON}",)),
    "duration": Format(
        r"P(?:[0-9]+W|(?=[0-9T])(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?"
        r"(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+S)?)?)",
        str, ("PT0S",),
    ),
    "email": Format(
        rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~-]+)*@{_HOST}",
        str, ("none@example.invalid",),
    ),
    "hostname": Format(_HOST, _short_host, ("example.invalid",)),
    "ipv4": Format(r"[0-9.]+", ipaddress.IPv4Address, ("0.0.0.0",)),
    "ipv6": Format(r"[0-9A-Fa-f:.]+", ipaddress.IPv6Address, ("::",)),
    "uri": Format(rf"[A-Za-z][A-Za-z0-9+.-]*:{_SPELT}+", str, ("about:blank",)),
    "uuid": Format(
        "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
        str, ("00000000-0000-0000-0000-000000000000",),
    ),
}  # fmt: skip

#: Formats of the standard that are not checked here; any other name is a remark, as it has it.
UNCHECKED = frozenset(
    "idn-email idn-hostname iri iri-reference uri-reference uri-template json-pointer "
    "relative-json-pointer regex".split()
)

#: A part of each format's texts that an automaton can walk, for where a length or a pattern asks
#: for more than the texts that stand for none.
WALKED = {
    "date": r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$",
    "time": r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-][01][0-9]:[0-5][0-9])$",
    "date-time": (
        r"^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T"
        r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z$"
    ),
    "duration": r"^P[0-9]+[DWMY]$",
    "email": r"^[a-z0-9]+(\.[a-z0-9]+)*@[a-z0-9]+(\.[a-z]+)+$",
    "hostname": r"^[a-z0-9]+(\.[a-z0-9]+)*$",
    "ipv4": r"^[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2}$",
    "ipv6": r"^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$",
    "uri": r"^[a-z]+:[a-zA-Z0-9/._~?#-]+$",
    "uuid": r"^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$",
}
