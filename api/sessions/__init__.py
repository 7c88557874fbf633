"""Charging sessions on the wire."""
