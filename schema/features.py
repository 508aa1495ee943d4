"""Names that data, model, evaluation and report share.

One tf.Example is one axial slice of the working grid. It is written twice: with its pixels, in the
file of its scan, and without them, in the index beside it. Pixels travel as `schema.pixels` packs
them; everything else as the lists that tf.Example has.
"""

from typing import Final

from lungct import scan
from lungct.record import FACTS

# Pixels, in the file of the scan alone; bytes, one, packed by `schema.pixels`.
IMAGE_HU: Final = "image_hu"  # int16 (rows, columns), Hounsfield units
NODULE_COVERAGE: Final = "nodule_coverage"  # uint8, 255 = voxel wholly inside a nodule
REGION_MASK: Final = "region_mask"  # uint8, 1 in the region of interest

# Size of the slice; the same for all slices of a scan.
ROWS: Final = "rows"  # int64, one
COLUMNS: Final = "columns"  # int64, one

# What intensity normalisation is learnt from, over the region of interest: how many voxels, and
# the sums of their HU, clipped to the window, above its lower bound, and of the squares of these.
INTENSITY_COUNT: Final = "intensity_count"  # int64, one
INTENSITY_SUM: Final = "intensity_sum"  # int64, one
INTENSITY_SQUARES: Final = "intensity_squares"  # int64, one
HU: Final = "hu"  # float, one: mean of the whole slice; the transform graph takes any other HU too

# Where the slice lies in the file of its scan; in the index alone.
RECORD_OFFSET: Final = "record_offset"  # int64, one: first byte of its record
RECORD_BYTES: Final = "record_bytes"  # int64, one: bytes of its record, frame included

# Where the slice is from.
SERIES_UID: Final = "series_uid"  # bytes, one
PATIENT_ID: Final = "patient_id"  # bytes, one
SOURCE: Final = "source"  # bytes, one: name of the data root
SPLIT: Final = "split"  # bytes, one
SLICE_INDEX: Final = "slice_index"  # int64, one: z on the working grid
SLICE_ORIGIN_MM: Final = "slice_origin_mm"  # float, three: world (x, y, z) of pixel (0, 0)

# The nodules that the slice cuts.
NODULE_IDS: Final = "nodule_ids"  # bytes, any number
NODULE_DIAMETERS_MM: Final = "nodule_diameters_mm"  # float, any number
SIZE_BUCKETS: Final = "size_buckets"  # bytes, at least one of BUCKETS

# A few numbers about the whole scan, the same in each of its slices, for data validation:
# what `lungct.record.FACTS` names. The lungs' volume is left out where the region is the volume.
SCAN_FACTS: Final = FACTS

PIXEL_FEATURES: Final = (IMAGE_HU, NODULE_COVERAGE, REGION_MASK)

# After the transform graph, which takes HU.
IMAGE: Final = "image"  # float32, one: the HU normalised

# From this coverage on a voxel belongs to a nodule.
COVERAGE_THRESHOLD: Final = scan.COVERAGE_THRESHOLD

SPLIT_TRAIN: Final = "train"
SPLIT_EVAL: Final = "eval"
SPLIT_TEST: Final = "test"
SPLITS: Final = (SPLIT_TRAIN, SPLIT_EVAL, SPLIT_TEST)  # in the order of tables

# The index of a split is a split of the same Examples artifact, as TFX's Trainer takes no other.
_INDEX_SUFFIX: Final = "-index"

# Size buckets by diameter in mm.
BUCKET_NONE: Final = "none"
BUCKETS: Final = tuple(name for _, name in scan.SIZE_BUCKETS)

# Signatures of the exported model, and what they take and give.
SIGNATURE_HU: Final = "segment_hu"
INPUT_HU: Final = "hu"  # int16 (slices, rows, columns), Hounsfield units on the model's spacing
OUTPUT_PROBABILITY: Final = "probability"  # float32 (slices, rows, columns)

# The same in compressed bytes, for requests over HTTP; the first axis counts volumes of one shape.
# TF Serving sends outputs of this ending as base64.
SIGNATURE_COMPRESSED: Final = "segment_compressed"
SIGNATURE_SLAB: Final = "segment_slab"
SIGNATURE_DEFAULT: Final = "serving_default"  # another name of SIGNATURE_SLAB
INPUT_HU_PACKED: Final = "hu_packed"  # bytes (N,), each volume a zlib stream
INPUT_SHAPE: Final = "shape"  # int64 (N, 3): slices, rows, columns
INPUT_KEPT: Final = "kept"  # int64 (N, 2): first slice that is asked for, and before which to stop
OUTPUT_PNG: Final = "probability_png_bytes"  # bytes (N, slices), PNG of 8 bits, 255 = 1
OUTPUT_SLAB: Final = "probability_float_bytes"  # bytes (N, kept), PNG of the bytes of float32

# The models of an evaluation, in the names of what is counted for them.
CANDIDATE: Final = "candidate"
BASELINE: Final = "baseline"


def index_split(split: str) -> str:
    """Name of the split that holds the index of a split: its slices without their pixels."""
    return f"{split}{_INDEX_SUFFIX}"


def is_index(split: str) -> bool:
    """Whether a split is the index of another."""
    return split.endswith(_INDEX_SUFFIX)
