"""Files of other versions are read or refused on purpose."""

import pytest

from schema.versions import check_version


@pytest.mark.parametrize("version", [2, 3])
def test_versions_from_the_oldest_to_the_newest_are_read(version: int) -> None:
    check_version(version, 2, 3, "summary.json")


@pytest.mark.parametrize("version", [1, 4, None, "3"])
def test_others_are_refused(version: object) -> None:
    expected = f"expected a version from 2 to 3, got {version} in a/summary.json"
    with pytest.raises(ValueError, match=expected):
        check_version(version, 2, 3, "a/summary.json")
