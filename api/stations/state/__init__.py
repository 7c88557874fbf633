"""What is known of stations, as the API answers it."""
