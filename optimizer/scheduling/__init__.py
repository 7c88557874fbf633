"""The schedule: the laws, the program that states them, and the dispatch to pilots."""
