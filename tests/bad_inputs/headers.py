"""Headers that are wrong, or that point to what they must not."""

import os

from tests.bad_inputs.case import ACCEPTED, QUARANTINED, BadInput, Case, good_hu, register
from tests.lungct import chest

ALL: list[BadInput] = []


def _field(function_name: str, says: str, **fields: str | None) -> None:
    """A bad input that is one or two fields of a header."""

    def make(case: Case) -> None:
        case.change(**fields)

    ALL.append(BadInput(function_name, make, QUARANTINED, says))


_field("dim_size_zero", "DimSize of 1 to 1073741824 voxels, got '80 60 0'", DimSize="80 60 0")
_field("dim_size_negative", "positive whole numbers in DimSize", DimSize="80 60 -44")
_field("dim_size_overflows", "DimSize of 1 to", DimSize="4294967296 4294967296 4")
_field("dim_size_beyond_memory", "DimSize of 1 to", DimSize="65536 65536 " + "9" * 5000)
_field("dim_size_of_one_long_axis", "DimSize of at most 65536 along", DimSize="1 1 211200")
_field("dim_size_in_another_order", "no image: .* along z", DimSize="80 44 60")
_field("dim_size_with_rows_and_columns_swapped", "no image: .* along y", DimSize="60 80 44")
_field("dim_size_missing", "whole numbers in DimSize, got none", DimSize=None)
_field("two_dimensions", "NDims = 3, got '2'", NDims="2")
_field("four_dimensions", "NDims = 3, got '4'", NDims="4")
_field("several_channels", "ElementNumberOfChannels = 1, got '3'", ElementNumberOfChannels="3")
_field("spacing_missing", "numbers in ElementSpacing, got none", ElementSpacing=None)
_field("spacing_zero", "positive numbers in ElementSpacing, got '4 4 0'", ElementSpacing="4 4 0")
_field("spacing_negative", "positive numbers in ElementSpacing", ElementSpacing="4 -4 5")
_field("spacing_nan", "finite numbers in ElementSpacing", ElementSpacing="4 nan 5")
_field("spacing_infinite", "finite numbers in ElementSpacing", ElementSpacing="4 inf 5")
_field("spacing_decimal_commas", "finite numbers in ElementSpacing", ElementSpacing="0,7 0,7 2,5")
_field("gantry_tilt", "9 orthonormal direction cosines", TransformMatrix="1 0 0 0 0.97 0.2 0 0 1")
_field("sheared_axes", "9 orthonormal direction", TransformMatrix="1 0 0 0.3 0.954 0 0 0 1")
_field("axes_nan", "9 orthonormal direction cosines", TransformMatrix="nan 0 0 0 1 0 0 0 1")
_field("axes_missing", "9 orthonormal direction cosines", TransformMatrix=None)
_field("place_missing", "3 finite numbers in Offset, got none", Offset=None)
_field("place_beyond_numbers", "Offset within ±10000 mm, got '1e300", Offset="1e300 1e300 1e300")
_field("place_beyond_the_room", "Offset within ±10000 mm, got '0 1e17 0'", Offset="0 1e17 0")
_field("voxels_as_text", "BinaryData = true", BinaryData="False")
_field("voxels_at_absolute_path", "a file beside the header", ElementDataFile="/etc/passwd")
_field("voxels_above_the_folder", "a file beside the header", ElementDataFile="../1.2.3.raw")
_field("voxels_in_a_list", "a file beside the header, got 'LIST'", ElementDataFile="LIST")
_field("voxels_in_the_header", "a file beside the header, got 'LOCAL'", ElementDataFile="LOCAL")
_field("voxels_in_many_files", "a file beside the header", ElementDataFile="%03d.raw 1 44 1")
_field("voxels_in_a_named_device", "a file beside the header", ElementDataFile="/dev/zero")
_field("voxels_in_the_folder", "a file beside the header, got '.'", ElementDataFile=".")
_field("voxels_unnamed", "a file beside the header, got none", ElementDataFile=None)
_field("voxels_of_another_scan", "got '1.2.4.raw'", ElementDataFile="1.2.4.raw")


@register(ALL, QUARANTINED, "each name once and ElementDataFile last")
def field_twice(case: Case) -> None:
    case.header.write_text("NDims = 3\n" + case.header.read_text())


@register(ALL, QUARANTINED, "header file of 1 to 1048576 bytes, got 0")
def header_empty(case: Case) -> None:
    case.header.write_bytes(b"")


@register(ALL, QUARANTINED, "header file of 1 to 1048576 bytes, got 1048577")
def header_endless(case: Case) -> None:
    case.header.write_bytes(b"x" * (1048576 + 1))


@register(ALL, QUARANTINED, "expected lines 'name = value'")
def header_binary(case: Case) -> None:
    case.header.write_bytes(bytes(range(256)))


@register(ALL, QUARANTINED, "expected a readable header and voxels, got no regular file")
def header_is_a_folder(case: Case) -> None:
    case.header.unlink()
    case.header.mkdir()


@register(ALL, QUARANTINED, "readable header and voxels, got No such file")
def header_is_a_link_to_nothing(case: Case) -> None:
    case.header.unlink()
    case.header.symlink_to("nothing")


@register(ALL, QUARANTINED, "expected a readable header and voxels, got no regular file")
def header_is_a_device(case: Case) -> None:
    case.header.unlink()
    case.header.symlink_to("/dev/zero")


@register(ALL, QUARANTINED, "expected a readable header and voxels, got no regular file")
def header_is_a_pipe(case: Case) -> None:
    case.header.unlink()
    os.mkfifo(case.header)


@register(ALL, QUARANTINED, "expected a readable header and voxels, got no regular file")
def header_is_a_pipe_of_which_a_sum_is_listed(case: Case) -> None:
    header_is_a_pipe(case)
    name = case.header.relative_to(case.folder)
    (case.folder / "SHA256SUMS").write_text(f"{'0' * 64}  {name}\n")


@register(ALL, QUARANTINED, "to be a regular file")
def voxels_in_a_pipe(case: Case) -> None:
    case.raw.unlink()
    os.mkfifo(case.raw)


@register(ALL, QUARANTINED, "to be a regular file that is there, got '1.2.3.raw'")
def voxels_behind_a_link_to_itself(case: Case) -> None:
    case.raw.unlink()
    case.raw.symlink_to(case.raw.name)


@register(ALL, QUARANTINED, "inside the header's folder, got '/dev/zero'")
def voxels_in_a_device(case: Case) -> None:
    case.raw.unlink()
    case.raw.symlink_to("/dev/zero")


@register(ALL, QUARANTINED, "inside the header's folder, got .*elsewhere")
def voxels_behind_a_link_out_of_the_folder(case: Case) -> None:
    outside = case.folder / "elsewhere.raw"
    case.raw.rename(outside)
    case.raw.symlink_to(outside)


def _along(case: Case, order: tuple[int, int, int], flips: tuple[int, ...]) -> None:
    """Stores the same scan along other axes."""
    case.write(*chest.along_other_axes(good_hu(), chest.GEOMETRY, order, flips))


@register(ALL, ACCEPTED, like_good=True)
def patient_lay_the_other_way(case: Case) -> None:
    _along(case, (0, 1, 2), (1, 2))


@register(ALL, ACCEPTED, like_good=True)
def left_handed_axes(case: Case) -> None:
    _along(case, (0, 1, 2), (0,))


@register(ALL, ACCEPTED, like_good=True)
def permuted_axes(case: Case) -> None:
    _along(case, (2, 0, 1), (0,))
