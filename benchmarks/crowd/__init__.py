"""Thousands of light stations in one process, and what they are served by in another."""
