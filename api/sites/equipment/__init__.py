"""Charging stations and EVSEs on the wire, and what stations can do."""
