"""Hostile stations: frames that nobody should send, and conversations that nobody should lead."""
