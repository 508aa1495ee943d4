"""Which places of the run are shown in pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from report.nodules import NoduleResult, WrongMark, by_dice
from report.slices import ScanFiles
from schema import features

# A picture takes some 20 kB of the page and some 20 ms.
MAX_WORST: Final = 12
MAX_MEDIAN: Final = 8
MAX_BEST: Final = 8
MAX_WRONG: Final = 12
MAX_REAL: Final = 3

WORST, MEDIAN, BEST = "among the worst", "around the median", "among the best"
REAL: Final = "scan of a patient"
WRONG: Final = "false positive"
# What the page writes over them.
GROUPS: Final = {
    WORST: "Worst eval nodules",
    MEDIAN: "Eval nodules around the median",
    BEST: "Best eval nodules",
    REAL: "Scans of patients",
}


@dataclass(frozen=True)
class Request:
    """One place to draw.

    Attributes:
        kind: Why it is shown: one of the groups.
        series_uid: The series.
        result: The nodule there, or
        mark: the false positive there; neither for the middle of a scan.
    """

    kind: str
    series_uid: str
    result: NoduleResult | None = None
    mark: WrongMark | None = None

    @property
    def anchor(self) -> str:
        """Name of the picture within the page."""
        shown = self.result or self.mark
        return shown.anchor if shown else f"scan-{self.series_uid}"


def choose_nodules(nodules: Sequence[NoduleResult]) -> list[Request]:
    """The worst, the median and the best nodules of the eval split by nodule Dice.

    Args:
        nodules: Of any split; those without a Dice are passed over.

    Returns:
        Each nodule at most once, in the order of the groups and from bad to good; the best first.
    """
    known = by_dice([one for one in nodules if one.split == features.SPLIT_EVAL])
    worst, median, best = _sizes(len(known))
    start = max(worst, (len(known) - median) // 2)
    groups = {
        WORST: known[:worst],
        MEDIAN: known[start : min(start + median, len(known) - best)],
        BEST: known[len(known) - best :][::-1],
    }
    return [
        Request(kind, one.series_uid, result=one) for kind, found in groups.items() for one in found
    ]


def choose_wrong(marks: Sequence[WrongMark]) -> list[Request]:
    """The first false positives, which are those of highest probability."""
    return [Request(WRONG, one.series_uid, mark=one) for one in marks[:MAX_WRONG]]


def choose_real(
    series: Sequence[str], nodules: Sequence[NoduleResult], drawn: Sequence[Request]
) -> list[Request]:
    """The largest nodule of each of the first few scans of patients, or the middle of the scan.

    Args:
        series: The scans of patients that were judged.
        nodules: Of any scans.
        drawn: What is drawn already, which is not drawn again.
    """
    requests = []
    for uid in series[:MAX_REAL]:
        own = [one for one in nodules if one.series_uid == uid and one.dice is not None]
        largest = max(own, key=lambda one: one.diameter_mm, default=None)
        requests.append(Request(REAL, uid, result=largest))
    anchors = {one.anchor for one in drawn}
    return [one for one in requests if one.anchor not in anchors]


def by_scan(
    requests: Sequence[Request], files: dict[str, ScanFiles]
) -> list[tuple[ScanFiles, list[Request]]]:
    """The requests of each scan together, since a scan is opened once.

    Raises:
        ValueError: A series is not among the files.
    """
    grouped: dict[str, list[Request]] = {}
    for request in requests:
        if request.series_uid not in files:
            raise ValueError(f"expected slices of series {request.series_uid}, got none")
        grouped.setdefault(request.series_uid, []).append(request)
    return [(files[uid], found) for uid, found in grouped.items()]


def _sizes(count: int) -> tuple[int, int, int]:
    """How many are shown as worst, median and best of so many."""
    worst = min(MAX_WORST, (count + 2) // 3)
    best = min(MAX_BEST, max(count // 3, int(count > 1)))
    return worst, min(MAX_MEDIAN, count - worst - best), best
