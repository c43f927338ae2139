"""Judging a set of cases: the runner, the folder of a run, and what is kept for the next one."""
