"""The commands of ``livesteward eval``."""
