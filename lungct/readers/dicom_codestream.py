"""What compressed frames of DICOM say of themselves, before a decoder sees them.

A decoder allocates what the frame asks for, whatever the header of the file says; that of GDCM ends
the whole process where the two differ.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import JPEG2000TransferSyntaxes, RLELossless

# Start of frame of JPEG (all but three of C0 to CF, which are tables) and of JPEG-LS,
# https://www.w3.org/Graphics/JPEG/itu-t81.pdf, table B.1.
_START_OF_IMAGE = b"\xff\xd8"
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}

# Start of codestream and size of JPEG 2000, ISO/IEC 15444-1, A.4.1 and A.5.1.
_START_OF_CODESTREAM = b"\xff\x4f\xff\x51"
_SIZE_BYTES = 43

# All codings but run lengths end with this. A zero follows where the length would be odd; pydicom
# looks for it in as many bytes, for writers that add more.
_END_OF_IMAGE, _END_BYTES = b"\xff\xd9", 10

# Number of segments and where each begins, DICOM PS3.5, G.5.
_RLE_HEADER_BYTES = 64

# Ends the process where a codestream is damaged.
_UNSAFE_PLUGIN = "gdcm"


@dataclass(frozen=True)
class _Size:
    """Size of one compressed frame."""

    rows: int
    columns: int
    samples: int
    bits: int


def plugin_of(transfer_syntax: str) -> str | None:
    """The plugin of pydicom that decodes a coding and raises on damaged pixels.

    Args:
        transfer_syntax: UID of the coding.

    Returns:
        Its name, empty where none is needed; None where there is none.
    """
    try:
        decoder = get_decoder(transfer_syntax)
    except NotImplementedError:
        return None
    safe = [name for name in decoder.available_plugins if name != _UNSAFE_PLUGIN]
    return "" if not decoder.UID.is_encapsulated else safe[0] if safe else None


def check_codestreams(image: Dataset, frames: int, shape: tuple[int, int]) -> None:
    """Refuses compressed frames that are not what the header of their file says.

    Args:
        image: A file with its pixels, compressed or not.
        frames: How many frames its header promises.
        shape: Rows and columns of each.

    Raises:
        ValueError: A frame is missing, of another size, or no codestream at all.
    """
    uid, bits = image.file_meta.TransferSyntaxUID, int(image.BitsAllocated)
    if not uid.is_encapsulated:
        return
    size_of = _jpeg2000_size if uid in JPEG2000TransferSyntaxes else _jpeg_size
    found = 0
    for data in generate_frames(image.PixelData, number_of_frames=frames):
        found += 1
        if uid == RLELossless:
            # Run lengths have no size of their own; their decoder counts what comes out.
            _check_segments(data, bits // 8)
            continue
        size = size_of(data)
        if (size.rows, size.columns, size.samples) != (*shape, 1) or size.bits > bits:
            raise ValueError(
                f"a compressed frame of {size.rows} x {size.columns} x {size.samples} of "
                f"{size.bits} bits where the header says {shape[0]} x {shape[1]} of {bits}"
            )
        if _END_OF_IMAGE not in data[-_END_BYTES:]:
            raise ValueError(f"a truncated frame, {len(data)} bytes without an end of image")
    if found != frames:
        raise ValueError(f"{found} compressed frames where the header says {frames}")


def _check_segments(data: bytes, segments: int) -> None:
    """Refuses run lengths whose segments, one for each byte of a pixel, don't follow each other."""
    words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, _RLE_HEADER_BYTES, 4)]
    number, starts = words[0], words[1 : segments + 1]
    ends = [*starts[1:], len(data)]
    follow = all(start < end for start, end in zip(starts, ends, strict=True))
    if number != segments or starts[0] != _RLE_HEADER_BYTES or not follow:
        raise ValueError(
            f"{number} segments of run lengths at bytes {starts} of {len(data)} where the header "
            f"says {segments} from byte {_RLE_HEADER_BYTES} on"
        )


def _jpeg_size(data: bytes) -> _Size:
    """Size in the frame header of JPEG, JPEG Lossless or JPEG-LS."""
    at = len(_START_OF_IMAGE)
    while data.startswith(_START_OF_IMAGE) and len(data) >= at + 10 and data[at] == 0xFF:
        if data[at + 1] in _START_OF_FRAME:
            rows, columns = (int.from_bytes(data[at + i : at + i + 2], "big") for i in (5, 7))
            return _Size(rows, columns, data[at + 9], data[at + 4])
        # FF may come more than once before a marker; all other markers here have a length.
        filled = data[at + 1] == 0xFF
        at += 1 if filled else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise ValueError("compressed pixels that are no codestream of JPEG")


def _jpeg2000_size(data: bytes) -> _Size:
    """Size in the main header of JPEG 2000."""
    if not data.startswith(_START_OF_CODESTREAM) or len(data) < _SIZE_BYTES:
        raise ValueError("compressed pixels that are no codestream of JPEG 2000")
    right, bottom, left, top = (int.from_bytes(data[i : i + 4], "big") for i in (8, 12, 16, 20))
    samples = int.from_bytes(data[40:42], "big")
    # The upper bit of the first sample's depth tells whether it has a sign.
    return _Size(bottom - top, right - left, samples, (data[42] & 0x7F) + 1)
