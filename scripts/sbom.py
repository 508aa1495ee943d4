"""Writes the software bill of materials of the image: what is installed, by the lock and dpkg.

Usage, inside the image: python sbom.py LOCK.cdx.json IMAGE.cdx.json

uv exports the lock in CycloneDX, for every version of Python. What is kept is what the running
Python takes, with the hashes of the lock; Debian's packages are added. A lock that is not what is
installed ends it with status 1.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.utils import canonicalize_name

MARKER = "uv:package:marker"
# They are of the environment itself, not of the lock: Beam's start program needs pip.
OF_VENV = {"pip"}


def applies(component: Mapping[str, Any], environment: dict[str, str] | None = None) -> bool:
    """Says whether a component of uv's export is for an environment, by default this Python."""
    markers = [p["value"] for p in component.get("properties", ()) if p["name"] == MARKER]
    return all(Marker(marker).evaluate(environment) for marker in markers)


def kept(bom: dict[str, Any], environment: dict[str, str] | None = None) -> dict[str, Any]:
    """Leaves out the components that are for other versions of Python, and edges to them."""
    components = [c for c in bom["components"] if applies(c, environment)]
    here = {c["bom-ref"] for c in components} | {bom["metadata"]["component"]["bom-ref"]}
    edges = [
        {**edge, "dependsOn": [ref for ref in edge.get("dependsOn", ()) if ref in here]}
        for edge in bom["dependencies"]
        if edge["ref"] in here
    ]
    return {**bom, "components": components, "dependencies": edges}


def differences(bom: dict[str, Any], installed: Iterable[tuple[str, str]]) -> list[str]:
    """Lists, as "name version", what is either installed or in the lock, but not both."""
    locked = {(canonicalize_name(c["name"]), c["version"]) for c in bom["components"]}
    found = {(canonicalize_name(name), version) for name, version in installed}
    apart = {(name, version) for name, version in locked ^ found if name not in OF_VENV}
    return sorted(f"{name} {version}" for name, version in apart)


def debian_component(line: str) -> dict[str, Any]:
    """Makes a component of "package version architecture"."""
    name, version, architecture = line.split()
    purl = f"pkg:deb/debian/{name}@{version.replace(':', '%3A')}?arch={architecture}"
    found = {"type": "library", "name": name, "version": version, "purl": purl}
    return {**found, "bom-ref": f"deb-{name}-{architecture}@{version}"}


def main() -> int:
    """Writes the file and returns the exit status."""
    source, target = map(Path, sys.argv[1:])
    bom = kept(json.loads(source.read_text()))
    wrong = differences(bom, ((d.name, d.version) for d in distributions()))
    if wrong:
        print(f"sbom: expected what the lock names, but differs: {', '.join(wrong)}")
        return 1
    query = ["dpkg-query", "--show", "--showformat=${Package} ${Version} ${Architecture}\\n"]
    listed = subprocess.run(query, check=True, capture_output=True, text=True).stdout.splitlines()
    bom["components"] += [debian_component(line) for line in listed]
    target.write_text(json.dumps(bom, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
