"""LastBlessed's driver where components are containers: `python -m` runs it before the cache.

Earlier outputs may stand for new ones only while the same model is the last blessed one.
"""

import json
import sys
from collections.abc import Sequence
from typing import Final

from tfx.types import artifact_utils

from components.container_driver import read_driver_input, write_driver_output
from components.last_blessed import last_blessed

PICKED: Final = "picked"


def main(arguments: Sequence[str]) -> None:
    """Adds what would be picked to the parameters.

    Args:
        arguments: As `read_driver_input` takes them.
    """
    given = read_driver_input(arguments)
    candidate = artifact_utils.get_single_instance(given.inputs["candidate"])
    picked = last_blessed(candidate, given.exec_properties["folder"])
    write_driver_output(given, {PICKED: json.dumps(picked)})


if __name__ == "__main__":
    main(sys.argv[1:])
