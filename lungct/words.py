"""Counts in words, with their nouns in the singular or the plural."""


def noun(number: int, singular: str, plural: str = "") -> str:
    """The noun that goes with a number.

    Args:
        number: How many there are.
        singular: Of one.
        plural: Of any other number; by default with an s at its end.
    """
    return singular if number == 1 else plural or f"{singular}s"


def counted(number: int, singular: str, plural: str = "") -> str:
    """A number with its noun: 1 scan, 2 scans, 3 series; as `noun` takes it."""
    return f"{number} {noun(number, singular, plural)}"
