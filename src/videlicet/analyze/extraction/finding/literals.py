"""Numbers, times, dates, addresses and names as they stand in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_WORTH = {
    **{word: number for number, word in enumerate(_UNITS)},
    **{word: 10 * number for number, word in enumerate(_TENS, 2)},
}
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = r"(?P<month>(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)\.?"
_YEAR = r"(?P<year>(?:1[0-9]|20)[0-9]{2})"
_DAY = r"(?P<day>[0-3]?[0-9])(?:st|nd|rd|th)?"

_DATES = tuple(
    re.compile(source, re.IGNORECASE)
    for source in (
        r"\b(?P<year>[0-9]{4})-(?P<number>[01][0-9])-(?P<day>[0-3][0-9])(?![0-9])",
        rf"\b{_DAY}(?: of)? {_MONTH},? {_YEAR}\b",
        rf"\b{_MONTH} {_DAY},? {_YEAR}\b",
    )
)
_TIME = re.compile(
    r"(?<![\w:.,])(?P<hour>[01]?[0-9]|2[0-3])(?::(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]))?"
    r"\s?(?P<half>[ap]\.?m\b\.?)?|\s?(?P<alone>[ap]\.?m\b\.?))"
    r"(?P<zone>Z|[+-][0-2][0-9]:[0-5][0-9])?(?![\w:])",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(
    r"\b(?:https?://|www\.)[^\s<>\"']+|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|io|tv|info)\b(?:/[^\s<>\"']*)?"
)
_PHONE = re.compile(r"(?<![\w.])\+?\(?[0-9][0-9()]*(?:[ .()/-]{1,2}[0-9]+)+(?!\w)")
_NUMBER = re.compile(
    r"(?<![\w.,:/-])(?P<sign>[-−](?=[0-9]))?(?P<money>[$€£¥]\s?)?"
    r"(?P<digits>[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:[.,][0-9]+)?)"
    r"(?P<after>\s?(?:%|[€£¥](?!\w))|(?:st|nd|rd|th)(?!\w)|(?:k|kg|g|mg|km|m|cm|mm|l|ml|s|ms|h|°C|°F|x)(?!\w))?"
    r"(?![\w:/]|[.,-][0-9])"
)
_WORD = re.compile(r"[A-Za-z]+")
_NAME = re.compile(
    r"(?:\b(?:[Nn]ame is|I am|I'm|I’m|[Tt]his is|called|named|by|with)\s+"
    r"|\b(?=(?:Mr|Mrs|Ms|Dr|Prof|Professor|Sir|Captain|President)\b))"
    r"(?P<name>(?:(?:Mr|Mrs|Ms|Dr|Prof)\.\s)?[A-Z][\w'’-]+(?:\s[A-Z][\w'’-]+){0,3})"
)


@dataclass(frozen=True, slots=True)
class LiteralMatch:
    """A value at ``start``..``end`` of a text, as written there."""

    value: str | int | float
    start: int
    end: int
    #: Written with a currency or two decimals, with a per cent sign.
    money: bool = False
    percent: bool = False


def dates(text: str) -> Iterator[LiteralMatch]:
    """Days of the calendar, as ISO 8601: in numbers with the year first, or with the month in
    words. What may be read in two ways (3/4/2026) is left alone."""
    for pattern in _DATES:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            word = groups.get("month")
            month = _MONTHS.index(word[:3].lower()) + 1 if word else int(groups["number"])
            try:
                day = date(int(groups["year"]), month, int(groups["day"]))
            except ValueError:
                continue
            yield LiteralMatch(day.isoformat(), match.start(), match.end())


def times(text: str) -> Iterator[LiteralMatch]:
    """Times of the day as ``hh:mm:ss``, with what offset is written."""
    for match in _TIME.finditer(text):
        half = (match["half"] or match["alone"] or "").lower()
        hour = int(match["hour"])
        if half and not 1 <= hour <= 12:
            continue
        if half:
            hour = hour % 12 + (12 if half.startswith("p") else 0)
        clock = f"{hour:02d}:{match['minute'] or '00'}:{match['second'] or '00'}"
        yield LiteralMatch(clock + (match["zone"] or "").upper(), match.start(), match.end())


def moments(text: str) -> Iterator[LiteralMatch]:
    """Days with a time that follows at once, as RFC 3339 without the unknown offset."""
    clocks = list(times(text))
    for day in dates(text):
        for clock in clocks:
            between = text[day.end : clock.start]
            if clock.start >= day.end and between.strip(" ,").lower() in ("", "at", "t"):
                yield LiteralMatch(f"{day.value}T{clock.value}", day.start, clock.end)
        if iso := re.match(
            r"T([0-2][0-9]:[0-5][0-9]:[0-5][0-9])(?:\.[0-9]+)?(Z|[+-]\d\d:\d\d)?", text[day.end :]
        ):
            yield LiteralMatch(
                f"{day.value}T{iso[1]}{iso[2] or ''}", day.start, day.end + iso.end()
            )


def emails(text: str) -> Iterator[LiteralMatch]:
    """E-mail addresses."""
    return _matches(_EMAIL, text)


def addresses(text: str) -> Iterator[LiteralMatch]:
    """Web addresses as they are written, without the mark that ends a sentence."""
    for one in _matches(_URL, text):
        cut = str(one.value).rstrip(".,;:!?)")
        if text[one.start - 1 : one.start] != "@":
            yield LiteralMatch(cut, one.start, one.start + len(cut))


def phones(text: str) -> Iterator[LiteralMatch]:
    """Numbers to call: seven to fifteen digits (ITU-T E.164) in groups."""
    taken = [(one.start, one.end) for one in dates(text)]
    for one in _matches(_PHONE, text):
        digits = sum(char.isdigit() for char in str(one.value))
        if 7 <= digits <= 15 and not _inside(one, taken):
            yield one


def names(text: str) -> Iterator[LiteralMatch]:
    """Names after words that introduce one, or after a title."""
    for match in _NAME.finditer(text):
        yield LiteralMatch(match["name"], match.start("name"), match.end("name"))


def numbers(text: str) -> Iterator[LiteralMatch]:
    """Numbers in digits or in English words, in order; none that is a part of a date, of a time of
    the day or of a number to call."""
    taken = [
        (one.start, one.end)
        for read in (dates, times, phones, emails, addresses)
        for one in read(text)
    ]
    found = [one for one in (*_in_digits(text), *_in_words(text)) if not _inside(one, taken)]
    return iter(sorted(found, key=lambda one: one.start))


def _in_digits(text: str) -> Iterator[LiteralMatch]:
    for match in _NUMBER.finditer(text):
        digits, after = match["digits"], (match["after"] or "").strip()
        if re.fullmatch(r"[0-9]+,[0-9]{1,2}|[0-9]+,[0-9]{4,}", digits):
            digits = digits.replace(",", ".")
        digits = digits.replace(",", "")
        if len(digits) > 15:
            continue
        value = float(digits) if "." in digits else int(digits)
        if match["sign"]:
            value = -value
        money = bool(match["money"]) or (after in "€£¥" and bool(after))
        money = money or (re.search(r"\.[0-9]{2}$", digits) is not None and after != "%")
        yield LiteralMatch(value, match.start(), match.end(), money, after == "%")


def _in_words(text: str) -> Iterator[LiteralMatch]:
    run: list[re.Match[str]] = []
    for match in (*_WORD.finditer(text), None):
        if match is not None and _goes_on(run, match, text):
            run.append(match)
            continue
        while run and run[-1][0].lower() == "and":
            run.pop()
        if run:
            yield LiteralMatch(
                _worth([one[0].lower() for one in run]), run[0].start(), run[-1].end()
            )
        run = [match] if match is not None and match[0].lower() in _WORTH else []


def _goes_on(run: list[re.Match[str]], match: re.Match[str], text: str) -> bool:
    """Whether a word goes on with the number before it: twenty-five, two hundred and six."""
    if not run or text[run[-1].end() : match.start()] not in (" ", "-"):
        return False
    before, word = run[-1][0].lower(), match[0].lower()
    if word in _SCALES:
        return before != "and"
    if word == "and":
        return before in _SCALES
    if word not in _WORTH:
        return False
    return before in _SCALES or before == "and" or (before in _TENS and 0 < _WORTH[word] < 10)


def _worth(words: list[str]) -> int:
    total = current = 0
    for word in words:
        if word == "hundred":
            current = max(current, 1) * 100
        elif word in _SCALES:
            total, current = total + max(current, 1) * _SCALES[word], 0
        else:
            current += _WORTH.get(word, 0)
    return total + current


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[LiteralMatch]:
    return (LiteralMatch(match[0], match.start(), match.end()) for match in pattern.finditer(text))


def _inside(one: LiteralMatch, taken: list[tuple[int, int]]) -> bool:
    return any(start <= one.start and one.end <= end for start, end in taken)
