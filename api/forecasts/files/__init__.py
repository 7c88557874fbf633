"""Histories of load in files that users name: read with every fault told."""
