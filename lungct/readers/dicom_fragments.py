"""Fragments that hold compressed pixels of DICOM, walked by their lengths without reading them.

An item is a tag, a length of four bytes and a value; an item of its own ends them,
https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_A.4.html.
"""

from __future__ import annotations

from typing import BinaryIO

from lungct.scan import ScanError

_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_HEADER_BYTES = 8


def check_fragments(file: BinaryIO, start: int, file_bytes: int, name: str) -> None:
    """Refuses compressed pixels that are cut off.

    Args:
        file: The file.
        start: Where the first fragment begins.
        file_bytes: Length of the file.
        name: Name of the file for messages.

    Raises:
        ScanError: A fragment reaches beyond the end of the file, is none, or nothing ends them.
    """
    at = start
    while True:
        file.seek(at)
        header = file.read(_HEADER_BYTES)
        tag, length = header[:4], int.from_bytes(header[4:], "little")
        at += _HEADER_BYTES
        if len(header) == _HEADER_BYTES and tag not in (_ITEM, _END):
            raise ScanError(
                f"expected a fragment of coded pixels at byte {at - _HEADER_BYTES}, got tag "
                f"{tag.hex()} in {name}"
            )
        at += length if tag == _ITEM else 0
        if at > file_bytes:
            raise ScanError(
                f"expected at least {at - start} bytes of coded pixels, got {file_bytes - start} "
                f"(file truncated) in {name}"
            )
        if tag == _END:
            return
