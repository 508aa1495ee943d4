"""What counts as nodule: annotated spheres and reader outlines, rendered on any grid."""
