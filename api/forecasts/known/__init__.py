"""What is known ahead of a forecast, beside samples and cars."""
