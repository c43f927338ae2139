"""Intervals and paired tests; scipy and statsmodels do the mathematics."""
