"""How the library compares: ``python -m benchmarks`` from the project's root.

Only comparisons are made, side by side in one run, and only ratios and medians are worth quoting: microseconds belong
to the machine they were measured on.
"""
