"""Smart charging as a station does it: raw charging profiles, what follows from them, and whether they are valid."""
