"""Everything that real archives hold, made in code from a small good chest.

`BAD_INPUTS` lists every kind with what must come of it. To try another reader on them:

    for bad in BAD_INPUTS:
        case = good_case(folder / bad.name)
        bad.make(case)      # case.header is damaged now, case.bystander is not
"""

from tests.bad_inputs import (
    anatomy,
    content,
    headers,
    order,
    outlines,
    places,
    tables,
    units,
    voxels,
)
from tests.bad_inputs.case import ACCEPTED, QUARANTINED, REFUSED, REPAIRED, BadInput, good_case

BAD_INPUTS = (
    *(*headers.ALL, *voxels.ALL, *units.ALL),
    *(*content.ALL, *order.ALL, *anatomy.ALL),
    *(*tables.ALL, *outlines.ALL, *places.ALL),
)

__all__ = [
    "ACCEPTED",
    "BAD_INPUTS",
    "QUARANTINED",
    "REFUSED",
    "REPAIRED",
    "BadInput",
    "good_case",
]
