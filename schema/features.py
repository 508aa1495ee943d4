"""Names that data, model, evaluation and report share.

One tf.Example is one axial slice of the working grid. Pixels travel as raw bytes in C order,
little endian; everything else as the lists that tf.Example has.
"""

from typing import Final

from lungct import scan
from lungct.record import FACTS

# Pixels. H = W = grid.slice_size, C = 2 * grid.context + 1, the slice itself in the middle.
IMAGE_HU: Final = "image_hu"  # int16 (H, W, C), Hounsfield units
NODULE_COVERAGE: Final = "nodule_coverage"  # uint8 (H, W), 255 = voxel wholly inside a nodule
REGION_MASK: Final = "region_mask"  # uint8 (H, W), 1 in the region of interest

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

# After the transform graph.
IMAGE: Final = "image"  # float32 (H, W, C), normalised
TRUTH: Final = "truth"  # float32 (H, W, 1), coverage 0..1

# From this coverage on a voxel belongs to a nodule.
COVERAGE_THRESHOLD: Final = scan.COVERAGE_THRESHOLD

SPLIT_TRAIN: Final = "train"
SPLIT_EVAL: Final = "eval"
SPLIT_TEST: Final = "test"
SPLITS: Final = (SPLIT_TRAIN, SPLIT_EVAL, SPLIT_TEST)  # in the order of tables

# Size buckets by diameter in mm.
BUCKET_NONE: Final = "none"
BUCKETS: Final = tuple(name for _, name in scan.SIZE_BUCKETS)

# Signatures of the exported model, and what they take and give.
SIGNATURE_EXAMPLES: Final = "serving_default"  # serialized tf.Examples
SIGNATURE_HU: Final = "segment_hu"  # int16 (N, H, W, C) Hounsfield units
INPUT_EXAMPLES: Final = "examples"
INPUT_HU: Final = "hu"
OUTPUT_PROBABILITY: Final = "probability"  # float32 (N, H, W)
