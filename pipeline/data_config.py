"""The section `data` of the configuration: which scans there are, and what is said of them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator

from lungct.roots import DataRoot, RootValues, source_names
from lungct.storage import is_remote
from phantom.order import SOURCE, Order

# What may be said of each root, or for all of them at once.
SHARED = tuple(field.name for field in fields(RootValues))

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


def absolute(path: str) -> str:
    """A path from the root of this machine or of a bucket; an empty one stays empty.

    Raises:
        ValueError: If it holds a sign that TFX would take for a pattern, and so find no file.
    """
    found = path if not path or is_remote(path) else os.path.abspath(path)
    if set("*?[]") & set(found):
        raise ValueError(f"expected a path without *, ?, [ and ], got {found}")
    return found


Place = Annotated[str, AfterValidator(absolute)]


@dataclass(frozen=True, kw_only=True)
class DataConfig(RootValues):
    """Where the scans are, and how many of them may be lost.

    Attributes:
        roots: Folders, or mappings with the keys of `lungct.roots.DataRoot`. What a root leaves out
            of RootValues it has from here.
        phantom: The data set that stands in where no root is given.
        with_phantom: Whether it is made beside the roots that are given, too.
        checksums: A list of checksums besides those named SHA256SUMS beside the scans, which are
            found by themselves.
        max_quarantined_fraction: Largest share of the scans found that may be unusable.
    """

    roots: tuple[DataRoot, ...] = ()
    phantom: Order = Order()
    with_phantom: bool = False
    checksums: Place = ""
    max_quarantined_fraction: Fraction = 0.2

    @field_validator("roots")
    @classmethod
    def _absolute_paths(cls, roots: tuple[DataRoot, ...]) -> tuple[DataRoot, ...]:
        """The same roots by absolute paths."""
        return tuple(
            replace(r, path=absolute(r.path), outlines=tuple(map(absolute, r.outlines)))
            for r in roots
        )

    @field_validator("outlines")
    @classmethod
    def _absolute_outlines(cls, outlines: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(absolute, outlines))

    @property
    def sources(self) -> tuple[str, ...]:
        """What the scans of each root are called in figures, the phantom's too, each name once."""
        names = list(source_names(self.roots).values())
        phantom = [SOURCE] if self.with_phantom or not self.roots else []
        return tuple(dict.fromkeys([*names, *phantom]))

    def add_phantom(self, folder: str) -> "DataConfig":
        """The same with the phantom, which lies in a folder.

        Beside roots it is what the phantom is; where it stands in for them, it is taken as is said
        for all of them.
        """
        root = DataRoot(path=folder) if self.roots else self.root(folder)
        return replace(self, roots=(*self.roots, replace(root, name=SOURCE)))

    def root(self, path: str) -> DataRoot:
        """A folder of which nothing else is said."""
        return DataRoot(path=path, **{name: getattr(self, name) for name in SHARED})


def complete_roots(data: Any) -> Any:
    """The section `data` as it was read, where every root has what is said for all."""
    if not isinstance(data, dict) or not isinstance(data.get("roots"), (list, tuple)):
        return data
    shared = {name: data[name] for name in SHARED if name in data}
    return {**data, "roots": [_completed(root, shared) for root in data["roots"]]}


def _completed(root: Any, shared: Mapping[str, Any]) -> Any:
    """A root as a mapping with what is said for all roots."""
    if isinstance(root, str):
        return {**shared, "path": root}
    return {**shared, **root} if isinstance(root, dict) else root
