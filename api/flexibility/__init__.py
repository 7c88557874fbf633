"""What a site sells beside charging, on the wire."""
