"""Drivers: when they come, how long they stay and what they need."""
