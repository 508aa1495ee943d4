"""A patient of round figures for the tests; its scale is 1."""

from phantom.anatomy import Patient

PATIENT = Patient(
    apex_mm=68.0,
    half_width_mm=120.0,
    half_depth_mm=88.0,
    right_dome_mm=-70.0,
    left_dome_mm=-80.0,
    fat_mm=10.0,
    wall_mm=30.0,
    heart=1.0,
    rib_pitch_mm=25.0,
    blood_hu=40.0,
    lung_hu=-900.0,
    gravity_hu=50.0,
    emphysema=0.0,
    lean=0.0,
    vessel_mm=0.3,
)
