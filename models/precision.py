"""Number formats and devices that training may use on this machine."""

import tensorflow as tf

FLOAT32 = "float32"
BFLOAT16 = "mixed_bfloat16"
_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def choose_policy(wanted: str, cpu_flags: frozenset[str], gpus: int) -> str:
    """Keras dtype policy for training.

    Args:
        wanted: "auto", "float32" or "mixed_bfloat16".
        cpu_flags: Instruction sets of the CPU, see `read_cpu_flags`.
        gpus: Number of GPUs.

    Returns:
        `wanted` itself, or for "auto" mixed bfloat16 where there is a GPU or the CPU has
        instructions for it; elsewhere it would be emulated, so float32.
    """
    if wanted != "auto":
        return wanted
    return BFLOAT16 if gpus or cpu_flags & _BFLOAT16_FLAGS else FLOAT32


def read_cpu_flags(path: str = "/proc/cpuinfo") -> frozenset[str]:
    """Flags of the first CPU; none where the system has no such file."""
    try:
        with open(path, encoding="utf-8") as lines:
            flags = next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        return frozenset()
    return frozenset(flags.partition(":")[2].split())


def choose_strategy() -> tf.distribute.Strategy:
    """All GPUs together where there are several, else TensorFlow's default device."""
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()
