"""From files of CT to scans, one module per layout of a data root."""
