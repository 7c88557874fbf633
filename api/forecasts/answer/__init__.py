"""The answer to a forecast, on the wire."""
