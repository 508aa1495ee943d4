"""Chest CTs with exact truth in LUNA16 layout, drawn at random from a seed."""

from phantom.model import PhantomScan, make_scan
from phantom.writer import PhantomError, make_phantoms

__all__ = ["PhantomError", "PhantomScan", "make_phantoms", "make_scan"]
