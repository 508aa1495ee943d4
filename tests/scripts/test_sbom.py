"""The bill of materials lists what the running Python takes from the lock, and nothing else."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/sbom.py"


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sbom = load(SCRIPT)


def component(name: str, version: str, marker: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"bom-ref": f"{name}@{version}", "name": name, "version": version}
    if marker is not None:
        found["properties"] = [{"name": "uv:package:marker", "value": marker}]
    return found


def bom(*components: dict[str, Any], edges: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    root = {"component": {"bom-ref": "noduleflow@0"}}
    return {"metadata": root, "components": list(components), "dependencies": list(edges)}


def test_what_is_for_another_python_is_left_out_with_its_edges() -> None:
    old = component("numpy", "1.26.4", "python_full_version < '3.11'")
    new = component("numpy", "2.4.6", "python_full_version >= '3.11'")
    edges = (
        {"ref": "noduleflow@0", "dependsOn": ["numpy@1.26.4", "numpy@2.4.6", "rich@15"]},
        {"ref": "numpy@1.26.4"},
        {"ref": "rich@15", "dependsOn": ["numpy@2.4.6"]},
    )
    whole = bom(old, new, component("rich", "15"), edges=edges)
    found = sbom.kept(whole, {"python_full_version": "3.13.5"})
    assert [c["bom-ref"] for c in found["components"]] == ["numpy@2.4.6", "rich@15"]
    assert found["dependencies"] == [
        {"ref": "noduleflow@0", "dependsOn": ["numpy@2.4.6", "rich@15"]},
        {"ref": "rich@15", "dependsOn": ["numpy@2.4.6"]},
    ]


def test_what_is_installed_must_be_what_is_locked() -> None:
    locked = bom(component("PyYAML", "6.0.3"), component("rich", "15.0.0"))
    assert sbom.differences(locked, [("pyyaml", "6.0.3"), ("rich", "15.0.0"), ("pip", "25")]) == []
    installed = [("pyyaml", "6.0.2"), ("rich", "15.0.0"), ("pytest", "9")]
    assert sbom.differences(locked, installed) == ["pytest 9", "pyyaml 6.0.2", "pyyaml 6.0.3"]


def test_a_package_of_debian_has_a_purl() -> None:
    found = sbom.debian_component("zlib1g 1:1.3.dfsg+really1.3.1-1+b1 amd64")
    purl = "pkg:deb/debian/zlib1g@1%3A1.3.dfsg+really1.3.1-1+b1?arch=amd64"
    assert (found["name"], found["purl"]) == ("zlib1g", purl)


def test_a_lock_that_is_not_what_is_installed_ends_it(tmp_path: Path) -> None:
    (tmp_path / "lock.json").write_text(json.dumps(bom(component("no-such-package", "1.0"))))
    command = [sys.executable, str(SCRIPT), str(tmp_path / "lock.json"), str(tmp_path / "out.json")]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert "sbom: expected what the lock names, but differs: " in run.stdout
    assert "no-such-package 1.0" in run.stdout
    assert not (tmp_path / "out.json").exists()


def test_it_is_written_where_all_agrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lock.json").write_text(json.dumps(bom(component("rich", "15.0.0"))))
    monkeypatch.setattr(sbom, "differences", lambda bom, installed: [])
    monkeypatch.setattr(
        sbom.subprocess,
        "run",
        lambda *words, **how: subprocess.CompletedProcess(words, 0, "tzdata 2026a all\n"),
    )
    target = tmp_path / "out.json"
    monkeypatch.setattr(sys, "argv", ["sbom.py", str(tmp_path / "lock.json"), str(target)])
    assert sbom.main() == 0
    names = [c["name"] for c in json.loads(target.read_text())["components"]]
    assert names == ["rich", "tzdata"]
