"""From files of CT to scans, one module per layout of a data root.

A new layout is a module with a `READER` and a line here.
"""

from typing import Final

# The module of each layout, in the order in which a root is tried.
LAYOUTS: Final = {
    "luna16": "lungct.readers.luna16",
    "msd": "lungct.readers.msd",
    "dicom": "lungct.readers.dicom",
}
