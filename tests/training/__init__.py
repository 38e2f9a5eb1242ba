"""Tests of ``backprop_helpers.training``."""
