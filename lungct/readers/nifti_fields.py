"""The fields of a NIfTI header, taken apart by nibabel."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from lungct.scan import ScanError

# Bytes of a header; the first field says which it is.
NIFTI_1, NIFTI_2 = 348, 540

# What a file says that holds header and voxels, and where.
_MAGIC = {NIFTI_1: (344, b"n+1\0"), NIFTI_2: (4, b"n+2\0\r\n\x1a\n")}


class NiftiFields:
    """Fields of one header with an error that names the file.

    Attributes:
        path: The file.
        order: Byte order, `<` or `>`.
        bytes: Length of the header: NIFTI_1 or NIFTI_2.
        header: nibabel's header, unchecked.
    """

    def __init__(self, path: str, first: bytes) -> None:
        """Takes the first bytes of a file apart.

        Args:
            path: The file, for messages.
            first: Its first NIFTI_2 bytes, inflated, or all that there are.

        Raises:
            ScanError: They are no header of a file that holds header and voxels.
        """
        # nibabel loads scipy, which other layouts do without.
        import nibabel

        self.path = path
        size = first[:4]
        self.order = "<" if int.from_bytes(size, "little") in _MAGIC else ">"
        self.bytes = int.from_bytes(size, "little" if self.order == "<" else "big")
        if self.bytes not in _MAGIC:
            self.refuse(f"a NIfTI header of {NIFTI_1} or {NIFTI_2} bytes", f"{size!r} for it")
        if len(first) < self.bytes:
            self.refuse(f"a header of {self.bytes} bytes", f"{len(first)} bytes")
        place, expected = _MAGIC[self.bytes]
        magic = first[place : place + len(expected)]
        if magic != expected:
            pair = " (voxels in another file)" if magic.startswith(b"ni") else ""
            self.refuse(f"magic {expected!r}", f"{magic!r}{pair}")
        kind: Any = nibabel.Nifti1Header if self.bytes == NIFTI_1 else nibabel.Nifti2Header
        self.header: Any = kind(first[: self.bytes], endianness=self.order, check=False)

    def refuse(self, expected: str, got: object) -> NoReturn:
        """Ends the reading of the file.

        Args:
            expected: What it should say.
            got: What it says.

        Raises:
            ScanError: Always.
        """
        raise ScanError(f"expected {expected}, got {got} in {self.path}")

    def numbers(self, name: str) -> list[Any]:
        """Values of a field as plain Python numbers.

        Args:
            name: The field.

        Returns:
            Its numbers in their order.
        """
        return [value.item() for value in np.ravel(self.header[name])]

    def number(self, name: str) -> Any:
        """First value of a field as plain Python number.

        Args:
            name: The field.

        Returns:
            The number.
        """
        return self.numbers(name)[0]
