"""Moderate live streams with language models and regional rulebooks."""
