"""Rivals: other people's schedulers on the same site as ours, and the cases that all of them are given."""
