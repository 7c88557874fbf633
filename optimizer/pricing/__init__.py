"""Prices: what a plan says that a kWh should cost."""
