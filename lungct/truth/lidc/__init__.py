"""Reader outlines of LIDC-IDRI as truth: XML, masks, lesions, consensus, coverage."""
