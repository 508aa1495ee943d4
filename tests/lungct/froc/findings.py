"""Marks and findings of hand-made scans."""

import numpy as np

from lungct.froc.matching import Marks
from lungct.scan import Nodule


def marks(*rows):
    """Marks from rows of x, y, z and score."""
    values = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return Marks(values[:, :3], values[:, 3])


def finding(x, y, z, diameter_mm, name="1"):
    return Nodule(name, (float(x), float(y), float(z)), float(diameter_mm))
