"""Where a task's command runs: as a process of this machine, or inside an image."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runner.usage import UsageError

ROOT: Final = Path(__file__).resolve().parents[2]
# The first that is there is taken.
TOOLS: Final = ("buildah", "podman", "docker")
# A process that is told to end has so long to do it, in seconds.
GRACE_S: Final = 5.0
_PYTHONS: Final = ("python", "python3")


@dataclass(frozen=True)
class Machine:
    """How a command is run.

    Attributes:
        prefix: What stands before it.
        python: What stands for `python` at its beginning.
        folder: Where it runs; None for that of the image.
        label: What stands for the machine in fingerprints.
        shared: Whether another user must be able to write to the outputs.
    """

    prefix: tuple[str, ...] = ()
    python: str = "python"
    folder: str | None = None
    label: str = ""
    shared: bool = False
    environment: tuple[tuple[str, str], ...] = field(default=())

    def arguments(self, command: Sequence[str]) -> list[str]:
        """The whole command line."""
        first, *rest = command
        return [*self.prefix, self.python if first in _PYTHONS else first, *rest]

    def run(self, command: Sequence[str], log_path: str) -> int:
        """Runs a command to its end.

        Args:
            command: The command; `python` at its beginning is the machine's.
            log_path: What it prints is appended there.

        Returns:
            Its exit status; 127 where it is not there.
        """
        with open(log_path, "ab") as log:
            try:
                process = subprocess.Popen(
                    self.arguments(command),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self.folder,
                    env={**os.environ, **dict(self.environment)},
                )
            except OSError as error:
                log.write(f"{error}\n".encode())
                return 127
            try:
                return process.wait()
            finally:
                _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ends a process that is still running, as where the run is interrupted."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def this_machine() -> Machine:
    """This Python, from the root of the repository."""
    return Machine(
        python=sys.executable,
        folder=str(ROOT),
        label="this machine",
        environment=(("PYTHONPATH", str(ROOT)),),
    )


@contextmanager
def image_machine(image: str, writable: str, readable: Sequence[str]) -> Iterator[Machine]:
    """A container of an image, by buildah, podman or docker, whichever is there.

    Args:
        image: The image's name.
        writable: Folder that tasks write to; it has the same path inside.
        readable: Folders that they read.

    Yields:
        The machine.

    Raises:
        UsageError: None of them is there, or there is no such image.
    """
    tool = next((tool for tool in TOOLS if shutil.which(tool)), None)
    if tool is None:
        raise UsageError(f"--image: expected one of {', '.join(TOOLS)} on PATH, got none")
    others = (one for one in readable if not f"{one}/".startswith(f"{writable}/"))
    places = [f"{writable}:{writable}", *(f"{one}:{one}:ro" for one in others)]
    volumes = [part for place in places for part in ("--volume", place)]
    if tool != "buildah":
        # The command of a job takes the place of the image's own, as in Kubernetes.
        run = (tool, "run", "--rm", *volumes, "--entrypoint", "env", image)
        yield Machine(run, label=image, shared=True)
        return
    container = _buildah("from", image)
    try:
        run = ("buildah", "run", "--isolation", "chroot", *volumes, container, "--")
        yield Machine(run, label=image, shared=True)
    finally:
        subprocess.run(["buildah", "rm", container], capture_output=True, check=False)


def _buildah(*arguments: str) -> str:
    """What buildah prints."""
    done = subprocess.run(["buildah", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UsageError(f"--image: buildah {' '.join(arguments)}: {last}")
    return done.stdout.strip()
