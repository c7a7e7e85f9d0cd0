"""A response on disk: classified, checked as it arrives, and read as columns of cells."""
