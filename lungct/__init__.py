"""Lung CT with numpy and SimpleITK: reading, geometry, masks, truth, slices and metrics."""
