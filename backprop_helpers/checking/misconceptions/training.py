"""Training: updates and initial values. A gradient check is blind to most of these."""

ENTRIES = """
training.bias_never_updated = sgd_step
the bias's gradient is taken off the weights: the bias never changes, and training ends in NaN
? print b before and after a step
seen: slips in print, 6
- b = b - learning_rate * db
+ w = w - learning_rate * db

training.updates_inside_backward = fc_backward_by_gradient
backward changes the weights itself: it cannot be checked, and no other optimiser can be used
? call backward twice with the same arguments. Are the answers the same?
seen: slips in print, 5
at: (1, 1); (1, 1)
also: repeatability
+ learning_rate = 0.01
+
+ def fc_backward(dz, x, w):
+     dw = x.T @ dz
+     db = dz.sum(axis=0)
+     w -= learning_rate * dw
+     dx = dz @ w.T
+     return dx, dw, db

training.backward_accumulates = fc_backward_by_gradient
what an earlier call added is still there: a second backward gives the sum of both
? call backward twice with the same arguments. Are the answers the same?
seen: slips in print, 9
at: (1, 1); (1, 1)
also: repeatability
unseen: reference, exact integers, PyTorch: the first answer is right; the second shows it
+ kept = {"dw": 0, "db": 0}
+
+ def fc_backward(dz, x, w):
+     dx = dz @ w.T
+     kept["dw"] = kept["dw"] + x.T @ dz
+     kept["db"] = kept["db"] + dz.sum(axis=0)
+     return dx, kept["dw"], kept["db"]

training.initial_weights_too_large = initial_weights
weights of size 1 whatever the number of inputs: the first loss is far above ln 10, softmax saturates
? what is the loss of a network that knows nothing, for ten classes? Print yours before training
seen: slips in print, 11
also: first loss
~ w = rng.normal(size=(inputs, units))

training.bias_starts_at_one = initial_weights
the bias starts at 1 + 0.15, taken for "slightly positive": as large as what the weights contribute
? how large is a typical x @ w compared with your b, before the first step?
seen: slips in print, 10
at: 1; 1; "rng"
~ b = np.full(units, 1 + 0.15)

training.clips_inside_backward = fc_backward_by_gradient
the gradients are clipped, or rescaled, inside backward: it has to be proportional to what arrives
? double the gradient from above: does everything that comes back double?
at: [[1.0, 20.0]]; (2, 1)
~ dw = np.clip(x.T @ dz, -1, 1)

training.bias_shrinks = sgd_step
the bias itself is taken off the bias, and not its gradient
? what should the step of b be if db is zero?
~ b = b - learning_rate * b

training.rate_forgotten_for_bias = sgd_step
the whole gradient is taken off b: the learning rate is used for w alone
? what should happen to b with a learning rate of 0?
~ b = b - db

training.weights_uphill = sgd_step
w goes along its gradient, up the loss, and b against it
? dw > 0 means that a larger w has a larger loss. Which way is down?
~ w = w + learning_rate * dw

training.clips_the_step = sgd_step
the gradients are clipped, or rescaled to a norm, before the step: the step is rate times gradient
? double both gradients: does the step become twice as long?
at: [[1.0]]; [1.0]; [[30.0]]; [40.0]; 0.5
- w = w - learning_rate * dw
- b = b - learning_rate * db
+ scale = min(1, 5 / np.sqrt((dw**2).sum() + (db**2).sum()))
+ w = w - learning_rate * scale * dw
+ b = b - learning_rate * scale * db

training.glorot_for_he = initial_weights
the variance is 2/(inputs + units), Glorot's; the sum in a unit runs over its inputs, and ReLU halves it (He)
? how many terms are added up for one output?
~ w = rng.normal(scale=np.sqrt(2 / (inputs + units)), size=(inputs, units))

training.variance_without_relu = initial_weights
the variance is 1/inputs: right without ReLU, which lets only half of the signal through
? after ten layers with ReLU, how large is a typical output?
~ w = rng.normal(scale=np.sqrt(1 / inputs), size=(inputs, units))

training.rng_not_used = initial_weights
the random numbers are not taken from rng: another generator, or another seed given, makes no difference
? rng.normal, or np.random.normal: which of the two can the caller repeat?
~ w = np.random.default_rng(1).normal(scale=np.sqrt(2 / inputs), size=(inputs, units))
"""
