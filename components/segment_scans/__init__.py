"""SegmentScans: whole scans to rows of exact counts and to masks, one Beam element per scan."""
