"""ReLU: where the mask comes from."""

ENTRIES = """
relu.no_mask = relu_backward
the gradient is handed on unchanged, also where the output was cut off at 0
? nudge an entry of z that is −2: how far does the output move?
~ dz = da.copy()

relu.mask_from_output = relu_backward
the mask is `>= 0` of the output, which is never negative: nothing is ever masked
? print the mask next to z: is there a single False in it?
seen: slips in print, 12 and 13
- dz = da * (z > 0)
+ a = np.maximum(z, 0)
+ dz = da * (a >= 0)

relu.mask_from_gradient = relu_backward
the mask is taken from da, the gradient that arrives, instead of from z
? which of the two arrays decided, on the way forward, what was let through?
~ dz = da * (da > 0)

relu.multiplied_by_output = relu_backward
the gradient is multiplied by the output of ReLU instead of by its slope, which is 0 or 1
? double z where it is positive: does the slope of ReLU double there?
~ dz = da * np.maximum(z, 0)

relu.upstream_forgotten = relu_backward
this is the slope of ReLU alone: the gradient that arrives is not used
? what should dz be if da is zero everywhere?
~ dz = np.where(z > 0, 1.0, 0.0)
"""
