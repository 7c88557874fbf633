"""What is wrong with samples, found before a forecaster learns from them: repaired, set aside, and told."""
