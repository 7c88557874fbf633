"""The optimum before rounding, on the wire: enough to state it elsewhere and compare."""
