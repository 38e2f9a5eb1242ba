"""Convolution: the rotation, the strides, the borders, the bias."""

ENTRIES = """
conv.no_rotation = conv_backward_by_slices
the kernel is the wrong way round for dx: turned where you scatter, or not turned where you slide over dZ
? which weight joins X[0, 0] to Z[0, 0]? And which one joins the last pixel under the window to it?
at: (1, 1, 2, 1); (1, 2, 1, 1)
~ rotated = w

conv.kernel_transposed = conv_backward_by_slices
rows and columns of the kernel are exchanged in dx: transposed, or turned by 90° instead of 180°
? mark one corner of the kernel. Where does your step put it, and where does it have to go?
seen: slips in print, 29
at: (1, 2, 2, 1); (2, 2, 1, 1)
~ rotated = w.transpose(1, 0, 2, 3)

conv.rows_reversed_only = conv_backward_by_slices
one axis of the kernel is the wrong way round for dx: a turn by 180° reverses its rows and its columns
? a kernel of a single row, then one of a single column: what does your step do to each?
at: (1, 1, 2, 1); (1, 2, 1, 1)
~ rotated = w[::-1]

conv.channels_reversed_too = conv_backward_by_slices
the channels of the kernel are reversed in dx; only rows and columns turn round
? use a 1×1 kernel: nothing is left to rotate. Is dx right then?
at: (1, 1, 1, 2); (1, 1, 2, 1)
~ rotated = w[::-1, ::-1, ::-1]

conv.dw_rotated = conv_backward_by_slices
dw comes out rotated by 180°; only dx needs the rotation
? W[0, 0] meets which pixels on the way forward? The same ones have to make up dW[0, 0]
seen: slips in print, 36
at: (1, 1, 2, 1); (1, 2, 1, 1)
~ dw[F_h - 1 - u, F_w - 1 - v] = np.einsum("mijc,mijk->ck", x_padded[:, u : u + H_out, v : v + W_out], dz)

conv.height_for_width = conv_backward_by_windows
the height is used where the width belongs: right only for square images
? try an image of 1 × 2 pixels
seen: slips in print, 34
~ dx = dx_padded[:, top : top + H_in, left : left + H_in]

conv.square_slices = conv_backward_by_slices
the slices of x for dw take the width from the height: they fit square images only
? print the shape of the slice and of dz, for an image of 2 × 3 pixels
seen: slips in print, 25
at: (1, 2, 3, 1); (1, 1, 1, 1)
also: repeatability
- H_out, W_out = dz.shape[1], dz.shape[2]
+ w_x = x_padded.shape[1]
~ dw[u, v] = np.einsum("mijc,mijk->ck", x_padded[:, u : w_x - (F_h - 1 - u), v : w_x - (F_w - 1 - v)], dz)

conv.crops_half_a_kernel = conv_backward_by_slices
the border is cut off with f//2 : −(f//2): fits odd kernels with "same" padding only, and leaves nothing
  for a 1×1 kernel
? what is a[0:-0]?
seen: slips in print, 26
with: padding='same'
at: (1, 1, 1, 1); (1, 1, 1, 1)
- dx = dx_padded[:, top : x_padded.shape[1] - bottom, left : x_padded.shape[2] - right]
+ half_h, half_w = F_h // 2, F_w // 2
+ dx = dx_padded[:, half_h:-half_h, half_w:-half_w]

conv.unpads_with_minus_pad = conv_backward_by_windows
the padding is cut off with pad : −pad, which leaves nothing where pad is 0
? what is a[0:-0]?
seen: slips in print, 30
with: padding=0
at: (1, 1, 1, 1); (1, 1, 1, 1)
~ dx = dx_padded[:, top:-bottom, left:-right]

conv.stride_ignored = conv_backward_by_windows
backward does not use the stride: right at stride 1 only
? with stride 2, which pixel is the first that Z[0, 1] reads?
seen: slips in print, 31 and 32
with: stride=2
at: (1, 1, 3, 1); (1, 1, 1, 1)
- rows = slice(i * s_h, i * s_h + d_h * (F_h - 1) + 1, d_h)
- columns = slice(j * s_w, j * s_w + d_w * (F_w - 1) + 1, d_w)
+ rows = slice(i, i + d_h * (F_h - 1) + 1, d_h)
+ columns = slice(j, j + d_w * (F_w - 1) + 1, d_w)

conv.dilation_ignored = conv_backward_by_windows
backward does not use the dilation: it reads neighbouring pixels
? with dilation 2, which pixels does Z[0, 0] read?
with: dilation=2
at: (1, 1, 3, 1); (1, 2, 1, 1)
- rows = slice(i * s_h, i * s_h + d_h * (F_h - 1) + 1, d_h)
- columns = slice(j * s_w, j * s_w + d_w * (F_w - 1) + 1, d_w)
+ rows = slice(i * s_h, i * s_h + F_h)
+ columns = slice(j * s_w, j * s_w + F_w)

conv.bias_in_every_term = conv_forward
the bias is added once a kernel element instead of once an output
? set w to zero: what should z be?
seen: slips in print, 21
at: (1, 1, 2, 1); (1, 2, 1, 1)
-         z += x_padded[:, rows][:, :, columns] @ w[u, v]
- z += b
+         z += x_padded[:, rows][:, :, columns] @ w[u, v] + b

conv.bias_in_every_channel = conv_forward
the bias is added once an input channel instead of once an output
? set w to zero: what should z be, for an image with three channels?
at: (1, 1, 1, 2); (1, 1, 2, 1)
- for u in range(F_h):
-     for v in range(F_w):
-         rows = u * d_h + s_h * np.arange(H_out)
-         columns = v * d_w + s_w * np.arange(W_out)
-         z += x_padded[:, rows][:, :, columns] @ w[u, v]
- z += b
+ for c in range(C):
+     for u in range(F_h):
+         for v in range(F_w):
+             rows = u * d_h + s_h * np.arange(H_out)
+             columns = v * d_w + s_w * np.arange(W_out)
+             z += x_padded[:, rows][:, :, columns, c, None] * w[u, v, c]
+     z += b

conv.filter_index_dropped = conv_backward_by_windows
dx uses the first filter for every output channel: W[u, v, c] has lost its index k
? each output channel came from a filter of its own. Which one does dZ[..., 1] go back through?
seen: slips in print, 23
at: (1, 1, 1, 1); (1, 1, 1, 2)
~ dx_padded[:, rows, columns] += np.einsum("uvc,mk->muvc", w[..., 0], dz[:, i, j])

conv.remainder_forgotten = conv_backward_by_windows
dx has only the rows and columns that some window reads; the ones left over are missing
? with stride 2, does the last window reach the last pixel? dx has the shape of x all the same
with: stride=2
- dx_padded = np.zeros(x_padded.shape)
+ rows_read = s_h * (dz.shape[1] - 1) + d_h * (F_h - 1) + 1
+ columns_read = s_w * (dz.shape[2] - 1) + d_w * (F_w - 1) + 1
+ dx_padded = np.zeros((M, rows_read, columns_read, C))

conv.no_dx = conv_backward_by_windows
no gradient for the input is returned: two such layers cannot be stacked
? who needs dx, if there is a layer before this one?
seen: slips in print, 37
at: (1, 1, 1, 1); (1, 1, 1, 1)
~ return None, dw, db

conv.overlap_overwritten = conv_backward_by_windows
where windows overlap, dx keeps one of the terms; they have to be added: `+=`, or np.add.at at index arrays
? how many outputs does the middle pixel of three touch, with a kernel of two?
at: (1, 1, 3, 1); (1, 2, 1, 1)
~ dx_padded[:, rows, columns] = np.einsum("uvck,mk->muvc", w, dz[:, i, j])

conv.last_window_only = conv_backward_by_windows
one window alone counts in dw, the last: a shared weight collects a term from every position (`+=`)
? how many outputs does one weight touch?
~ dw = np.einsum("muvc,mk->uvck", window, dz[:, i, j])

conv.bias_averaged = conv_backward_by_windows
db is a mean over examples and positions; a nudge of the bias moves all of them, so they add up
? nudge the bias by 1: by how much does the sum of all outputs change?
~ db = dz.mean(axis=(0, 1, 2))

conv.bias_over_examples_only = conv_backward_by_windows
db is summed over the examples only; the bias is shared by all positions too
? how many biases has a filter?
~ db = dz.sum(axis=0)

conv.divided_by_m_again = conv_backward_by_windows
dw and db are divided by M, though the 1/M of the mean loss is already in dz: M times too small
? the 1/M appears once in the loss. How often does it appear on the way back?
at: (2, 1, 1, 1); (1, 1, 1, 1)
~ db = dz.sum(axis=(0, 1, 2)) / M
~ return dx, dw / M, db

conv.odd_padding_on_top = conv_backward_by_windows
for an even kernel "same" puts the odd row of zeros at the bottom and the right, not at the top and left
? with a kernel of two and "same" padding: does Z[0, 0] read a zero?
with: padding='same'
at: (1, 1, 2, 1); (1, 2, 1, 1)
~ bottom, top, right, left = resolve_padding(

conv.kernel_flipped_forward = conv_forward
forward turns the kernel (a true convolution) while backward belongs to a cross-correlation
? X = [1, 0], W = [5, 7]: is Z[0, 0] = 5 or 7, in each of the two functions?
at: (1, 1, 2, 1); (1, 2, 1, 1)
~ z += x_padded[:, rows][:, :, columns] @ w[F_h - 1 - u, F_w - 1 - v]

conv.one_filter_only = conv_backward_by_windows
only one filter has a part in dx: every filter read the pixel, so their terms are added
? with two filters: what becomes of the other one's gradient?
at: (1, 1, 1, 1); (1, 1, 1, 2)
~ dx_padded[:, rows, columns] += np.einsum("uvc,m->muvc", w[..., -1], dz[:, i, j, -1])

conv.channels_not_exchanged = conv_backward_by_slices
channels and filters of the kernel are not exchanged for dx: its numbers are read in the order of the other
? on the way back, how many channels come in, and how many go out?
at: (1, 1, 1, 2); (1, 1, 2, 2)
~ rotated = w[::-1, ::-1].reshape(F_h, F_w, K, C).swapaxes(2, 3)

conv.pads_with_height = conv_backward_by_slices
dz is padded by F_h − 1 on both axes: right only for square kernels
? a kernel of 2 × 1: how many columns of zeros does a full correlation need?
at: (1, 2, 1, 1); (2, 1, 1, 1)
~ dz_padded = np.pad(dz, ((0, 0), (F_h - 1, F_h - 1), (F_h - 1, F_h - 1), (0, 0)))

conv.adds_at_index_arrays = conv_backward_by_windows
`+=` at index arrays adds once, also where a pixel stands in them several times; np.add.at adds every time
? a = np.zeros(1); a[[0, 0]] += 1: what is a?
at: (1, 1, 3, 1); (1, 2, 1, 1)
- for i in range(dz.shape[1]):
-     for j in range(dz.shape[2]):
-         rows = slice(i * s_h, i * s_h + d_h * (F_h - 1) + 1, d_h)
-         columns = slice(j * s_w, j * s_w + d_w * (F_w - 1) + 1, d_w)
-         window = x_padded[:, rows, columns]
-         dw += np.einsum("muvc,mk->uvck", window, dz[:, i, j])
-         dx_padded[:, rows, columns] += np.einsum("uvck,mk->muvc", w, dz[:, i, j])
+ i, j, u, v = np.ix_(*map(np.arange, (*dz.shape[1:3], F_h, F_w)))
+ rows, columns = i * s_h + u * d_h, j * s_w + v * d_w
+ dw += np.einsum("mijuvc,mijk->uvck", x_padded[:, rows, columns], dz)
+ dx_padded[:, rows, columns] += np.einsum("uvck,mijk->mijuvc", w, dz)

conv.stride_ignored_on_one_axis = conv_backward_by_windows
the stride is used along one axis only: the windows of the other axis stand one pixel apart
? with stride 2 for the columns alone: which pixel is the first that Z[0, 1] reads?
with: stride=2
at: (1, 1, 3, 1); (1, 1, 1, 1)
- window = x_padded[:, rows, columns]
+ window = x_padded[:, rows, j : j + d_w * (F_w - 1) + 1 : d_w]

conv.rows_for_both = conv_backward_by_windows
of the pairs (rows, columns) the number for the rows is used for both axes
? stride (1, 2): are the windows one column apart, or two?
with: stride=(1, 2)
at: (1, 1, 3, 1); (1, 1, 1, 1)
- (s_h, s_w), (d_h, d_w) = np.broadcast_to(stride, 2), np.broadcast_to(dilation, 2)
+ s_h = s_w = np.broadcast_to(stride, 2)[0]
+ d_h = d_w = np.broadcast_to(dilation, 2)[0]

conv.patches_channel_first = conv_backward_by_windows
the patches count (c, u, v) and the kernel (u, v, c): the products pair each weight with another pixel
? which entry of w is the second one of w.reshape(-1, K)?
at: (1, 1, 2, 2); (1, 2, 2, 1)
- dw += np.einsum("muvc,mk->uvck", window, dz[:, i, j])
- dx_padded[:, rows, columns] += np.einsum("uvck,mk->muvc", w, dz[:, i, j])
+ dw += np.einsum("muvc,mk->cuvk", window, dz[:, i, j]).reshape(w.shape)
+ dx_padded[:, rows, columns] += np.einsum("cuvk,mk->muvc", w.reshape(C, F_h, F_w, K), dz[:, i, j])

conv.first_example_only = conv_backward_by_windows
only the first example counts: every example has a part in dw and db, and a dx of its own
? run it with one example, then with two. What becomes of the second one?
at: (2, 1, 1, 1); (1, 1, 1, 1)
- dw += np.einsum("muvc,mk->uvck", window, dz[:, i, j])
- dx_padded[:, rows, columns] += np.einsum("uvck,mk->muvc", w, dz[:, i, j])
+ dw += np.einsum("uvc,k->uvck", window[0], dz[0, i, j])
+ dx_padded[0, rows, columns] += np.einsum("uvck,k->uvc", w, dz[0, i, j])
~ db = dz[0].sum(axis=(0, 1))

conv.last_example_only = conv_backward_by_windows
only the last example counts in dw: the examples share the weights, so their terms are added (`+=`)
? run it with one example, then with two. What became of the first one?
at: (2, 1, 1, 1); (1, 1, 1, 1)
~ dw += np.einsum("uvc,k->uvck", window[-1], dz[-1, i, j])

conv.returns_in_the_loop = conv_backward_by_windows
only the first window counts: does `return` stand inside the loop?
? how often does the innermost line run?
- db = dz.sum(axis=(0, 1, 2))
- dx = dx_padded[:, top : top + H_in, left : left + W_in]
- return dx, dw, db
+         db = dz.sum(axis=(0, 1, 2))
+         dx = dx_padded[:, top : top + H_in, left : left + W_in]
+         return dx, dw, db

conv.bias_not_summed = conv_backward_by_windows
db has more than one number a filter: examples, rows and columns share the bias, so all three are summed
? how many biases has a filter?
at: (2, 1, 1, 1); (1, 1, 1, 1)
~ db = dz

conv.bias_one_number = conv_backward_by_windows
every entry of db is the sum of all of dz: each filter has a bias of its own
? nudge the first bias: which channel of z moves?
at: (1, 1, 1, 1); (1, 1, 1, 2)
~ db = np.full(K, dz.sum())

conv.dw_transposed = conv_backward_by_windows
the rows and the columns of dw are exchanged: u and v have changed places in the slices of x
? a kernel of 2 × 2: which weight joins X[0, 1] to Z[0, 0]?
at: (1, 2, 2, 1); (2, 2, 1, 1)
~ return dx, dw.swapaxes(0, 1), db

conv.bias_squeezed = conv_backward_by_windows
`squeeze` takes db's own axis away where there is one filter: db has the shape of b, (1,)
? what is the shape of b for a single filter?
at: (1, 1, 1, 1); (1, 1, 1, 1)
~ db = dz.sum(axis=(0, 1, 2)).squeeze()

conv.padding_not_zero = conv_forward
the image is padded with other numbers than zeros
? X = 1 everywhere, padding 1: what does Z[0, 0] read above the image?
with: padding=1
at: (1, 1, 1, 1); (1, 1, 1, 1)
~ x_padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), mode="edge")

conv.bias_axes_kept = conv_backward_by_windows
db has kept axes of length 1; it has the shape of b
? what is the shape of b, and what does keepdims do?
at: (1, 1, 1, 1); (1, 1, 1, 1)
~ db = dz.sum(axis=(0, 1, 2), keepdims=True)

conv.dw_averaged = conv_backward_by_windows
dw is a mean over the positions; a nudge of a weight moves all of them, so they add up
? nudge one weight: how many outputs move, and do their effects add up or average?
~ return dx, dw / (dz.shape[1] * dz.shape[2]), db
"""
