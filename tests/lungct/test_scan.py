import math

import pytest

from lungct.scan import Nodule, ScanError, size_bucket


@pytest.mark.parametrize(
    ("diameter_mm", "bucket"),
    [
        (2.0, "3-6"),
        (3.0, "3-6"),
        (5.99, "3-6"),
        (6.0, "6-8"),
        (8.0, "8-15"),
        (15.0, "15+"),
        (60.0, "15+"),
    ],
)
def test_size_bucket_takes_its_lower_border(diameter_mm, bucket):
    assert size_bucket(diameter_mm) == bucket


def test_nodule():
    nodule = Nodule("1", (1.0, 2.0, 3.0), 6.0)
    assert nodule.bucket == "6-8"
    assert nodule.volume_mm3 == pytest.approx(36 * math.pi)


def test_scan_error_is_a_value_error():
    assert issubclass(ScanError, ValueError)
