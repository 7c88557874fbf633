"""The stream of what happens at sites and stations."""
