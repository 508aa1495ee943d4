"""Data roots in the configuration: folders or mappings, with what is said for all of them."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from lungct.roots import DataRoot, RootValues
from pipeline.config import Config
from pipeline.data_config import DataConfig
from pipeline.loading import ConfigError, load_config, valid_keys

REST = """
grid: {spacing_mm: [3, 2, 1]}
training: {crop_size: 32}
gate: {pooled_dice: {at_least: 0.5}}
"""


def load_all(folder: Path, data: dict[str, Any], *overrides: str) -> Config:
    path = folder / "config.yaml"
    path.write_text(REST + yaml.safe_dump({"data": data}))
    return load_config(str(path), overrides)


def load(folder: Path, data: dict[str, Any], *overrides: str) -> DataConfig:
    return load_all(folder, data, *overrides).data


def test_a_root_is_a_folder_or_a_mapping(tmp_path: Path) -> None:
    msd = {"path": "gs://bucket/Task06_Lung", "name": "msd", "region": "volume", "truth": "masks"}
    data = load(tmp_path, {"roots": ["gs://bucket/luna16", msd]})
    assert data.roots == (
        DataRoot("gs://bucket/luna16"),
        DataRoot("gs://bucket/Task06_Lung", "msd", region="volume", truth="masks"),
    )
    assert [root.source for root in data.roots] == ["luna16", "msd"]


def test_what_is_said_for_all_holds_where_a_root_says_nothing(tmp_path: Path) -> None:
    kinds = {"layout": "dicom", "region": "volume", "without_outlines": "refuse"}
    shared = {**kinds, "truth": "lidc", "min_readers": 3, "outlines": ["/xml"]}
    own = {"path": "/b", "truth": "spheres", "min_readers": 1, "outlines": []}
    data = load(tmp_path, {**shared, "roots": ["/a", own]})
    assert data.roots == (
        DataRoot("/a", truth="lidc", min_readers=3, outlines=("/xml",), **kinds),
        DataRoot("/b", truth="spheres", min_readers=1, outlines=(), **kinds),
    )
    assert data.root("/a") == data.roots[0]


def test_the_defaults_for_all_are_those_of_a_root() -> None:
    assert DataConfig().root("/a") == DataRoot("/a")
    for field in fields(RootValues):
        assert f"data.{field.name}" in valid_keys()


def test_overrides_for_all_reach_every_root(tmp_path: Path) -> None:
    roots = ["/a", {"path": "/b", "truth": "spheres"}]
    data = load(tmp_path, {"roots": roots}, "data.truth=lidc", "data.region=volume")
    assert [(root.truth, root.region) for root in data.roots] == [
        ("lidc", "volume"),
        ("spheres", "volume"),
    ]


def test_paths_of_roots_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = load(tmp_path, {"roots": [{"path": "a", "outlines": ["../xml"]}], "outlines": ["x"]})
    (root,) = data.roots
    assert (root.path, root.outlines) == (
        str(tmp_path / "a"),
        (str(tmp_path.parent / "xml"),),
    )
    assert data.outlines == (str(tmp_path / "x"),)


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        ({"path": "/a", "regoin": "lung"}, "unknown key data.roots.0.regoin; nearest valid key: "),
        ({"name": "a"}, "missing key data.roots.0.path"),
        ({"path": "/a", "truth": "xml"}, "data.roots.0: expected truth spheres, lidc, masks, got "),
        ({"path": "/a", "layout": "nrrd"}, "data.roots.0: expected layout auto, luna16, "),
        ({"path": "/a", "region": "chest"}, "data.roots.0: expected region lung, volume, got "),
        ({"path": "/a", "min_readers": 0}, "data.roots.0: expected min_readers from 1 to 12, got "),
        ({"path": "/a", "min_readers": "x"}, "data.roots.0.min_readers: input should be a valid"),
        ({"path": "/a*"}, "expected a path without *, ?, [ and ], got /a*"),
        ({"path": "/a", "outlines": ["/x?"]}, "expected a path without *, ?, [ and ], got /x?"),
        ("", "data.roots.0: expected a path, got ''"),
        (3, "data.roots.0: "),
        (None, "data.roots.0: "),
    ],
)
def test_a_wrong_root_is_one_line(tmp_path: Path, root: object, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {"roots": [root]})
    assert expected in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"roots": "/a"}, "data.roots: input should be a valid array, got '/a'"),
        ({"roots": {"path": "/a"}}, "data.roots: input should be a valid array"),
        ({"sums": "/list"}, "unknown key data.sums; nearest valid key: data."),
        ({"truth": "xml"}, "data: expected truth spheres, lidc, masks, got 'xml'"),
        ({"region": "chest"}, "data: expected region lung, volume, got 'chest'"),
        ({"min_readers": 13}, "data: expected min_readers from 1 to 12, got 13"),
        ({"outlines": ["/x*"]}, "data.outlines: expected a path without *, ?, [ and ], got /x*"),
        ({"checksums": "/x*"}, "data.checksums: expected a path without *, ?, [ and ], got /x*"),
    ],
)
def test_what_is_wrong_for_all_is_one_line(
    tmp_path: Path, data: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, data)
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_what_was_described_is_the_same_configuration(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    roots = [
        "gs://b/a",
        {"path": "gs://b/c", "name": "c", "truth": "lidc", "outlines": ["gs://b/xml"]},
    ]
    path.write_text(REST + yaml.safe_dump({"data": {"roots": roots, "min_readers": 3}}))
    config = load_config(str(path))
    assert Config.model_validate(config.described()) == config


@pytest.mark.parametrize(
    ("roots", "others"),
    [(["/a", "gs://b/c"], {}), (["gs://a/c", "gs://b/c"], {}), (["gs://a/c"], {"checksums": "/s"})],
)
def test_inputs_in_several_places_are_refused(
    roots: list[str], others: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="on one file system or in one bucket, got ") as caught:
        load(tmp_path, {"roots": roots, **others})
    assert "\n" not in str(caught.value)


def test_the_phantom_may_lie_beside_roots(tmp_path: Path) -> None:
    crops = {"region": "volume", "truth": "masks", "roots": ["/crops"], "with_phantom": True}
    data = load(tmp_path, crops)
    assert data.sources == ("crops", "phantom")
    both = data.add_phantom("/out/made")
    # What is said for all roots is not said of the phantom.
    assert both.roots == (
        DataRoot("/crops", region="volume", truth="masks"),
        DataRoot("/out/made", "phantom", region="lung", truth=""),
    )
    assert both.sources == ("crops", "phantom")


def test_the_phantom_alone_is_taken_as_is_said_for_all_roots(tmp_path: Path) -> None:
    data = load(tmp_path, {"min_readers": 3})
    assert data.sources == ("phantom",)
    assert data.add_phantom("/made").roots == (DataRoot("/made", "phantom", min_readers=3),)
    assert load(tmp_path, {"roots": ["/a", "/b/a"]}).sources == ("/a", "/b/a")


def test_a_phantom_stands_in_for_no_crops(tmp_path: Path) -> None:
    load_all(tmp_path, {}).check_data()
    for data in ({"region": "volume"}, {"truth": "masks"}):
        with pytest.raises(ValueError, match="expected data roots, since a phantom is no crop, "):
            load_all(tmp_path, data).check_data()


@pytest.mark.parametrize(
    "overrides",
    [["training.shares={phantom: 0.5}"], ["training.shares.crops=1", "training.shares.phantom=0"]],
)
def test_shares_name_data_roots(tmp_path: Path, overrides: list[str]) -> None:
    config = load_all(tmp_path, {"roots": ["/crops"], "with_phantom": True}, *overrides)
    assert config.learning()["training"]["shares"] == config.training.shares != {}


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ("{nodules: 0.5}", "shares of the data roots crops, phantom, got one of 'nodules'"),
        ("{phantom: 0.5, crops: 0.4}", "shares that are 1 together, got phantom: 0.5, crops: 0.4"),
        ("{phantom: 1}", "training.shares: expected a rest for crops, got phantom: 1"),
        ("{phantom: 2}", "a share of phantom in [0, 1], got 2"),
        ("{phantom: a}", "training.shares.phantom: input should be a valid number"),
    ],
)
def test_wrong_shares_are_one_line(tmp_path: Path, shares: str, expected: str) -> None:
    data = {"roots": ["/crops"], "with_phantom": True}
    with pytest.raises(ConfigError) as caught:
        load_all(tmp_path, data, f"training.shares={shares}")
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_a_phantom_is_made_beside_data_on_this_machine_only(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the phantom is made beside it, got gs://bucket/crops"):
        load(tmp_path, {"roots": ["gs://bucket/crops"], "with_phantom": True})
