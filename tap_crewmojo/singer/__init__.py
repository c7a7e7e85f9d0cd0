"""The Singer side: messages, batch files, catalogs, stream maps and state."""
