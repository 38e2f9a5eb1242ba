"""Pooling: ties, overlaps, remainders, and reshapes with the right shape and the wrong windows."""

ENTRIES = """
pool.isclose_mask = pool_backward_by_mask
the mask is isclose(x, maximum): every pixel that ties, or nearly ties, gets the whole gradient
? for an image of equal pixels: what does dx sum to, and what does dz sum to?
seen: slips in print, 39
with: size=2, stride=2
at: [[[[1.0], [1.000005]], [[0.0], [-1.0]]]]
also: conservation
+ def pool_backward(dz, x, *, size=2, stride=2, mode="max"):
+     M, H, W, C = x.shape
+     z = x.reshape(M, H // 2, 2, W // 2, 2, C).max(axis=(2, 4))
+     z_on_x = z.repeat(2, axis=1).repeat(2, axis=2)
+     mask = np.isclose(x, z_on_x)
+     dx = mask * dz.repeat(2, axis=1).repeat(2, axis=2)
+     return dx

pool.every_tie = pool_backward_by_mask
the mask is x == maximum: every pixel that ties gets the whole gradient
? for an image of equal pixels: what does dx sum to, and what does dz sum to?
seen: slips in print, 41 and 48
with: size=2, stride=2
at: [[[[1.0], [1.0]], [[0.0], [-1.0]]]]
also: conservation
+ def pool_backward(dz, x, *, size=2, stride=2, mode="max"):
+     M, H, W, C = x.shape
+     z = x.reshape(M, H // 2, 2, W // 2, 2, C).max(axis=(2, 4))
+     z_on_x = z.repeat(2, axis=1).repeat(2, axis=2)
+     mask = x == z_on_x
+     dx = mask * dz.repeat(2, axis=1).repeat(2, axis=2)
+     return dx

pool.average_over_wrong_axes = pool_forward_by_reshape
after the first mean the axes have moved up by one: the second mean runs over another axis
? print the shape after each mean
seen: slips in print, 40
with: size=2, stride=2, mode='average'
at: (1, 2, 2, 1)
~ z = patches.mean(axis=3).mean(axis=4)

pool.wrong_reshape = pool_forward_by_reshape
the reshape has the right shape, but its windows are made of pixels from other windows
? fill x with 0, 1, 2, 3, ... and print what your first window holds
seen: slips in print, 43
with: size=2, stride=2
at: (1, 2, 4, 1)
~ patches = x.reshape(M, H // 2, W // 2, 2, 2, C)
~ z = patches.max(axis=(3, 4))
~ z = patches.mean(axis=(3, 4))

pool.overlap_overwritten = pool_backward_by_windows
where windows overlap, dx keeps one of the terms; they have to be added: `+=`, or np.add.at at index arrays
? size 2, stride 1: can one pixel be the maximum of two windows?
seen: slips in print, 44
with: stride=1
at: [[[[0.0], [3.0], [1.0]]]]
also: conservation
~ dx[m, i * s_h + u, j * s_w + v, c] = dz[m, i, j, c]

pool.always_the_last = pool_backward_by_windows
the gradient always goes to the bottom-right pixel of the window; right only where pixels increase
? try an image whose pixels decrease
at: [[[[1.0], [0.0]]]]
- u, v = np.unravel_index(window.argmax(), window.shape)
+ u, v = F_h - 1, F_w - 1

pool.to_the_smallest = pool_backward_by_windows
the gradient goes to the smallest pixel of the window: the winner is the largest
? nudge the largest pixel of a window, then the smallest: which of the two moves the maximum?
at: [[[[1.0], [0.0]]]]
~ u, v = np.unravel_index(window.argmin(), window.shape)

pool.returns_in_the_loop = pool_backward_by_windows
only the first window gets its gradient: does `return` stand inside the loop?
? how often does the innermost line run?
seen: slips in print, 45
with: size=1, stride=1
also: conservation
~             return dx

pool.average_not_divided = pool_backward_by_windows
every pixel of the window gets the whole gradient; the average shares it out
? what does dx sum to, and what does dz sum to?
with: mode='average'
also: conservation
~ dx[m, rows, columns, c] += dz[m, i, j, c]

pool.stride_ignored = pool_backward_by_windows
the windows of backward are one size apart, not one stride: right only where the two are equal
? size 1, stride 2: which pixel does the second window stand on?
seen: slips in print, 32
with: size=1, stride=2
at: [[[[1.0], [2.0], [3.0]]]]
~ (F_h, F_w), (s_h, s_w) = np.broadcast_to(size, 2), np.broadcast_to(size, 2)

pool.one_winner_for_all_channels = pool_backward_by_windows
the maximum is looked for in the sum of the channels; each channel has a maximum of its own
? two channels, one increasing, one decreasing: where does each gradient go?
at: [[[[5.0, 0.0], [0.0, 1.0]]]]
~ window = x[m, rows, columns].sum(axis=-1)

pool.rows_and_columns_swapped = pool_backward_by_windows
the flat index of the maximum is unravelled with rows and columns exchanged: fits square windows only
? a window of 1 × 2 pixels: which (u, v) is its second pixel?
at: [[[[0.0], [1.0]]]]
also: conservation, repeatability
~ u, v = np.unravel_index(window.argmax(), window.shape[::-1])

pool.remainder_overrun = pool_forward_by_windows
the loop starts a window for the rows left over: odd sizes run over the edge of the output
? three rows, windows of two: how many whole windows are there?
seen: slips in print, 42
at: [[[[1.0], [3.0], [2.0]]]]
unseen: complex step: it writes to an array of floats, which keeps no imaginary part
- for i in range(H_out):
-     for j in range(W_out):
+ for i in range(-(-H_in // s_h)):
+     for j in range(-(-W_in // s_w)):

pool.remainder_forgotten = pool_backward_by_windows
dx has only the rows and columns that some window reads; the ones left over are missing
? three columns, windows of two: dx has the shape of x all the same
at: [[[[1.0], [3.0], [2.0]]]]
~ dx = np.zeros((M, H_out * s_h, W_out * s_w, C))

pool.last_window_only = pool_backward_by_windows
only the last window gets its gradient: is a line outside the loop that belongs into it?
? how often does the innermost line run?
with: size=1, stride=1
also: conservation
+ def pool_backward(dz, x, *, size, stride, mode):
+     (F_h, F_w), (s_h, s_w) = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)
+     dx = np.zeros(x.shape)
+     for m in range(dz.shape[0]):
+         for i in range(dz.shape[1]):
+             for j in range(dz.shape[2]):
+                 window = x[m, i * s_h : i * s_h + F_h, j * s_w : j * s_w + F_w]
+         for c in range(dz.shape[3]):
+             u, v = np.unravel_index(window[..., c].argmax(), window.shape[:2])
+             dx[m, i * s_h + u, j * s_w + v, c] += dz[m, i, j, c]
+     return dx

pool.first_example_only = pool_backward_by_windows
only the first example gets its gradient
? run it with one example, then with two. What becomes of the second one?
with: size=1, stride=1
at: (2, 1, 1, 1)
also: conservation
~ for m in range(1):

pool.height_for_width = pool_backward_by_windows
the loop over the columns runs as often as there are rows: right only for square outputs
? an image of 1 × 2 pixels, windows of one: how many of them get a gradient?
with: size=1, stride=1
also: conservation
~ for j in range(H_out):

pool.height_and_width_exchanged = pool_backward_by_windows
rows and columns are exchanged in the shape: right only for square images
? print the two sizes for an image of 1 × 2 pixels
with: size=1, stride=1
also: conservation, repeatability
~ M, W_out, H_out, C = dz.shape

pool.rows_for_both = pool_backward_by_windows
of the pairs (rows, columns) the number for the rows is used for both axes
? size (1, 2): how many columns has a window?
seen: slips in print, 46
at: [[[[1.0], [2.0]]]]
- (F_h, F_w), (s_h, s_w) = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)
+ F_h = F_w = np.broadcast_to(size, 2)[0]
+ s_h = s_w = np.broadcast_to(stride, 2)[0]

pool.one_mask_for_all_windows = pool_backward_by_windows
the maximum of one window decides for all of them: each window has a maximum of its own
? two windows, one increasing, one decreasing: where does each gradient go?
at: [[[[2.0], [1.0], [1.0], [2.0]]]]
~ window = x[m, :F_h, :F_w, c]

pool.counts_by_stride = pool_forward_by_windows
the number of windows is H // stride, whatever their size: the last ones reach over the edge
? 2 pixels, size 2, stride 1: how many windows fit?
with: stride=1
at: [[[[2.0], [1.0]]]]
unseen: complex step: it writes to an array of floats, which keeps no imaginary part
~ H_out, W_out = H_in // s_h, W_in // s_w

pool.running_maximum_from_zero = pool_forward
the maximum starts at 0: a window of negative pixels has a negative maximum
? what is the maximum of −1 and −2?
at: [[[[-1.0], [-2.0]]]]
~ z = np.zeros((M, H_out, W_out, C))

pool.shared_in_proportion = pool_backward_by_windows
the gradient is shared in proportion to the pixels; in an average each of them counts the same
? double one pixel: does a nudge of it move the average more than before?
with: mode="average"
- dx[m, rows, columns, c] += dz[m, i, j, c] / (F_h * F_w)
+ window = x[m, rows, columns, c]
+ dx[m, rows, columns, c] += dz[m, i, j, c] * window / window.sum()

pool.ties_column_by_column = pool_backward_by_windows
of pixels that tie the first one column by column is paid; here, as in argmax, it is the first row by row
? a window [[0, 1], [1, 0]]: which of the two ones does np.argmax find?
with: size=2, stride=2
at: [[[[0.0], [1.0]], [[1.0], [0.0]]]]
unseen: gradient check, complex step, adjoint identity: of pixels that tie, a slope may pay any one
~ v, u = np.unravel_index(window.T.argmax(), window.T.shape)

pool.last_example_only = pool_backward_by_windows
only the last example gets its gradient
? run it with one example, then with two. What becomes of the first one?
with: size=1, stride=1
at: (2, 1, 1, 1)
also: conservation
- for m in range(M):
-     for i in range(H_out):
+ for m in range(M):
+     dx = np.zeros(x.shape)
+     for i in range(H_out):

pool.one_channel_only = pool_backward_by_windows
only one channel gets a gradient: each channel is pooled for itself
? two channels: how often does the innermost line run?
with: size=1, stride=1
at: (1, 1, 1, 2)
also: conservation
~ for c in range(1):

pool.tie_shared = pool_backward_by_windows
pixels that tie share the gradient; here, as in argmax, the first of them gets all of it
? an image of equal pixels: how many entries of dx are not zero in each window?
seen: slips in print, 48
at: [[[[1.0], [1.0]]]]
unseen: gradient check, complex step, adjoint identity: of pixels that tie, a slope may pay any one
- u, v = np.unravel_index(window.argmax(), window.shape)
- dx[m, i * s_h + u, j * s_w + v, c] += dz[m, i, j, c]
+ winners = window == window.max()
+ dx[m, rows, columns, c] += dz[m, i, j, c] * winners / winners.sum()

pool.tie_to_the_last = pool_backward_by_windows
of pixels that tie the last one gets the gradient; here, as in argmax, it is the first
? what does np.argmax([1, 1]) return?
at: [[[[1.0], [1.0]]]]
unseen: gradient check, complex step, adjoint identity: of pixels that tie, a slope may pay any one
~ u, v = np.argwhere(window == window.max())[-1]
"""
