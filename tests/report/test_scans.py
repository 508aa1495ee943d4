"""Scans summed up from their records."""

from dataclasses import replace

import pytest

from lungct.record import FindingRecord, ScanRecord
from report.scans import SourceFacts, SpacingRange, sum_up
from tests.components.made_run import MadeNodule, MadeScan

SMALL = MadeNodule("1", (5, 30, 30), 4.2, "3-6")
LARGE = MadeNodule("2", (5, 30, 20), 16.0, "15+")
FINDING = FindingRecord((1.0, 2.0, 3.0), -1.0)


def scans() -> list[ScanRecord]:
    return [
        MadeScan("a", "train", (SMALL, LARGE)).record(excluded=(FINDING, FINDING)),
        MadeScan("b", "train", (SMALL,)).record(
            patient_id="patient of a", spacing_mm=(1.0, 0.5, 0.5), truth="spheres"
        ),
        MadeScan("c", "eval").record(
            outcome="repaired",
            reason="slope",
            source="elsewhere",
            spacing_mm=(3.0, 1.0, 0.5),
            truth="outlines of 2 or more readers",
            warnings=("3 readers instead of 4",),
        ),
        ScanRecord("d", "quarantined", "no lung", excluded=(FINDING,)),
    ]


def test_counts_by_outcome_and_split() -> None:
    data = sum_up(scans(), ["twice"])

    assert (data.found, data.accepted, data.repaired, data.quarantined) == (4, 2, 1, 1)
    assert data.quarantine == (("d", "no lung"),)
    assert data.repairs == (("c", "slope"),)
    assert data.scan_warnings == (("c", "3 readers instead of 4"),)
    assert data.truths == {"outlines of 2 or more readers": 1, "spheres": 1}
    assert data.sources == (
        SourceFacts("elsewhere", "eval", patients=1, scans=1, nodules=0),
        SourceFacts("made up", "train", patients=1, scans=2, nodules=3),
    )
    assert data.source_names == ("elsewhere", "made up")
    assert data.warnings == ("twice",)
    assert data.excluded_findings == 2
    train, evaluated = data.splits
    assert (train.split, train.patients, train.scans, train.slices) == ("train", 1, 2, 24)
    assert train.nodules == {"3-6": 2, "6-8": 0, "8-15": 0, "15+": 1}
    assert (evaluated.split, evaluated.scans, sum(evaluated.nodules.values())) == ("eval", 1, 0)


def test_spacing_is_of_the_scans_used() -> None:
    # z: 2.5, 1, 3; y: 2, 0.5, 1; x: 1, 0.5, 0.5
    assert sum_up(scans(), ()).spacing == (
        SpacingRange("z", 1.0, 2.5, 3.0),
        SpacingRange("y", 0.5, 1.0, 2.0),
        SpacingRange("x", 0.5, 0.5, 1.0),
    )


@pytest.mark.parametrize(
    ("made", "phantoms", "all_phantom", "mixed"),
    [("abc", 3, True, False), ("", 0, False, False), ("ab", 2, False, True)],
)
def test_which_scans_are_phantoms(made: str, phantoms: int, all_phantom: bool, mixed: bool) -> None:
    data = sum_up([replace(scan, phantom=scan.series_uid in made) for scan in scans()], ())

    assert (data.phantoms, data.all_phantom, data.mixed) == (phantoms, all_phantom, mixed)


def test_a_quarantined_phantom_does_not_count() -> None:
    data = sum_up([replace(scan, phantom=scan.series_uid == "d") for scan in scans()], ())

    assert (data.phantoms, data.mixed) == (0, False)


def test_nothing_was_used() -> None:
    data = sum_up([replace(scans()[3], phantom=True)], ())

    assert (data.used, data.splits, data.spacing) == (0, (), ())
    assert not data.all_phantom


def test_who_is_in_which_split() -> None:
    records = [replace(scan, patient_id="p") for scan in scans()[::-1]]

    members = sum_up(records, ()).members

    # By patient, then by series; what is quarantined is in none.
    assert {split: [scan.series_uid for scan in found] for split, found in members.items()} == {
        "train": ["a", "b"],
        "eval": ["c"],
    }
