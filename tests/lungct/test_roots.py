"""What may be said of a data root."""

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from lungct.readers import LAYOUTS
from lungct.roots import AUTO, MAX_READERS, TRUTHS, DataRoot, source_names


def test_all_but_the_path_has_a_default() -> None:
    root = DataRoot("/data")
    assert (root.layout, root.region, root.truth, root.min_readers) == ("auto", "lung", "", 2)
    assert (root.outlines, root.without_outlines) == ((), "spheres")


@pytest.mark.parametrize(
    ("path", "name", "source"),
    [
        ("/data/luna16", "", "luna16"),
        ("/data/luna16/", "", "luna16"),
        ("gs://bucket/sets/msd", "", "msd"),
        ("/data/luna16", "ours", "ours"),
        ("/", "", "/"),
        ("data", "", "data"),
    ],
)
def test_scans_are_called_by_name_or_folder(path: str, name: str, source: str) -> None:
    assert DataRoot(path, name).source == source


@pytest.mark.parametrize("layout", [AUTO, *LAYOUTS])
@pytest.mark.parametrize("truth", ["", *TRUTHS])
def test_every_choice_is_taken(layout: str, truth: str) -> None:
    assert DataRoot("/data", layout=layout, truth=truth).layout == layout


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"path": ""}, "expected a path, got ''"),
        ({"name": "all"}, "expected a name other than all, got 'all'"),
        ({"layout": "nrrd"}, "expected layout auto, luna16, .*, got 'nrrd'"),
        ({"layout": ""}, "expected layout auto, .*, got ''"),
        ({"region": "chest"}, "expected region lung, volume, got 'chest'"),
        ({"truth": "xml"}, "expected truth spheres, lidc, masks, got 'xml'"),
        ({"without_outlines": "skip"}, "expected without_outlines spheres, refuse, got 'skip'"),
        ({"min_readers": 0}, "expected min_readers from 1 to 12, got 0"),
        ({"min_readers": MAX_READERS + 1}, "expected min_readers from 1 to 12, got 13"),
    ],
)
def test_what_is_none_of_the_choices_is_refused(said: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataRoot(**{"path": "/data", **said})


def test_each_root_has_a_name_that_tells_it_from_the_others() -> None:
    roots = [
        *(DataRoot("/a/crops"), DataRoot("/b/crops/"), DataRoot("/c", name="crops")),
        *(DataRoot("/d/luna16"), DataRoot("/e/all")),
    ]
    assert list(source_names(roots).values()) == [
        *("/a/crops", "/b/crops/", "crops", "luna16", "/e/all"),
    ]


def test_a_root_is_frozen() -> None:
    root = DataRoot("/data")
    with pytest.raises(FrozenInstanceError):
        root.path = "/other"  # type: ignore[misc]
