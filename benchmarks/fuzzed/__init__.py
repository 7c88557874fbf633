"""Fuzzed sites: states that are valid and unkind, and a judge of what was planned for them."""
