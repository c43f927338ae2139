"""The figures, one concept a module, each with its formula and source."""
