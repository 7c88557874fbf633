"""Cars that are plugged in, and those to come: how well their sessions and their load are foreseen."""
