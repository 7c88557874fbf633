"""What is likely to come: load, arrivals and the cars plugged in now, as quantiles and scenario paths."""
