"""What judges a segment that the screen did not clear: the embedded heads, or a language model."""
