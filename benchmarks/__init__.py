"""Figures that anybody can reproduce: one registered file a benchmark."""
