"""What every wire schema shares."""
