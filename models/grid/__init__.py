"""The electrical side of a site: circuit nodes, stations, EVSEs, phases and limits."""
