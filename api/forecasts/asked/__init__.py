"""What is asked of a forecast, on the wire."""
