"""A scan whose files lie in a bucket, on this machine for as long as it is worked on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from lungct.inventory import FoundScan
from lungct.record import ScanRecord
from lungct.scan import ScanError
from lungct.storage import local_copies


@dataclass(frozen=True)
class LocalScan:
    """A scan with its files on this machine.

    Attributes:
        scan: The scan, of whose paths all are of this machine.
        own: The path of each of its files as it was found, by the path here.
    """

    scan: FoundScan
    own: Mapping[str, str]

    def own_path(self, path: str) -> str:
        """The path of a file as it was found; one beside the scan's files has their folder.

        Args:
            path: Its path on this machine.
        """
        if path in self.own:
            return self.own[path]
        folder, _, name = path.rpartition("/")
        first = self.scan.files.files[0]
        if folder != first.rpartition("/")[0]:
            return path
        return f"{self.own[first].rpartition('/')[0]}/{name}"

    def with_own_paths(self, record: ScanRecord) -> ScanRecord:
        """The record without the places of copies, which nobody can look at later.

        Args:
            record: What was found out of the scan here.
        """
        pairs = {here: own for here, own in self.own.items() if here != own}
        if not pairs:
            return record
        first = self.scan.files.files[0]
        pairs[first.rpartition("/")[0]] = self.own[first].rpartition("/")[0]

        def told(text: str) -> str:
            """A text with own paths; files before the folders that they lie in."""
            for here in sorted(pairs, key=len, reverse=True):
                text = text.replace(here, pairs[here])
            return text

        return replace(
            record,
            reason=told(record.reason),
            warnings=tuple(map(told, record.warnings)),
            path=told(record.path),
        )


@contextmanager
def on_this_machine(found: FoundScan) -> Iterator[LocalScan]:
    """Copies a scan's files to this machine where they lie elsewhere.

    Args:
        found: The scan.

    Yields:
        The scan here; the copies are there for as long as the context lasts.

    Raises:
        ScanError: A file that was found is not there.
        OSError: A file can't be copied.
    """
    paths = [*found.files.files, *found.truth.files]
    with ExitStack() as stack:
        try:
            places = stack.enter_context(local_copies(paths))
        except (FileNotFoundError, IsADirectoryError) as error:
            raise ScanError(
                f"expected all files of {found.files.path}, got none at {error}"
            ) from error
        yield LocalScan(_moved(found, places), {here: own for own, here in places.items()})


def _moved(found: FoundScan, places: Mapping[str, str]) -> FoundScan:
    """The same scan with its files at other places."""
    files, truth = found.files, found.truth
    first = files.files[0]
    here = files.path
    if places[first] != first:
        here = places.get(files.path, places[first].rpartition("/")[0])
    moved = replace(
        files,
        path=here,
        files=tuple(places[path] for path in files.files),
        label=places.get(files.label, files.label),
    )
    outlines = tuple(places.get(path, path) for path in truth.outlines)
    label = places.get(truth.label, truth.label)
    return replace(found, files=moved, truth=replace(truth, outlines=outlines, label=label))
