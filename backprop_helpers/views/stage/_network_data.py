"""A network's weights on their way to a page: float16, enough to be looked at.

A page builds the network from it (`buildNetwork` of ``modules/network_compute.js``).
"""

from __future__ import annotations

import base64
import json

import numpy as np

from backprop_helpers.training import network_file
from backprop_helpers.training.modules import LAYER_TYPES
from backprop_helpers.training.network import Network

LITTLE_ENDIAN_FLOAT16 = np.dtype("<f2")
LIMIT = 65520  # halfway from float16's largest number, 65504, to the next: from here on it rounds to ∞


def architecture(net: Network) -> dict:
    """Return ``{"input_shape": [28, 28, 1], "layers": [{"name": "conv1", "type": "Conv", …}, …]}``.

    Raises
    ------
    TypeError
        One of the layers is of a kind that only Python knows.
    """
    for layer in net.layers:
        if type(layer) not in LAYER_TYPES.values():
            raise TypeError(
                f"the page does not know {layer.name}, a {type(layer).__name__}: only Python does"
            )
    description = json.loads(str(network_file.encode_architecture(net)))
    layers = [{"name": layer.name, **entry} for layer, entry in zip(net.layers, description["layers"])]
    return {"input_shape": description["input_shape"], "layers": layers}


def network_json(net: Network) -> dict:
    """Return `architecture` with ``"parameters"``: ``net.parameters.vector`` as float16 in base64.

    Raises
    ------
    TypeError
        As `architecture`.
    ValueError
        A parameter is too large for float16 (65,504).
    """
    return {**architecture(net), "parameters": base64.b64encode(as_float16(net)).decode("ascii")}


def as_float16(net: Network) -> bytes:
    """Return ``net.parameters.vector`` as little-endian float16; NaN and infinities stay what they are."""
    for name, values in net.parameters.items():
        too_large = values[np.isfinite(values) & (np.abs(values) >= LIMIT)]
        if too_large.size:
            raise ValueError(
                f"a page holds parameters as float16, up to 65504; {name} has the entry {too_large[0]:g}"
            )
    return net.parameters.vector.astype(LITTLE_ENDIAN_FLOAT16).tobytes()
