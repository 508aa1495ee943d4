"""Figures and counts as the page writes them."""

from typing import Final

from lungct.words import noun
from schema.metrics import UNDEFINED_TEXT, MetricRow, figure_text, signed_text

# What the records of scans say of truth that is made of annotated spheres.
SPHERES: Final = "spheres"


def decimal(value: float | None, places: int = 2) -> str:
    """Some decimals."""
    return UNDEFINED_TEXT if value is None else f"{value:.{places}f}"


def ratio(value: float | None) -> str:
    """Two decimals, or two digits that count where these would be zeros."""
    if value is None:
        return UNDEFINED_TEXT
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def count(value: float | None) -> str:
    """A whole number, its thousands separated by a thin space."""
    return UNDEFINED_TEXT if value is None else f"{int(value):,}".replace(",", "\u202f")


def counted(value: int, singular: str, plural: str = "") -> str:
    """A whole number with its noun, as `lungct.words.counted`, but written as `count` does."""
    return f"{count(value)} {noun(value, singular, plural)}"


def minus(value: float) -> str:
    """A whole number with a proper minus."""
    return f"{value:g}".replace("-", "−")


def truth_text(truth: str) -> str:
    """What nodules were made from, in words."""
    return "spheres of the annotated diameters" if truth == SPHERES else truth


def sentence(text: str) -> str:
    """The text with a capital at its start."""
    return text[:1].upper() + text[1:]


def two_lines(text: str) -> list[str]:
    """The text in two parts for a narrow column, split at its last space."""
    return text.rsplit(" ", 1)


def interval_text(row: MetricRow | None, signed: bool = False) -> str:
    """The interval of a figure; empty where there is none."""
    if row is None or row.lower is None or row.upper is None:
        return ""
    text = signed_text if signed else figure_text
    return f"{text(row.lower)} to {text(row.upper)}"


def figure_with_interval(row: MetricRow | None, signed: bool = False) -> str:
    """A figure and its interval in brackets."""
    value = (signed_text if signed else figure_text)(row.value if row else None)
    interval = interval_text(row, signed)
    return f"{value} ({interval})" if interval else value
