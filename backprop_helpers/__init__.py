"""Derive backpropagation through a convolutional network, layer by layer, in NumPy.

The sub-packages build on each other, and imports only go down:

``layers``
    the formulas: each layer is a pair of pure functions, forward and backward (NumPy only)
``training``
    networks of named layers, optimisers, the training loop, the MNIST digits
``checking``
    gradient checks, the equation ledger, the catalogue of misconceptions, the exercises
``views``
    figures and interactive views

This module imports none of them, so that each can be used without the others' requirements.
"""

__version__ = "0.1.0"
