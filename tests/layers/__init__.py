"""Verification of ``backprop_helpers.layers`` against oracles that share no code with it."""
