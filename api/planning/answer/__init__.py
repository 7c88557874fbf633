"""What is answered to a state: the plan on the wire."""
