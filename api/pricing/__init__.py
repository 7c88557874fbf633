"""Tariffs and prices on the wire."""
