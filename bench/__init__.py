"""Measuring: `make bench` prints one JSON line a scenario. Ratios to the floor of the same run count, not absolute figures."""
