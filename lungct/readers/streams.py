"""Compressed voxels, inflated into memory of the promised size and never past it."""

from __future__ import annotations

import zlib
from typing import BinaryIO

# No deflate stream inflates further, https://www.zlib.net/zlib_tech.html.
MAX_INFLATION = 1032

_CHUNK_BYTES = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"


def inflate(file: BinaryIO, buffer: memoryview) -> int:
    """Inflates the rest of a file, a zlib stream or the members of a gzip file, into a buffer.

    Args:
        file: Where the stream begins; it must end with the file.
        buffer: Writable bytes that the stream must fill exactly.

    Returns:
        Bytes written when the file ended with the stream's checksum right there, otherwise -1.

    Raises:
        zlib.error: The stream is damaged.
        OSError: The file can't be read.
    """
    filled = 0
    data = file.read(_CHUNK_BYTES)
    while data:
        # 32: the stream itself tells whether it is zlib's or gzip's.
        stream = zlib.decompressobj(zlib.MAX_WBITS | 32)
        while not stream.eof:
            # One byte more than fits shows a stream that is too long.
            piece = stream.decompress(data, min(_CHUNK_BYTES, len(buffer) - filled + 1))
            if filled + len(piece) > len(buffer) or not data:
                return -1
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
            data = stream.unconsumed_tail or stream.unused_data or file.read(_CHUNK_BYTES)
        # A gzip file may go on with another member (RFC 1952, 2.2); nothing else may follow.
        if data and not data.startswith(_GZIP_MAGIC):
            return -1
    return filled
