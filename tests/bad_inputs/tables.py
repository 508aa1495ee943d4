"""Tables of nodules laid out otherwise, with impossible values, or that do not fit the scans."""

import shutil

from tests.bad_inputs.case import (
    ACCEPTED,
    COLUMNS,
    NODULE,
    QUARANTINED,
    REFUSED,
    BadInput,
    Case,
    register,
)
from tests.lungct import chest

ALL: list[BadInput] = []


@register(ALL, REFUSED, r"series 1.2.3 once, got .*1.2.3.mhd, .*subset1/1.2.3.mhd")
def same_series_twice(case: Case) -> None:
    shutil.copytree(case.header.parent, case.folder / "subset1")
    for path in (case.folder / "subset1").glob(f"{case.bystander.stem}.*"):
        path.unlink()


@register(ALL, REFUSED, r"series 1.2.3 once, got .*1.2.3.mhd, .*1.2.3.mhd")
def same_folder_twice(case: Case) -> None:
    (case.folder / "subset1").symlink_to(case.header.parent)


@register(ALL, REFUSED, "annotation table .*annotations.csv, got no such file")
def table_missing(case: Case) -> None:
    case.annotations.unlink()


@register(ALL, REFUSED, "table with a header, got 0 characters")
def table_empty(case: Case) -> None:
    case.annotations.write_text("")


@register(ALL, REFUSED, "table with a header, got 3 characters")
def table_of_blank_lines(case: Case) -> None:
    case.annotations.write_text("\n\n\n")


@register(ALL, REFUSED, "readable table, got .*annotations.csv")
def table_in_another_encoding(case: Case) -> None:
    case.annotations.write_bytes(case.annotations.read_text().encode("utf-16"))


@register(ALL, REFUSED, "one column seriesuid, got columns .*annotations.csv")
def table_with_semicolons_and_decimal_commas(case: Case) -> None:
    text = case.annotations.read_text().replace(",", ";")
    header, _, rows = text.partition("\n")
    case.annotations.write_text(f"{header}\n{rows.replace('.', ',')}")


@register(ALL, REFUSED, "one column diameter_mm, got columns")
def table_without_a_column(case: Case) -> None:
    case.annotations.write_text(case.annotations.read_text().replace(",diameter_mm", ""))


@register(ALL, ACCEPTED, like_good=True)
def table_with_byte_order_mark(case: Case) -> None:
    case.annotations.write_bytes(b"\xef\xbb\xbf" + case.annotations.read_bytes())


@register(ALL, ACCEPTED, like_good=True)
def table_with_carriage_returns(case: Case) -> None:
    case.annotations.write_bytes(case.annotations.read_bytes().replace(b"\n", b"\r\n\r\n"))


@register(ALL, ACCEPTED, like_good=True)
def table_with_quoted_fields(case: Case) -> None:
    rows = [line.split(",") for line in case.annotations.read_text().splitlines()]
    lines = [",".join(f'"{field}"' for field in row) for row in rows]
    case.annotations.write_text("\n".join(lines) + "\n")


@register(ALL, ACCEPTED, like_good=True)
def table_with_extra_and_reordered_columns(case: Case) -> None:
    rows = [line.split(",") for line in case.annotations.read_text().splitlines()]
    case.annotations.write_text("".join(",".join([*row[::-1], "note"]) + "\n" for row in rows))


@register(ALL, ACCEPTED, nodules=0)
def table_with_a_header_only(case: Case) -> None:
    case.annotations.write_text(f"{COLUMNS}\n")


def _row(function_name: str, says: str, *values: object) -> None:
    """A bad input that is one more row, the fourth line of the table."""

    def make(case: Case) -> None:
        case.add_row(*values)

    where = r" in line 4 of .*annotations.csv"
    ALL.append(BadInput(function_name, make, REFUSED, says + where))


_row("coordinate_with_decimal_comma", "coordX within .* got '56,2'", '"56,2"', 2, 3, 4)
_row("coordinates_split_by_decimal_commas", "5 fields, got 9", "1,5", "2,5", "3,5", "4,0")
_row("coordinate_text", "coordZ within .* got 'left'", 1, 2, "left", 4)
_row("coordinate_nan", "coordY within .* got 'nan'", 1, "nan", 3, 4)
_row("coordinate_infinite", "coordX within .* got '-inf'", "-inf", 2, 3, 4)
_row("coordinate_empty", "coordY within .* got ''", 1, "", 3, 4)
_row("diameter_text", "diameter_mm .* got '5 mm'", 1, 2, 3, "5 mm")
_row("diameter_infinite", "diameter_mm .* got 'inf'", 1, 2, 3, "inf")
_row("row_cut_short", "5 fields, got 3", 1, 2)
_row("diameter_nan", "diameter_mm above 0 and up to 150 mm, got 'NaN'", 1, 2, 3, "NaN")
_row("diameter_zero", "diameter_mm .* got '0'", 1, 2, 3, 0)
_row("diameter_negative", "diameter_mm .* got '-1'", 1, 2, 3, -1)
_row("diameter_of_300_mm", "diameter_mm .* got '300'", 1, 2, 3, 300)


@register(ALL, ACCEPTED, "annotations of 1 series that is not there, such as 9.9", like_good=True)
def annotation_without_its_scan(case: Case) -> None:
    case.add_row(1, 2, 3, 4, series_uid="9.9")


@register(ALL, ACCEPTED, nodules=0)
def scan_without_annotations(case: Case) -> None:
    rows = case.annotations.read_text().splitlines(keepends=True)
    case.annotations.write_text("".join(r for r in rows if not r.startswith(case.header.stem)))


@register(ALL, ACCEPTED, "line 4 of .* repeats line 2", like_good=True)
def duplicate_rows(case: Case) -> None:
    case.add_row(*NODULE.centre_mm, NODULE.diameter_mm)


@register(ALL, QUARANTINED, r"centre of nodule 2 between .* got \(0.0, 0.0, 900.0\)")
def nodule_outside_the_volume(case: Case) -> None:
    case.add_row(0.0, 0.0, 900.0, 5.0)


@register(ALL, ACCEPTED, nodules=2)
def nodule_partly_outside_the_volume(case: Case) -> None:
    case.add_row(*chest.middle_mm(z=-110), 20.0)


@register(ALL, ACCEPTED, nodules=2)
def nodule_partly_outside_the_lung(case: Case) -> None:
    case.add_row(*chest.middle_mm(x=115), 20.0)


@register(
    ALL, REFUSED, "diameter_mm above 0 and up to 150 mm, got '-2' in line 2 of .*_excluded.cs"
)
def excluded_finding_of_an_impossible_size(case: Case) -> None:
    case.excluded.write_text(f"{COLUMNS}\n{case.header.stem},1,2,3,-2\n")


@register(ALL, ACCEPTED, "excluded findings of 1 series that is not there, such as 9.9")
def excluded_finding_of_no_scan(case: Case) -> None:
    case.excluded.write_text(f"{COLUMNS}\n{case.header.stem},1,2,3,-1\n9.9,1,2,3,-1\n")
