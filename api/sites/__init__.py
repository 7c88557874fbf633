"""Sites on the wire: the tree of circuit nodes, stations, EVSEs and what stations can do."""
