"""The columns of a stream: their types, names and values."""
