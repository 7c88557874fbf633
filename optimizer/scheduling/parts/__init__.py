"""The parts of a site's program: each brings variables, laws, costs and numbers of one thing that a site has."""
