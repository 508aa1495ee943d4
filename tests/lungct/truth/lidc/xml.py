"""LIDC XML made of squares whose pixels can be counted by hand."""

from collections.abc import Sequence
from pathlib import Path

Point = tuple[int, int]

SERIES = "1.2.3"


def square(x: int, y: int, side: int) -> list[Point]:
    """The outline whose first pixel is (x, y) and that encloses side x side pixels, closed."""
    last = side + 1
    top = [(x + i, y) for i in range(last)]
    right = [(x + last, y + i) for i in range(last)]
    bottom = [(x + last - i, y + last) for i in range(last)]
    left = [(x, y + last - i) for i in range(last + 1)]
    return [*top, *right, *bottom, *left]


def roi(z_mm: object, points: Sequence[tuple[object, object]], inclusion: str = "TRUE") -> str:
    """A region of interest."""
    edges = "".join(
        f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for x, y in points
    )
    return (
        f"<roi><imageZposition>{z_mm} </imageZposition><imageSOP_UID>1.9</imageSOP_UID>"
        f"<inclusion>{inclusion}</inclusion>{edges}</roi>"
    )


def nodule(*rois: str, name: str = "N1") -> str:
    """A nodule of one reader."""
    return f"<unblindedReadNodule><noduleID>{name}</noduleID>{''.join(rois)}</unblindedReadNodule>"


def session(*nodules: str) -> str:
    """A reading session, with a non-nodule that nobody wants."""
    other = "<nonNodule><nonNoduleID>9</nonNoduleID><imageZposition>0</imageZposition></nonNodule>"
    return (
        "<readingSession><servicingRadiologistID>anon</servicingRadiologistID>"
        f"{''.join(nodules)}{other}</readingSession>"
    )


def message(*sessions: str, series_uid: str = SERIES, prolog: str = "") -> bytes:
    """A whole file."""
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>{prolog}<LidcReadMessage '
        'xmlns="http://www.nih.gov"><ResponseHeader>'
        f"<SeriesInstanceUid>{series_uid}</SeriesInstanceUid></ResponseHeader>"
        f"{''.join(sessions)}</LidcReadMessage>"
    )
    return text.encode()


def write(folder: Path, data: bytes, name: str = f"{SERIES}.xml") -> str:
    """Writes a file and gives its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path)
