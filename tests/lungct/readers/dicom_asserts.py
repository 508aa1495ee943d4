"""What must come of a series: voxels at their places, or a refusal that names the slice."""

import re

import numpy as np
import pytest

from lungct.readers.dicom import READER
from lungct.scan import ScanError
from tests.lungct.readers.dicom_files import GEOMETRY, SERIES_UID, hu

# The slice that is damaged, where only one is.
ODD = "slice-03.dcm"


def assert_reads(files, volume=None, geometry=GEOMETRY, repairs=()):
    scan = READER.read(files)
    expected = hu(geometry) if volume is None else volume
    assert scan.hu.dtype == np.int16
    np.testing.assert_array_equal(scan.hu, expected)
    assert scan.geometry.shape == geometry.shape
    np.testing.assert_allclose(scan.geometry.origin_mm, geometry.origin_mm, atol=1e-6)
    np.testing.assert_allclose(scan.geometry.spacing_mm, geometry.spacing_mm, atol=1e-6)
    np.testing.assert_allclose(scan.geometry.direction, geometry.direction, atol=1e-6)
    assert scan.repairs == repairs
    assert scan.series_uid == SERIES_UID


def assert_refused(files, cause, *names):
    """The scan is refused in one line with one cause, and the files are named."""
    with pytest.raises(ScanError) as caught:
        READER.read(files)
    text = str(caught.value)
    assert cause in text
    assert "\n" not in text
    named = re.findall(r"slice-\d\d\.dcm", text)
    assert named == list(names or (ODD,))
