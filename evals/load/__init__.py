"""Measuring a model server with what the judge sends: `livesteward bench model`."""
