"""What stations say that they will do, beside what they were told."""
