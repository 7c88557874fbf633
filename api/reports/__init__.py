"""Plans for people: tables for the terminal, plots and a self-contained page."""
