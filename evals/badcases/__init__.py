"""What goes wrong, in groups, with the likely cause."""
