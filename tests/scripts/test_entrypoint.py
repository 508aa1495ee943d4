"""What a container of the image starts."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def started(tmp_path: Path, *arguments: str) -> str:
    """What the entry point starts, with a program that prints its arguments as Beam's."""
    boot = tmp_path / "boot"
    boot.write_text('#!/bin/sh\necho boot "$@"\n')
    boot.chmod(0o755)
    script = tmp_path / "entrypoint.sh"
    text = (ROOT / "scripts/entrypoint.sh").read_text()
    assert "/opt/apache/beam/boot" in text
    script.write_text(text.replace("/opt/apache/beam/boot", str(boot)))
    run = subprocess.run(["sh", script, *arguments], capture_output=True, text=True, check=True)
    return run.stdout.strip()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--worker_pool",), "boot --worker_pool --semi_persist_dir=/tmp"),
        (
            ("--id=1", "--semi_persist_dir=/var/opt/google"),
            "boot --id=1 --semi_persist_dir=/var/opt/google --semi_persist_dir=/tmp",
        ),
        (("echo", "--id=1", "two words"), "--id=1 two words"),
    ],
)
def test_options_alone_are_beams_and_the_rest_is_a_command(
    arguments: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    assert started(tmp_path, *arguments) == expected
