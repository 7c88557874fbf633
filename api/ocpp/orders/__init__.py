"""What operators do every day, said the same for every version of OCPP."""
