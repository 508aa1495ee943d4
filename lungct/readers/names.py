"""Names of the files beside the scans of a data root, and of the columns of its tables."""

from typing import Final

ANNOTATIONS_TABLE: Final = "annotations.csv"
EXCLUDED_TABLE: Final = "annotations_excluded.csv"
PATIENTS_TABLE: Final = "patients.csv"
PHANTOM_NOTE: Final = "PHANTOM.json"

# Folder of label masks beside scans of LUNA16, SERIES.nii.gz of each.
MASKS_FOLDER: Final = "nodule_masks"

# As they are written; tables of others may call series and patients differently.
SERIES_COLUMN: Final = "seriesuid"
PATIENT_COLUMN: Final = "patient_id"
DIAMETER_COLUMN: Final = "diameter_mm"
PROBABILITY_COLUMN: Final = "probability"
COORDINATE_COLUMNS: Final = ("coordX", "coordY", "coordZ")
NODULE_COLUMNS: Final = (*COORDINATE_COLUMNS, DIAMETER_COLUMN)

# What tables have for a diameter that nobody measured.
UNKNOWN_DIAMETER: Final = -1.0
