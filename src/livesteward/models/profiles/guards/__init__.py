"""Guard models: how each is asked, and what its reply means. Nothing here knows of streams."""
