"""Uncontrolled load on the wire: known, as quantiles, or as the history to forecast from."""
