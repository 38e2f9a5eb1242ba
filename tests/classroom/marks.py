"""Answers to ps1 with a known mistake, and what is said of them."""

ONE_SIDED = """
def central_difference(f, x, dz, eps):
    dx = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        nudged = x.copy()
        nudged[index] += eps
        dx[index] = (dz * (f(nudged) - f(x))).sum() / eps
    return dx
"""
MEAN_ERROR = """
def relative_error(analytic, numeric):
    size = np.maximum(np.abs(analytic), np.abs(numeric))
    return (np.abs(analytic - numeric) / np.where(size == 0, 1, size)).mean()
"""
SCALE_FORGOTTEN = """
def scaled_fc_backward(dz, x, w, gamma):
    return dz @ w.T, x.T @ dz, (dz * (x @ w)).sum(axis=0), dz.sum(axis=0)
"""
SKIP_FORGOTTEN = """
def skip_backward(dy, x, w):
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)
"""
NOT_TRANSPOSED = """
def skip_backward(dy, x, w):
    return dy + dy @ w, x.T @ dy, dy.sum(axis=0)
"""
WRITES = """
def skip_backward(dy, x, w):
    dx = dy + dy @ w.T
    dw, db = x.T @ dy, dy.sum(axis=0)
    x *= 0
    return dx, dw, db
"""
RAISES = """
def skip_backward(dy, x, w):
    return dy @ x, x.T @ dy, dy.sum(axis=0)
"""
COUNTS = """
calls = 0
def skip_backward(dy, x, w):
    global calls
    calls += 1
    return dy + dy @ w.T + calls, x.T @ dy, dy.sum(axis=0)
"""
ONE_EXAMPLE = """
def skip_backward(dy, x, w):
    db = dy.sum(axis=0) if len(dy) > 1 else np.zeros(len(w))
    return dy + dy @ w.T, x.T @ dy, db
"""
ONE_TYPE = """
def skip_backward(dy, x, w):
    if x.dtype != np.float64:
        raise TypeError("float64 only")
    return dy + dy @ w.T, x.T @ dy, dy.sum(axis=0)
"""
ONE_ORDER = """
def skip_backward(dy, x, w):
    rows = np.lib.stride_tricks.as_strided(dy, dy.shape, (dy.itemsize * dy.shape[1], dy.itemsize))
    return rows + rows @ w.T, x.T @ rows, rows.sum(axis=0)
"""
# By student: the task, the code, what the feedback says about it, and the points that are left, by part.
PLANTED = {
    "one": [
        ("central_difference", ONE_SIDED, "the difference is taken to one side only", (0, 0)),
        ("scaled_fc_backward", SCALE_FORGOTTEN, "gamma is missing on the way back", (2, 6)),
    ],
    "two": [
        ("relative_error", MEAN_ERROR, "the errors are averaged", (0, 0)),
        ("skip_backward", SKIP_FORGOTTEN, "the direct way is missing", (2, 6)),
    ],
    "three": [("skip_backward", NOT_TRANSPOSED, "dx uses w where its transpose is needed", (2, 6))],
    "writes": [("skip_backward", WRITES, "x is not what the caller gave", (0, 0))],
    "raises": [("skip_backward", RAISES, "in line 2 of skip_backward: return dy @ x, x.T @ dy", (0, 0))],
    "counts": [
        ("skip_backward", COUNTS, "called again with the same arguments, it gave another answer", (0, 0))
    ],
    "typo": [
        (
            "skip_backward",
            SKIP_FORGOTTEN.replace("skip_", "skipp_"),
            "the notebook has no skip_backward",
            (0, 0),
        )
    ],
    # only the hidden tests see these: a fifth of half of the points of each part that fails
    "one_example": [("skip_backward", ONE_EXAMPLE, "it fails for a single example", (3, 8.7))],
    "one_order": [("skip_backward", ONE_ORDER, "it fails for arrays in another memory order", (3, 8.1))],
    "one_type": [("skip_backward", ONE_TYPE, "it fails for float32 arrays", (3, 8.1))],
}
# right, and with the tests' own way of seeing it
SOLVED = """
def skip_backward(dy, x, w):
    dx = np.einsum("mk,nk->mn", dy, w + np.eye(len(w)))
    return dx, np.einsum("mn,mk->nk", x, dy), np.ones(len(x)) @ dy
"""
