"""Machines of Google Cloud: which accelerators fit them, and how much memory a process has.

Families and memory: https://cloud.google.com/compute/docs/machine-resource; GPUs:
https://cloud.google.com/compute/docs/gpus. The memory of a series that is not listed is not judged.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

Accelerator = Literal[
    "NVIDIA_TESLA_P4",
    "NVIDIA_TESLA_P100",
    "NVIDIA_TESLA_V100",
    "NVIDIA_TESLA_T4",
    "NVIDIA_L4",
    "NVIDIA_TESLA_A100",
    "NVIDIA_A100_80GB",
    "NVIDIA_H100_80GB",
]
ACCELERATORS: Final[tuple[str, ...]] = get_args(Accelerator)

# The series of machines that an accelerator is attached to or built into.
_SERIES: Final = {
    **dict.fromkeys(ACCELERATORS[:4], "n1"),
    "NVIDIA_L4": "g2",
    "NVIDIA_TESLA_A100": "a2",
    "NVIDIA_A100_80GB": "a2",
    "NVIDIA_H100_80GB": "a3",
}
# What computes in bfloat16: compute capability 8.0 or newer, as `models.precision` asks for.
_BFLOAT16: Final = frozenset(ACCELERATORS[4:])

# GiB a virtual CPU of the kinds standard, highmem and highcpu, by series.
_MEMORY_GIB: Final = {
    "n1": (3.75, 6.5, 0.9),
    **dict.fromkeys(("e2", "n2", "n2d"), (4.0, 8.0, 1.0)),
    **dict.fromkeys(("c2d", "c3", "c3d", "n4"), (4.0, 8.0, 2.0)),
    "g2": (4.0, None, None),
}
_KINDS: Final = ("standard", "highmem", "highcpu")


@dataclass(frozen=True)
class Machine:
    """A machine type, by its name."""

    name: str

    @property
    def series(self) -> str:
        """Such as n2."""
        return self.name.partition("-")[0]

    @property
    def cpus(self) -> int | None:
        """Virtual CPUs; None where the name counts something else."""
        found = re.fullmatch(rf"[a-z][a-z0-9]*-({'|'.join(_KINDS)})-(\d+)", self.name)
        return int(found[2]) if found else None

    @property
    def memory_gib(self) -> float | None:
        """Memory; None where it is not known."""
        if self.cpus is None or self.series not in _MEMORY_GIB:
            return None
        each = _MEMORY_GIB[self.series][_KINDS.index(self.name.split("-")[1])]
        return each and each * self.cpus


def accelerator_fault(machine: str, accelerator: str) -> str:
    """Says whether an accelerator can't be had with a machine; empty where it can."""
    series = _SERIES[accelerator]
    if Machine(machine).series == series:
        return ""
    return f"expected a machine of series {series} for {accelerator}, got {machine}"


def has_bfloat16(accelerator: str) -> bool:
    """Whether an accelerator computes in bfloat16."""
    return accelerator in _BFLOAT16


def memory_fault(machine: str, processes: int | None, needed_gib: float) -> str:
    """Says whether a machine has too little memory.

    Args:
        machine: Its type.
        processes: How many work on it at once; None for one each virtual CPU.
        needed_gib: What each of them needs.

    Returns:
        One line; empty where there is enough, or nothing is known of the machine.
    """
    known = Machine(machine)
    if known.memory_gib is None or known.cpus is None:
        return ""
    each = known.memory_gib / (processes or known.cpus)
    if each >= needed_gib:
        return ""
    got = f"{machine} with {each:g} GiB for each of {processes or known.cpus}"
    return f"expected at least {needed_gib:g} GiB for a process with one scan, got {got}"
