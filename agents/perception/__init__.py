"""From pixels and sound to texts and signals."""
