"""Measurements of speed, memory and accuracy, printed as tables: ``python -m benchmarks.training``."""
