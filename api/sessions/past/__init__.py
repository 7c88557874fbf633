"""Sessions that have ended."""
