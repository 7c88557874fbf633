"""The solver: Pyomo compiled to arrays once, and one HiGHS kept alive."""
