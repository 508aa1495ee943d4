"""What no plausible scan is beyond, in one place for readers, ingest and schema."""

import math

import pytest

from lungct.limits import LUNG, REGIONS, SCAN_LIMITS, VOLUME, Limit, check_facts, widest
from lungct.record import FACTS
from lungct.scan import HU_MAX, HU_MIN, ScanError

CASES = [(limit, region) for limit in SCAN_LIMITS for region in limit.regions]


def names(limit: object) -> str:
    return limit.fact if isinstance(limit, Limit) else str(limit)


@pytest.mark.parametrize(("limit", "region"), CASES, ids=names)
def test_the_bounds_themselves_pass_and_nothing_beyond(limit: Limit, region: str) -> None:
    for value in (limit.low, (limit.low + limit.high) / 2, limit.high):
        check_facts({limit.fact: value}, region)
    for value in (
        math.nextafter(limit.low, -math.inf),
        math.nextafter(limit.high, math.inf),
        math.nan,
    ):
        with pytest.raises(ScanError, match=f"implausible: expected {limit.fact} from .*, got "):
            check_facts({limit.fact: value}, region)


def test_the_message_names_fact_limits_and_value() -> None:
    with pytest.raises(ScanError) as caught:
        check_facts({"lung_volume_ml": 14.96}, LUNG)
    expected = "implausible: expected lung_volume_ml from 15 to 15000 ml, got 14.96"
    assert str(caught.value) == expected


def test_a_crop_needs_neither_air_nor_lungs() -> None:
    facts = {"hu_p01": -20.0, "lung_volume_ml": 0.0}
    check_facts(facts, VOLUME)
    with pytest.raises(ScanError, match="hu_p01 from -1024 to -300 HU, got -20"):
        check_facts({"hu_p01": -20.0}, LUNG)
    with pytest.raises(ScanError, match="lung_volume_ml"):
        check_facts({"lung_volume_ml": 0.0}, LUNG)


def test_what_has_no_limit_and_what_is_not_known_passes() -> None:
    check_facts({"age": 1e9}, LUNG)
    check_facts({}, LUNG)


def test_every_fact_has_one_limit_in_each_region_that_knows_it() -> None:
    assert {limit.fact for limit in SCAN_LIMITS} == set(FACTS)
    for region in REGIONS:
        facts = [limit.fact for limit in SCAN_LIMITS if region in limit.regions]
        assert len(facts) == len(set(facts))
        assert set(FACTS) - set(facts) <= {"lung_volume_ml"}


def test_the_widest_range_is_over_all_regions() -> None:
    assert widest("hu_p01") == (HU_MIN, HU_MAX)
    assert widest("lung_volume_ml") == (15.0, 15_000.0)
    with pytest.raises(KeyError, match="expected a fact with a limit, got 'age'"):
        widest("age")
