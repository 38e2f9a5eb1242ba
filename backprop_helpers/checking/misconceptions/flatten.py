"""Flatten: the same numbers in another order."""

ENTRIES = """
flatten.channels_first = flatten_backward
the entries are put back channel by channel; they were laid out pixel by pixel, channels last
? fill x with 0, 1, 2, ..., go forward and back: is x what comes out?
at: (1, 1, 2, 2)
- dx = dy.reshape(x.shape)
+ M, H, W, C = x.shape
+ dx = dy.reshape(M, C, H, W).transpose(0, 2, 3, 1)

flatten.column_by_column = flatten_backward
the entries are put back column by column (order="F"); they were laid out row by row
? fill x with 0, 1, 2, ..., go forward and back: is x what comes out?
at: (1, 2, 2, 1)
~ dx = dy.reshape(x.shape, order="F")
"""
