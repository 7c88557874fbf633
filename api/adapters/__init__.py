"""Small programs that let another CSMS plan with Gridpilot; README.md says how to install each."""
