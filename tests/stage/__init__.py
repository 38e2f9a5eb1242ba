"""Tests of the stage: its modules, and the Python beside them."""
