"""Planning under uncertainty: what is known of cars to come, and what plans make of it."""
