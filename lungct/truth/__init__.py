"""What counts as nodule: annotated spheres, reader outlines or label masks, on any grid."""
