"""The settings: as declared, as values, and what makes them invalid."""
