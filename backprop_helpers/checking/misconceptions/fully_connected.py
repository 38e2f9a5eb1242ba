"""Fully connected: transposes, sums over the wrong axis, and the 1/M."""

ENTRIES = """
fc.bias_never_moves = fc_backward_by_gradient
db is one number, the sum over the units of one example; behind softmax that sum is 0, so the biases never
  move
? how many biases are there, and how many numbers does db hold?
seen: slips in print, 1
at: (1, 1); (1, 2)
~ db = dz[0].sum(axis=0)

fc.bias_summed_over_units = fc_backward_by_gradient
db is summed over the units instead of over the examples
? which axis of dz has as many entries as there are biases? That one has to stay
at: (2, 1); (1, 2)
~ db = dz.sum(axis=1)

fc.bias_averaged = fc_backward_by_gradient
db is the mean over the examples; the 1/M of the loss is already in dz
? nudge one bias: how many rows of z move, and do their effects on the loss add up or average?
seen: slips in print, 2
~ db = dz.mean(axis=0)

fc.divided_by_m_again = fc_backward_by_gradient
dw and db are divided by M, though the 1/M of the mean loss is already in dz: M times too small
? the 1/M appears once in the loss. How often does it appear on the way back?
- dw = x.T @ dz
- db = dz.sum(axis=0)
+ dw = x.T @ dz / len(x)
+ db = dz.sum(axis=0) / len(x)

fc.dw_transposed = fc_backward_by_gradient
dw is transposed: row and column, input and unit, are exchanged
? dw has the shape of w. With a square w, compare dw[0, 1] with the nudge of w[0, 1]
at: (1, 2); (2, 2)
~ dw = dz.T @ x

fc.dx_without_transpose = fc_backward_by_gradient
dx uses w where its transpose is needed; with a square w the shapes fit all the same
? which weight joins x[0, 1] to z[0, 0]? Is that the one your dx[0, 1] uses?
at: (1, 2); (2, 2)
~ dx = dz @ w

fc.last_example_only = fc_backward_by_example
dw is overwritten by each example (`=`) instead of summed (`+=`): only the last one counts
? run it with one example, then with two. What became of the first one?
~ dw = np.outer(x[m], dz[m])

fc.dw_divided_by_m = fc_backward_by_gradient
dw alone is divided by M, though the 1/M of the mean loss is already in dz: M times too small
? the 1/M appears once in the loss. How often does it appear on the way back?
~ dw = x.T @ dz / len(x)

fc.bias_not_summed = fc_backward_by_gradient
db is dz itself, a row an example: all examples share the bias, so their rows are summed
? how many biases has a unit?
- db = dz.sum(axis=0)
+ db = dz

fc.dw_not_summed = fc_backward_by_gradient
dw has a matrix for each example: all examples share the weights, so their matrices are summed
? how many rows and columns has w, and dw?
- dw = x.T @ dz
+ dw = np.einsum("mn,mk->mnk", x, dz)

fc.bias_one_number = fc_backward_by_gradient
every entry of db is the sum of all of dz: each unit has a bias of its own
? nudge the first bias: which column of z moves?
at: (1, 1); (1, 2)
~ db = np.full(w.shape[1], dz.sum())

fc.bias_squeezed = fc_backward_by_gradient
`squeeze` takes db's own axis away where there is one unit: db has the shape of b, (1,)
? what is the shape of b for a single unit?
at: (1, 1); (1, 1)
~ db = dz.sum(axis=0).squeeze()

fc.bias_from_dw = fc_backward_by_gradient
db holds the sums of dw's columns: the bias is a weight whose input is 1, and not the sum of the inputs
? set x to zero: does a nudge of b still move z?
at: (1, 2); (2, 1)
~ db = dw.sum(axis=0)

fc.dx_after_update = fc_backward_by_gradient
dx is made of the weights after a step; forward used the ones before it
? which w did z come from?
seen: slips in print, 3 and 4
at: (1, 1); (1, 1)
- dx = dz @ w.T
- dw = x.T @ dz
+ dw = x.T @ dz
+ w = w - 0.1 * dw
+ dx = dz @ w.T

fc.weight_decay_inside = fc_backward_by_gradient
a multiple of w is added to dw: weight decay belongs to the step, or to the loss, and not to this layer
? set dz to zero: what should dw be?
at: [[500.0, 0.3]]; (2, 1)
~ dw = x.T @ dz + 1e-4 * w

fc.first_example_only = fc_backward_by_example
only the first example counts: does `return` stand inside the loop?
? run it with one example, then with two. What becomes of the second one?
~     return dx, dw, db

fc.one_unit_only = fc_backward_by_gradient
only one unit has a part in dx: every unit reads the input, so their terms are added (`+=`)
? with two units: what becomes of the other one's gradient?
at: (1, 1); (1, 2)
- dx = dz @ w.T
+ for k in range(w.shape[1]):
+     dx = np.outer(dz[:, k], w[:, k])
"""
