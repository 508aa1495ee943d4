"""`python -m lungct.froc`: a submission judged by the rules of LUNA16.

Prints counts, sensitivities and their mean; exit status 0, 2 with one line on stderr for a wrong
command line or table.
"""

from __future__ import annotations

import argparse
import sys

from lungct.command_line import Parser, print_warnings, run, usage_error
from lungct.exit_status import EXIT_OK
from lungct.froc.figures import as_json, as_text, judge
from lungct.froc.tables import TablePaths, read_challenge

PROGRAM = "lungct.froc"


def _parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = Parser(f"python -m {PROGRAM}", description=(__doc__ or "").partition("\n")[0])
    tables = {
        "annotations": "nodules: seriesuid,coordX,coordY,coordZ,diameter_mm",
        "excluded": "findings that are neither true nor false; the same columns, diameter -1 too",
        "series": "the series that count, one a line",
        "submission": "marks: seriesuid,coordX,coordY,coordZ,probability",
    }
    for name, text in tables.items():
        parser.add_argument(f"--{name}", metavar="CSV", required=True, help=text)
    parser.add_argument("--patients", metavar="CSV", default="", help="seriesuid,patient_id")
    parser.add_argument(
        "--bootstrap", type=int, default=0, metavar="N",
        help="95%% intervals from N draws of the patients",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="default %(default)s")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Judges one submission.

    Args:
        arguments: The command line; None for that of the process.

    Returns:
        Exit status 0, 2 for usage and tables, 1 when nobody reads the output any more, 130 when
        interrupted.
    """
    given = _parser().parse_args(arguments)
    return run(PROGRAM, lambda: _main(given))


def _main(given: argparse.Namespace) -> int:
    """Exit status, unless printing fails."""
    try:
        if given.bootstrap < 0 or given.seed < 0:
            got = f"{given.bootstrap} and {given.seed}"
            raise ValueError(f"expected --bootstrap and --seed from 0, got {got}")
        names = ("annotations", "excluded", "series", "submission", "patients")
        challenge = read_challenge(TablePaths(**{name: getattr(given, name) for name in names}))
    except (ValueError, OSError) as error:
        return usage_error(PROGRAM, error)
    print_warnings(challenge.warnings)
    found = judge(challenge, given.bootstrap, given.seed)
    print(as_json(found) if given.json else as_text(found))
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
