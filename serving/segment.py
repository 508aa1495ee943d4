"""`python -m serving.segment SCAN [SCAN ...] --out DIR`: the nodules of whole scans.

By the model of `--model`, or by the one that lies beside this file. For each scan a mask on its own
grid, a table of nodules and one line; exit status 0 when every scan was segmented, 4 when one can't
be used, 2 with one line on stderr for a wrong command line, model or endpoint.
"""

import argparse
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lungct.command_line import Parser, print_warnings, run, usage_error
from lungct.exit_status import EXIT_OK, EXIT_REFUSED
from lungct.given_scans import find_given
from lungct.inventory import FoundScan
from lungct.limits import LUNG, REGIONS
from lungct.readers import LAYOUTS
from lungct.record import QUARANTINED, ScanRecord
from lungct.record_lines import as_line, total_line
from lungct.results_folder import folder_apart
from lungct.roots import AUTO
from lungct.scan import ScanError
from lungct.storage import StorageError, exists, list_files
from schema.files import MODEL_FILE
from schema.thresholds import Thresholds
from serving.notice import NOTICE
from serving.slabs import MOST_BYTES

# TensorFlow takes seconds to load, and is needed only where there is something to segment here.
if TYPE_CHECKING:
    from serving.served import ServedModel

PROGRAM = "serving.segment"
PRETRAINED = str(Path(__file__).with_name("pretrained"))
SAVED_MODEL = "saved_model.pb"


def main(arguments: list[str] | None = None) -> int:
    """Segments scans.

    Args:
        arguments: The command line; None for that of the process.

    Returns:
        Exit status 0, 4 when any scan can't be used, 2 for usage and what can't be written, 1
        when nobody reads the output any more, 130 when interrupted.
    """
    given = _parser().parse_args(arguments)
    return run(PROGRAM, lambda: _main(given))


def newest_version(folder: str, file: str = SAVED_MODEL) -> str:
    """The folder of a pushed model.

    Args:
        folder: That of its file, or the one that holds its versions, named by numbers.
        file: A file that each version has.

    Returns:
        The folder itself, or that of the highest number.

    Raises:
        StorageError: There is no model.
    """
    place = folder.rstrip("/") or folder
    if exists(f"{place}/{file}"):
        return place
    listing, _ = list_files(place, "a pushed model")
    versions = [
        int(number)
        for number, _, name in (listing.relative(path).partition("/") for path in listing.files)
        if number.isdecimal() and name == file
    ]
    if not versions:
        raise StorageError(
            f"expected {file}, or numbered versions of a model that hold it, got none in {folder!r}"
        )
    return f"{place}/{max(versions)}"


def _parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = Parser(f"python -m {PROGRAM}", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "scans", nargs="+", metavar="SCAN",
        help="a file (.mhd, .mha, .nii, .nii.gz), the folder of a DICOM series, or a data root",
    )  # fmt: skip
    parser.add_argument(
        "--model", metavar="DIR",
        help="a pushed model, or the folder of its versions; default: the one that comes along",
    )  # fmt: skip
    parser.add_argument(
        "--endpoint", metavar="NAME",
        help="where that model answers: projects/P/locations/R/endpoints/E, or an URL",
    )  # fmt: skip
    parser.add_argument(
        "--max-request-mb", type=_megabytes, default=MOST_BYTES / 1e6, metavar="MB",
        help="the endpoint's limit, default %(default)s; a dedicated one has 10",
    )  # fmt: skip
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for what is found")
    parser.add_argument("--layout", choices=(AUTO, *LAYOUTS), default=AUTO, help="default: look")
    parser.add_argument("--region", choices=REGIONS, default=LUNG, help="default %(default)s")
    parser.add_argument(
        "--threshold", type=_probability, metavar="P",
        help="probability from which a voxel is predicted; default: the model's own",
    )  # fmt: skip
    parser.add_argument(
        "--nodule-threshold", type=_nodule_probability, metavar="P",
        help="probability that some voxel of a nodule must have; default: the model's own",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=("nii.gz", "mhd"), default="nii.gz", help="default %(default)s"
    )
    parser.add_argument("--probabilities", action="store_true", help="write them too")
    parser.add_argument("--json", action="store_true", help="one JSON object per scan")
    return parser


def _probability(text: str) -> float:
    """A probability above 0."""
    return _number(text, lambda value: 0 < value <= 1, "a number above 0 and at most 1")


def _nodule_probability(text: str) -> float:
    """A probability; from 0 on no nodule is left out."""
    return _number(text, lambda value: 0 <= value <= 1, "a number from 0 to 1")


def _megabytes(text: str) -> float:
    """A size in MB."""
    return _number(text, lambda value: 0 < value < float("inf"), "a number of MB above 0")


def _number(text: str, holds: Callable[[float], bool], expected: str) -> float:
    """A number for which something holds."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not holds(value):
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return value


def _main(given: argparse.Namespace) -> int:
    """Exit status, unless writing or printing fails."""
    try:
        if given.endpoint and not given.model:
            raise ValueError("--endpoint: expected --model, the one that is deployed, got none")
        model = given.model or PRETRAINED
        folder = newest_version(model, MODEL_FILE if given.endpoint else SAVED_MODEL)
        inventory = find_given(given.scans, given.layout, given.region)
        folder_apart("--out", given.out, given.scans, inventory.scans)
        if not given.model:
            print(f"{PROGRAM}: the model is {folder}, see {PRETRAINED}/README.md", file=sys.stderr)
        elif folder != given.model.rstrip("/"):
            print(f"{PROGRAM}: the newest version is {folder}", file=sys.stderr)
        print_warnings(inventory.warnings)
        return _run(inventory.scans, folder, given)
    except ValueError as error:
        return usage_error(PROGRAM, error)


def _run(scans: Sequence[FoundScan], folder: str, given: argparse.Namespace) -> int:
    """Segments the scans one by one and prints each as soon as it is known."""
    model = _open_model(folder, given)
    regions = model.facts.data.regions
    if regions and given.region not in regions:
        trained = f"the model was trained on the region {', '.join(regions)}"
        print_warnings([f"{trained}, and looks at {given.region} here"])
    counts: Counter[str] = Counter()
    for found in scans:
        record, line = _segment(found, model, given)
        counts[record.outcome] += 1
        print(line, flush=True)
        print_warnings([f"{record.series_uid}: {warning}" for warning in record.warnings])
    if not given.json:
        print(f"{total_line(counts)}; {NOTICE}")
    return EXIT_REFUSED if counts[QUARANTINED] else EXIT_OK


def _open_model(folder: str, given: argparse.Namespace) -> "ServedModel":
    """The model: of the endpoint where one is given, else of the folder."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings(), _without_chatter():
        # Of Google's libraries, one of which TensorFlow brings, about the version of Python.
        warnings.filterwarnings("ignore", category=FutureWarning)
        if given.endpoint:
            from serving.endpoint import endpoint_of, open_endpoint
            from serving.served import read_facts

            endpoint = endpoint_of(given.endpoint, int(given.max_request_mb * 1e6))
            return open_endpoint(endpoint, read_facts(folder))
        from serving.model import load_model

        return load_model(folder)


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Drops what TensorFlow's C++ writes to standard error while it is loaded.

    TensorFlow 2.21 does so whatever its own setting says. Errors are exceptions and are kept; what
    it says before it ends the process itself is lost.
    """
    try:
        saved = os.dup(2)
    except OSError:  # closed
        yield
        return
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)


def _thresholds(given: argparse.Namespace, own: Thresholds) -> Thresholds:
    """What the command line says, else the model's own."""
    voxel = own.voxel if given.threshold is None else given.threshold
    nodule = own.nodule if given.nodule_threshold is None else given.nodule_threshold
    return Thresholds(voxel, nodule)


def _segment(
    found: FoundScan, model: "ServedModel", given: argparse.Namespace
) -> tuple[ScanRecord, str]:
    """Segments a scan and writes what is found; its record, and its line."""
    from serving.results import Form, refused_json, result_json, result_line, write_results
    from serving.scan import segment_scan

    start = time.perf_counter()
    try:
        result = segment_scan(found, model, _thresholds(given, model.facts.thresholds))
    except ScanError as error:
        seconds = round(time.perf_counter() - start, 3)
        path = found.files.path
        record = ScanRecord(found.series_uid, QUARANTINED, str(error), path=path, seconds=seconds)
        return record, refused_json(record) if given.json else as_line(record)
    files = write_results(Path(given.out), result, Form(given.format, given.probabilities))
    return result.record, result_json(result, files) if given.json else result_line(result)


if __name__ == "__main__":
    sys.exit(main())
