"""The lungs of a scan: found on a coarse grid, drawn on the scan's own."""
