"""What a benchmark says of the machine and of its own process, and how it reads numbers."""

import argparse
import platform
from pathlib import Path


def processor() -> str:
    """Name of the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory_bytes(name: str) -> int:
    """What this process holds or held, by a name of its status such as VmRSS or VmHWM."""
    return 1024 * process_number("status", name)


def process_number(file: str, name: str) -> int:
    """A number of this process in `/proc/self/FILE`; raises OSError where it has none."""
    for line in Path(f"/proc/self/{file}").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise OSError(f"expected {name} in /proc/self/{file}, got none")


def reset_peak_memory() -> None:
    """Lets VmHWM begin again at what is held now."""
    Path("/proc/self/clear_refs").write_text("5")


def whole_number(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)
