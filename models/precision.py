"""Number formats that training may use on this machine."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

FLOAT32 = "float32"
BFLOAT16 = "mixed_bfloat16"
FLOAT16 = "mixed_float16"
_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
# Compute capabilities from which NVIDIA's GPUs have units for a format:
# https://docs.nvidia.com/cuda/cuda-c-programming-guide/#compute-capabilities
_BFLOAT16_CAPABILITY, _FLOAT16_CAPABILITY = (8, 0), (7, 0)
_UNKNOWN_CAPABILITY = (0, 0)


def choose_policy(
    wanted: str, cpu_flags: frozenset[str], capabilities: Sequence[tuple[int, int]]
) -> str:
    """Keras dtype policy for training.

    Args:
        wanted: A policy, or "auto".
        cpu_flags: Instruction sets of the CPU, see `read_cpu_flags`.
        capabilities: Compute capability of each GPU, see `gpu_capabilities`.

    Returns:
        `wanted` itself, or for "auto" what all GPUs, or without one the CPU, have units for:
        mixed bfloat16, else on GPUs mixed float16 (of which Keras scales the loss); elsewhere
        either would be emulated, so float32.
    """
    if wanted != "auto":
        return wanted
    if not capabilities:
        return BFLOAT16 if cpu_flags & _BFLOAT16_FLAGS else FLOAT32
    weakest = min(capabilities)
    if weakest >= _BFLOAT16_CAPABILITY:
        return BFLOAT16
    return FLOAT16 if weakest >= _FLOAT16_CAPABILITY else FLOAT32


def list_gpus() -> list[Any]:
    """The GPUs that TensorFlow may use, as its physical devices."""
    gpus: list[Any] = tf.config.list_physical_devices("GPU")
    return gpus


def gpu_capabilities() -> list[tuple[int, int]]:
    """Compute capability of each GPU; (0, 0) where TensorFlow does not know it."""
    details = tf.config.experimental.get_device_details
    return [details(gpu).get("compute_capability", _UNKNOWN_CAPABILITY) for gpu in list_gpus()]


def read_cpu_flags(path: str = "/proc/cpuinfo") -> frozenset[str]:
    """Flags of the first CPU; none where the system has no such file."""
    try:
        with open(path, encoding="utf-8") as lines:
            flags = next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        return frozenset()
    return frozenset(flags.partition(":")[2].split())
