"""Schedules in no version's words, as JSON, and what a station is told of them."""
