"""The main path: a site's state in; plan, prices and charging profiles out."""
