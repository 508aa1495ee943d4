"""Times of a schedule: the five fields of cron, checked before they are sent."""

import re
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from runner.usage import UsageError

_NAMES: Final = {
    "month": "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(),
    "day of the week": "SUN MON TUE WED THU FRI SAT".split(),
}
# Names of the fields with their least and largest number.
_FIELDS: Final = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("day of the week", 0, 7),
)


def schedule_time(cron: str, timezone: str) -> str:
    """When a schedule starts runs, as Vertex AI takes it.

    Args:
        cron: Five fields, such as `0 3 * * 1`.
        timezone: Name of the IANA's, such as Europe/Berlin.

    Returns:
        Both in one text.

    Raises:
        UsageError: One of them is none.
    """
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"--timezone: expected a name such as Europe/Berlin, got {timezone!r}"
        ) from None
    fields = cron.split()
    if len(fields) != len(_FIELDS):
        names = ", ".join(name for name, _, _ in _FIELDS)
        raise UsageError(f"--cron: expected {len(_FIELDS)} fields ({names}), got {cron!r}")
    for text, (name, least, largest) in zip(fields, _FIELDS, strict=True):
        if not all(_is_part(part, name, least, largest) for part in text.split(",")):
            raise UsageError(f"--cron: expected {name} from {least} to {largest}, got {text!r}")
    return f"TZ={timezone} {' '.join(fields)}"


def _is_part(text: str, name: str, least: int, largest: int) -> bool:
    """Whether a text is `*`, a number or a range, perhaps every so many of them."""
    found = re.fullmatch(r"(\*|\w+)(?:-(\w+))?(?:/([1-9]\d*))?", text)
    if found is None or (found[1] == "*" and found[2]):
        return False
    numbers = [_number(one, name) for one in (found[1], found[2]) if one and one != "*"]
    inside = [one for one in numbers if one is not None and least <= one <= largest]
    return inside == numbers and numbers == sorted(inside)


def _number(text: str, name: str) -> int | None:
    names = _NAMES.get(name, [])
    if text.upper() in names:
        return names.index(text.upper()) + (name == "month")
    return int(text) if text.isascii() and text.isdigit() else None
