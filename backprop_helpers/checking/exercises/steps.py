"""The one-line steps of the lessons: what each asks for, and the wrong values that are known.

Every right value is computed, by `layers` or from the numbers of the lesson's worked example (`EXAMPLES`).
A lesson's steps are made when the first of them is asked for: ``asks`` adds a step, and what follows it, up
to the next one, are its mistakes.
"""

from functools import cache

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._line import Mistake, Step
from backprop_helpers.checking.misconceptions import misconceptions

X = np.array([[3, 1, 2], [0, 4, 1], [5, 2, 6]])
W, DZ = np.array([[1, 2], [3, -1]]), np.array([[1, -2], [3, 2]])
X7 = np.array([[3, 1, 2], [7, 4, 1], [5, 2, 6]])  # no 0, and no symmetric dW
TURNED = W[::-1, ::-1]
A, B = np.array([[1, -2, 3], [0, 2, -1]]), np.array([[2, 1, 0, -1], [3, 0, 1, 2], [-1, 4, 2, 1]])
DC = np.array([[1, 0, -2, 3], [2, -1, 1, 0]])
NINE_X, NINE_W = np.array([2, -1, 3]), np.array([[1, 2, -2], [3, 1, 1], [1, 2, 4]])
TOY_X, TOY_DZ = np.array([2, -1, 3, 4]), np.array([5, 1, -2, 7])
ANALYTIC, NUMERIC = np.array([6, 0, -3, 4]), np.array([3, 5, 3, 4])
FC_X, FC_W = np.array([[1, 2, 0], [3, -1, 2], [0, 1, -2], [2, 0, 1]]), np.array([[2, 1], [0, -1], [1, 3]])
FC_B, FC_DZ = np.array([1, -2]), np.array([[1, -1], [2, 3], [-1, 0], [0, 2]])
FOUR = np.array([-2.0, 3.0, -1.0, 0.5])
FIVE = np.array([-2.0, -0.3, 0.0, 0.3, 2.0])
RELU_Z, RELU_DA = np.array([[3, -1, 0], [-2, 4, 5]]), np.array([[2, 5, -3], [7, -1, 4]])
E, LABELS = np.array([[1, 2, 5], [1, 1, 2]]), np.array([2, 0])
LITTLE = np.array([[1, 8, 3, 2], [4, 5, 7, 6], [9, 0, 2, 5], [3, 1, 8, 4]])
W2, BIAS2 = np.array([[3, 1], [-1, 2]]), np.array([21, 0])

# Where a wrong method gives the right answer with a lesson's numbers (a symmetric dW, a corner that is 1),
# the step has numbers of its own, and `asks` says them.
OTHER_DZ = np.array([[-2, 5], [4, 3]])
UNEVEN_L = np.array([[1, 0, 0], [2, 0, 0], [3, 4, 5]])
OTHER_BIAS2 = np.array([4, -1])

#: The arrays of each lesson's worked example, as its cells have them.
EXAMPLES = {
    "00": (FOUR, A, B, DC),
    "01": (TOY_X, TOY_DZ, ANALYTIC, NUMERIC),
    "02": (FC_X, FC_W, FC_B, FC_DZ),
    "03": (FIVE, RELU_Z, RELU_DA),
    "04": (E, LABELS),
    "05": (X7, W),
    "06": (X7, W, DZ),
    "07": (W, DZ),
    "08": (X, W, DZ),
    "09": (X, DZ, LITTLE),
    "10": (X, W, W2, BIAS2),
}
NO_BIAS = "no_bias: this is Z without the bias. What is Z where X is 0?"

# --- how steps are declared


class Steps(list):
    """The steps of a lesson, in its order; a mistake belongs to the step before it."""

    def __init__(self, lesson):
        super().__init__()
        self.lesson = lesson

    def asks(self, name, asks, value, given=None):
        """Add a step; `given` are the arrays the answer is made of, if not the lesson's `EXAMPLES`."""
        given = EXAMPLES[self.lesson] if given is None else given
        self.append(Step(f"{self.lesson}.{name}", asks, value, [], given))

    def own(self, said, value):
        """Add a mistake of this step alone: ``"name: what to say. And a question?"``, and what it gives."""
        name, _, text = said.partition(": ")
        self[-1].mistakes.append(Mistake(f"{self[-1].number[3:]}.{name}", value, text))

    def itself(self, times, name):
        """Add the mistake of giving dX, where a multiple such as 4 dX is asked for."""
        said = f"itself: this is {name} itself; asked for is {times} {name}"
        self.own(said, self[-1].value / times)

    def one_each(self, said, values, *arrays):
        """Add a mistake for each value, but for those that need no method: see `plain_numbers`."""
        for value in sorted({int(value) for value in values} - plain_numbers(*arrays)):
            self.own(said, value)

    def known(self, name, part, *arrays, times=1, **options):
        """Add a mistake of the catalogue: of what its function returns the part with that index, or all."""

        def value():
            answer = misconceptions[name].wrong(*arrays, **options)
            return times * flat(answer if part is None else answer[part])

        self[-1].mistakes.append(Mistake(name, value))

    def conv_bugs(self, part, *names, dz=DZ, x=X, **geometry):
        """Add mistakes of the catalogue about conv_backward: dx (part 0), dw (1) or db (2)."""
        geometry = {"stride": 1, "padding": 0, "dilation": 1} | geometry
        for name in names:
            self.known(f"conv.{name}", part, image(dz), image(x), W[:, :, None, None], **geometry)


def plain_numbers(*arrays):
    """Return what any slip with the arrays may give: 0, the entries, their sums, and how many there are."""
    numbers = {0}
    for array in arrays:
        numbers |= {*array.ravel().tolist(), array.sum().item(), array.size, *array.shape}
        numbers |= {total for axis in range(array.ndim) for total in np.ravel(array.sum(axis=axis)).tolist()}
    return numbers


def shown(array):
    """Return an array as `asks` shows it: ``[[−2, 5], [4, 3]]``."""
    return str(array.tolist()).replace("-", "−")


def image(matrix):
    """Return a matrix as one image (1, H, W, 1)."""
    return np.asarray(matrix)[None, :, :, None]


def flat(array):
    """Return one image (1, H, W, 1) or one kernel (F_h, F_w, 1, 1) as a matrix; others as they are."""
    return np.squeeze(array, (0, 3) if len(array) == 1 else (2, 3)) if np.ndim(array) == 4 else array


def conv(x=X, w=W, b=1, **geometry):
    """Return Z of one image and one kernel, as a matrix."""
    return flat(layers.conv_forward(image(x), w[:, :, None, None], np.array([b]), **geometry)[0])


def conv_back(dz=DZ, x=X, w=W, **geometry):
    """Return dx, dw and db of one image and one kernel, as two matrices and a number."""
    _, cache = layers.conv_forward(image(x), w[:, :, None, None], np.array([1]), **geometry)
    dx, dw, db = layers.conv_backward(image(dz), cache)
    return flat(dx), flat(dw), db[0]


def touched(x_shape, w_shape, z_shape, **geometry):
    """Return for each pixel how many outputs read it: dx, where dz and w are all ones."""
    return conv_back(np.ones(z_shape), np.zeros(x_shape), np.ones(w_shape), **geometry)[0]


def touched_by_weight(x_shape, w_shape, **geometry):
    """Return for each weight how many products with a pixel its gradient has: dw, where x and dz are ones."""
    x, w = np.ones(x_shape), np.ones(w_shape)
    return conv_back(np.ones(conv(x, w, **geometry).shape), x, w, **geometry)[1]


def whole(array):
    """Return the whole numbers that came out of exponentials, without their rounding errors."""
    assert np.allclose(array, np.rint(array), rtol=0, atol=1e-9)
    return np.rint(array)


# --- the lessons


def lesson_00(steps):
    """Nudges."""

    def chain(w=3, x=2, b=-1, y=1, closed=True):  # J = ½(ReLU(wx + b) − y)² + w²
        e = max(w * x + b, 0) - y
        dz = e if w * x + b > 0 or not closed else 0
        return dz * x + 2 * w, dz * w, dz, -e

    _, dx, db, dy = chain()
    numbers = (np.array([3, 2, -1, 1]),)
    moved = layers.relu_backward(np.ones(4), layers.relu_forward(FOUR)[1])
    steps.asks("nudge", "by how many nudges each of the four outputs moves", moved)
    steps.own("story: here all of them move. What does ReLU make of a negative z?", np.ones(4))
    steps.asks("dx", "dx, for w = 3, x = 2, b = −1, y = 1", dx, numbers)
    steps.own("own_factor: this is dp times x. By what does a nudge of x move p = wx?", db * 2)
    steps.own("no_upstream: this is the slope of p = wx alone. What arrives at p from above?", 3)
    steps.asks("dy", "dy, for w = 3, x = 2, b = −1, y = 1", dy, numbers)
    steps.own("sign: this is the gradient at e. When y rises, does e = a − y rise?", -dy)
    steps.asks("closed", "(dw, dx, db, dy) with b = −7", chain(b=-7), ())
    steps.own("open: here ReLU lets the gradient through. What is z now?", chain(b=-7, closed=False))
    steps.own("first_round: these are the gradients of the first round. What is b now?", chain())
    steps.own("one_path: w is closed off here too. Which path of it does not pass ReLU?", (0, 0, 0, 1))
    back = np.array([1, -2, 3])
    d_input = NINE_W[0] @ back
    asks = "what comes back to input 0 when [1, −2, 3] comes back from the outputs"
    steps.asks("d_input", asks, d_input, (NINE_X, NINE_W, back))
    said = "times_input: here the input is a factor too. By what does a nudge of it move a product?"
    steps.own(said, NINE_X[0] * d_input)
    da, db_matrix, _ = layers.fc_backward(DC, layers.fc_forward(A, B, np.zeros(4))[1])
    steps.asks("dA", "dA for C = AB, from dC and B", da)
    steps.asks("dB", "dB for C = AB, from A and dC", db_matrix)


def lesson_01(steps):
    """Gradient checks."""
    difference, scale = abs(ANALYTIC - NUMERIC), np.maximum(abs(ANALYTIC), abs(NUMERIC))
    asks = "the forward difference, the central one and the complex step of x³, for x = 3 with ε = 2"
    steps.asks("three", asks, [49, 31, 23], (np.array([3, 2]),))
    steps.own("truth: this is the derivative. Which error does each of the three add?", [27, 27, 27])
    said = "undivided: this is how far x³ moves. By how far was x nudged, from end to end?"
    steps.own(said, [98, 124, 46])
    said = "one_step: the way from one end to the other is two steps. By what do you divide?"
    steps.own(said, [49, 62, 23])
    asks = "the central difference of x², for x = 7 with ε = 5"
    steps.asks("square", asks, 14, (np.array([7, 5]),))
    steps.own("one_side: this is a forward difference. Where is the lower place?", 19)
    steps.own("one_step: the way from one end to the other is two steps. By what do you divide?", 28)
    asks = "the best step of a central difference, for F = 8 and T = 3"
    steps.asks("best", asks, (8 * 2.0**-53) ** (1 / 3), (np.array([8, 3]),))
    steps.own("no_root: this is what stands under the root. Which power is left in (1.4)?", 8 * 2.0**-53)
    steps.own("root: this is a square root. Which power of the step is in the error?", (8 * 2.0**-53) ** 0.5)
    asks = "the relative errors of four analytic numbers, beside four numeric ones"
    steps.asks("errors", asks, difference / scale, (ANALYTIC, NUMERIC))
    steps.own("absolute: these are the differences. Relative to what?", difference)
    said = "by_sum: this is divided by the sum of the sizes. What does (1.5) divide by?"
    steps.own(said, difference / (abs(ANALYTIC) + abs(NUMERIC)))
    steps.own(
        "signed: the sign of the difference is left in. Can an error be negative?",
        (ANALYTIC - NUMERIC) / scale,
    )
    steps.asks("dx", "dx of the toy, from dz and x", TOY_DZ[::-1] * (TOY_X > 0), (TOY_X, TOY_DZ))
    steps.own("upright: this is not turned back. Which output reads input 0?", TOY_DZ * (TOY_X > 0))
    said = "mask_turned: here the mask is turned too. Of which input does it speak?"
    steps.own(said, (TOY_DZ * (TOY_X > 0))[::-1])
    steps.own("no_mask: ReLU is missing. Which input does it hold back?", TOY_DZ[::-1])
    steps.own("forward: these are outputs. What comes back to each input?", np.maximum(TOY_X, 0)[::-1])


def lesson_02(steps):
    """Fully connected."""
    z, cache = layers.fc_forward(FC_X, FC_W, FC_B)
    dx, dw, db = layers.fc_backward(FC_DZ, cache)

    def bugs(part, *names):
        for name in names:
            steps.known(f"fc.{name}", part, FC_DZ, FC_X, FC_W)

    another_input = "another_input: this is what another input would do. Which one does the weight multiply?"
    another_weight = "another_weight: these are the weights of another input. Which row of W is X[3, 2]'s?"
    one_output = "one_output: this is the card of one output alone. How many outputs read X[1, 0]?"
    outer = [np.outer(*rows) for rows in zip(FC_X, FC_DZ)]
    by_column = "by how much the four outputs of column 1 move when W[0, 1] is nudged by 1"
    steps.asks("column", by_column, FC_X[:, 0], (FC_X, FC_W, FC_B))
    steps.own(another_input, FC_X[:, 1])
    steps.own(another_input, FC_X[:, 2])
    steps.own("output: this is the column of Z itself. Asked for is by how much it moves", z[:, 1])
    by_row = "by how much the two outputs of row 3 move when X[3, 2] is nudged by 1"
    steps.asks("row", by_row, FC_W[2], (FC_X, FC_W, FC_B))
    steps.own(another_weight, FC_W[0])
    steps.own(another_weight, FC_W[1])
    steps.own("output: this is the row of Z itself. Asked for is by how much it moves", z[3])
    cards = "the three products that add up to Z[1, 1], before the bias"
    steps.asks("cards", cards, FC_X[1] * FC_W[:, 1], (FC_X, FC_W))
    said = "another_output: these add up to Z[1, 0]. Which column of W does Z[1, 1] use?"
    steps.own(said, FC_X[1] * FC_W[:, 0])
    said = "another_example: these add up to Z[0, 1]. Which row of X does Z[1, 1] read?"
    steps.own(said, FC_X[0] * FC_W[:, 1])
    steps.asks("z", "Z, from X, W and b", z)
    steps.own(NO_BIAS, FC_X @ FC_W)
    steps.asks("corner", "dW[0, 0], from X and dZ", dw[0, 0], (FC_X, FC_DZ))
    said = "divided: this is divided by M. Where is the 1/M of the mean already?"
    steps.own(said, dw[0, 0] / len(FC_X))
    steps.asks("dx_row", "the gradients of the three inputs of example 1, from dZ and W", dx[1])
    steps.own(one_output, FC_DZ[1, 0] * FC_W[:, 0])
    steps.own(one_output, FC_DZ[1, 1] * FC_W[:, 1])
    steps.own("another_example: this is row 0. Which row of dZ belongs to example 1?", dx[0])
    steps.asks("dw", "dW, from X and dZ", dw)
    bugs(1, "last_example_only", "dw_transposed", "divided_by_m_again")
    steps.asks("dx", "dX, from dZ and W", dx)
    steps.own("divided: this is divided by M. Do two examples share an input?", dx / len(FC_X))
    steps.asks("db", "db, from dZ", db)
    bugs(2, "bias_summed_over_units", "bias_averaged")
    steps.own("one_number: this is the sum of all of dZ. How many biases are there?", FC_DZ.sum())
    steps.asks("outer", "what example 1 adds to dW", outer[1])
    steps.own("another_example: this is what example 0 adds. Which row is example 1?", outer[0])
    steps.own("turned: this is dZ times X. Which of the two runs down a column of dW?", outer[1].T)
    steps.own("batch: this is the dW of all four examples. What does one of them add?", dw)


def lesson_03(steps):
    """ReLU."""
    (before, _), (after, _) = layers.relu_forward(FIVE), layers.relu_forward(FIVE + 0.5)
    a, cache = layers.relu_forward(RELU_Z)
    kink = "kink: the entry on the kink passes here. Which slope did we choose there?"
    asks = "by how much each of the five outputs moves when its z is nudged up by 0.5"
    steps.asks("nudge", asks, after - before)
    steps.own("crossing: one z crosses 0. How much of its nudge is left from there?", 0.5 * (FIVE >= 0))
    steps.own("mask: slope times nudge. Where do those end that start at 0 or below?", 0.5 * (FIVE > 0))
    steps.own("all: this is how far z moves. How far does the output move?", np.full(5, 0.5))
    steps.asks("a", "A, from Z", a)
    steps.own("mask: this is the mask. What does it let through?", RELU_Z > 0)
    steps.own("absolute: this is |Z|. What becomes of a negative entry?", abs(RELU_Z))
    steps.asks("mask", "the mask, 1 where ReLU lets the gradient through", RELU_Z > 0)
    steps.own(kink, RELU_Z >= 0)
    steps.own("turned: this marks what is cut off. Which entries pass?", RELU_Z <= 0)
    steps.own("gradient: this is the mask of dA. Which array decided, on the way forward?", RELU_DA > 0)
    steps.asks("dz", "dZ, from dA and the mask", layers.relu_backward(RELU_DA, cache))
    for name in ("no_mask", "mask_from_gradient", "multiplied_by_output", "upstream_forgotten"):
        steps.known(f"relu.{name}", None, RELU_DA, RELU_Z)
    steps.own(kink, RELU_DA * (RELU_Z >= 0))


def lesson_04(steps):
    """Softmax and cross-entropy."""
    scores = np.log(E)
    y_hat = layers.softmax(scores)
    surprise = -np.log(y_hat[[0, 1], LABELS])
    g, dz = whole(64 * layers.softmax_jacobian(y_hat)[0]), (y_hat - np.eye(3)[LABELS]) / 2
    steps.asks("y_hat", "Ŷ of the first example, three probabilities", y_hat[0])
    steps.own("not_divided: these are the E. What do three probabilities add up to?", E[0])
    steps.own("of_e: this is the softmax of E. Are the scores E, or ln E?", layers.softmax(1.0 * E)[0])
    steps.asks("loss", "the mean loss of the two examples", surprise.mean())
    steps.own("sum: this is the sum over the examples. What does the loss do with M?", surprise.sum())
    steps.own("sign: this is below 0. Can a logarithm of a probability be above 0?", -surprise.mean())
    steps.asks("jacobian", "64 G of the first example, nine whole numbers", g)
    steps.itself(64, "G")
    steps.own("diagonal: only the diagonal is there. What else does a score move?", np.diag(np.diag(g)))
    steps.own("signs: the signs off the diagonal are flipped. What does each row add up to?", abs(g))
    steps.asks("dz", "16 dZ of both examples, whole numbers", whole(16 * dz))
    for name in ("not_divided_by_m", "sign_flipped", "mean_over_all_entries", "extra_derivative"):
        steps.known(f"softmax_cross_entropy.{name}", None, scores, LABELS, times=16)
    steps.itself(16, "dZ")


def lesson_05(steps):
    """Convolution forward."""
    pixel = np.zeros((5, 5))
    pixel[2, 2] = 1
    z, turned, same = conv(X7), conv(X7, TURNED, 0), conv(X7, padding="same")
    asks = f"the output for one pixel of 1 in the middle of 5×5, with the kernel {shown(UNEVEN_L)}"
    steps.asks("stamp", asks, conv(pixel, UNEVEN_L, 0), (UNEVEN_L,))
    steps.own("upright: the L is upright here. Which weight lies on the pixel first?", UNEVEN_L)
    steps.own("transposed: the L is transposed here. Which weight lies on the pixel first?", UNEVEN_L.T)
    steps.asks("corner", "Z[0, 0], from X, W and b", z[0, 0])
    steps.own(NO_BIAS, z[0, 0] - 1)
    steps.own("every: here b is added with every product. How many biases has an output?", z[0, 0] + 3)
    said = "transposed: this is what the transposed kernel gives. Which weight lies on X[0, 1]?"
    steps.own(said, conv(X7, W.T)[0, 0])
    said = "turned: this is what the turned kernel gives. Which weight lies on X[0, 0]?"
    steps.own(said, conv(X7, TURNED)[0, 0])
    steps.asks("z", "Z, from X, W and b", z)
    steps.own(NO_BIAS, z - 1)
    steps.own("turned: the kernel is turned by 180°. In Z[0, 0], what lies on X[0, 0]?", turned + 1)
    steps.own("transposed: the kernel is transposed. In Z[0, 0], what lies on X[0, 1]?", conv(X7, W.T))
    arrays = image(X7), W[:, :, None, None], np.array([1])
    steps.known("conv.bias_in_every_term", None, *arrays, stride=1, padding=0, dilation=1)
    steps.asks("turned", "the true convolution of X and W, without bias", turned)
    steps.own("not_turned: this is the cross-correlation. Which of the two runs backwards?", z - 1)
    steps.own("rows: here the rows of the kernel are reversed alone. And v?", conv(X7, W[::-1], 0))
    steps.own("columns: here its columns are reversed alone. And u?", conv(X7, W[:, ::-1], 0))
    steps.own("with_bias: a bias is added here. Is there one in a convolution?", turned + 1)
    asks = "H_out and W_out, of a 10×7 image, a 4×3 kernel, 2 and 3 rows of zeros, 1 and no column"
    steps.asks("size", asks, [12, 6], ())
    steps.own("no_last: the last place is missing. How many windows of 3 fit into a row of 3?", [11, 5])
    steps.own("first_twice: the zeros before are counted twice. How many lie behind?", [11, 7])
    steps.own("no_padding: there are no zeros in it. Where may the window start?", [7, 5])
    steps.own("padded: this is the size with the zeros. What does the window leave free?", [15, 8])
    steps.asks("same", 'the last column of Z with padding "same"', same[:, 2])
    zeros_first = conv(np.pad(X7, ((1, 0), (1, 0))))[:, 2]
    steps.own("zeros_first: the zeros are on top and left. Where does an even kernel have them?", zeros_first)
    steps.own(NO_BIAS, same[:, 2] - 1)
    steps.own("row: this is the last row. Which index runs down a column?", same[2])
    asks = "how many weights and biases four filters of 3×3 on three channels have"
    steps.asks("parameters", asks, [108, 4], ())
    steps.own("one_channel: these filters see one channel. How deep is a filter?", [36, 4])
    steps.own("one_filter: this is one filter. How many are there?", [27, 1])
    said = "bias_per_channel: one bias for each filter and channel? How many has an output?"
    steps.own(said, [108, 12])
    steps.asks("moved", "by how much the four outputs move when W[1, 0] is nudged by 1", X7[1:, :2])
    another_weight = "another_weight: these are another weight's pixels. Where does W[1, 0] lie in Z[0, 0]?"
    for window in (X7[:2, 1:], X7[:2, :2], X7[1:, 1:]):
        steps.own(another_weight, window)
    steps.own("output: this is Z itself. Asked for is by how much it moves", z)
    steps.asks("pixel", "by how much the four outputs move when X[0, 1] is nudged by 1", [[2, 1], [0, 0]])
    said = "other_way: this is the pixel's window read upright. Which weight lies on X[0, 1] in Z[0, 0]?"
    steps.own(said, np.array([W[0], [0, 0]]))
    steps.own("whole: the whole kernel moves them here. Which windows reach the first row?", TURNED)
    patches = layers.im2col(image(X7), (2, 3)).reshape(2, 6)
    steps.asks("patches", "P for windows of 2×3: the two patches of X as rows", patches)
    by_columns = [X7[i : i + 2].T.ravel() for i in range(2)]
    steps.own("by_columns: here each patch is read column by column. In which order is W?", by_columns)


def lesson_06(steps):
    """Convolution backward: weights and bias."""
    draw = np.random.default_rng(5)
    shapes = (4, 7, 9, 6), (3, 2, 6, 10), (10,), (4, 5, 8, 10)
    xs, ws, bs, dzs = (draw.integers(-2, 3, size=shape) for shape in shapes)
    _, all_dw, db = layers.conv_backward(dzs, layers.conv_forward(xs, ws, bs)[1])
    _, dw, _ = conv_back(x=X7)
    seen, terms, all_dw = X7[0:2, 1:3], X7[0:2, 1:3] * DZ, all_dw.reshape(-1, 10)
    windows = {z: X7[z[0] : z[0] + 2, z[1] : z[1] + 2] for z in np.ndindex(2, 2)}
    of_others = [window for w, window in windows.items() if w != (0, 1)]
    another_weight = "another_weight: this is what another weight sees. Which pixel meets W[0, 1] in Z[0, 0]?"
    another_output = "another_output: this is what another output adds. Which window does Z[1, 0] read?"
    mean = "averaged: this is a mean. One nudge moves many outputs: do their effects average?"
    asks = "by how much each of the four outputs moves when W[0, 1] is nudged by 1"
    steps.asks("moved", asks, seen, (X7,))
    for window in of_others:
        steps.own(another_weight, window)
    said = "weighted: this is multiplied by the weight. By what is a nudge of it multiplied?"
    steps.own(said, seen * W[0, 1])
    steps.asks("terms", "the four terms of the gradient at W[0, 1], from X and dZ", terms, (X7, DZ))
    for window in of_others:
        steps.own(another_weight, window * DZ)
    steps.own("moves: these are the moves of Z. By how much does each of them move the loss?", seen)
    said = "dz_turned: dZ is turned here. Which pixel meets W[0, 1] in Z[0, 0]?"
    steps.own(said, seen * DZ[::-1, ::-1])
    asks = "what output (1, 0) adds to dW, from X and dZ"
    steps.asks("one_output", asks, DZ[1, 0] * windows[1, 0], (X7, DZ))
    for factor in (np.full((2, 2), DZ[1, 0]), DZ):
        for z in [(0, 0), (0, 1), (1, 1)]:
            steps.own(another_output, factor[z] * windows[z])
    said = "window: this is the window alone. How much does the loss ask of this output?"
    steps.own(said, windows[1, 0])
    said = "kernel: this is the kernel, which dX receives. What does the kernel receive?"
    steps.own(said, DZ[1, 0] * W)
    steps.asks("weight", "the gradient at W[0, 1], from X and dZ", dw[0, 1], (X7, DZ))
    one = "one: this is one product alone. How many outputs does the weight move?"
    steps.one_each(one, terms.flat, X7, DZ)
    steps.own(mean, dw[0, 1] / 4)
    steps.asks("dw", "dW, from X and dZ", dw)
    steps.conv_bugs(1, "dw_rotated", "last_window_only", x=X7)
    steps.own(mean, dw / 4)
    of_turned = conv_back(DZ[::-1, ::-1], X7)[1]
    steps.own("dz_turned: dZ is turned here. In Z[0, 0], what meets W[0, 0]?", of_turned)
    steps.own("times_w: this is multiplied by W. Does a line's slope depend on the place?", dw * W)
    steps.asks("db", "db, from dzs", db, ())
    steps.own(mean, dzs.mean(axis=(0, 1, 2)))
    steps.own("one_number: this is one number for all filters. How many biases are there?", dzs.sum())
    steps.own("examples: this is one bias per example. Who shares a bias?", dzs.sum(axis=(1, 2)))
    steps.own("places: this is one bias per place. Who shares a bias?", dzs.sum(axis=0))
    steps.asks("places", "rows and columns of places where 24×18 fits into 28×20", (5, 3), ())
    steps.own("steps: so often can it be moved. How many places is that, with the first?", (4, 2))
    steps.asks("product", "dW as a matrix, from patch_rows and dz_rows", all_dw, ())
    steps.own("turned: this is dZ times P. Which of the two runs down a column of W?", all_dw.T)
    steps.own("divided: this is divided by M. Where is the 1/M of the mean already?", all_dw / 4)
    real = touched_by_weight((3, 4), (2, 2), padding="same")
    steps.asks("real_terms", "how many terms of each weight's sum read a real pixel", real, ())
    all_twelve = np.full((2, 2), 12)
    steps.own("everywhere: true of one weight only. Which weights hang over the edge?", all_twelve)
    steps.own("top_left: the zeros are above and left here. Where are they?", real[::-1, ::-1])


def _corner_text(product, table):
    """Return what is true of all products dZ[z]·W[w] with this value; the corner's own has z = w = (0, 1)."""
    pairs = [(z, w) for value, z, w in table if value == product]
    if all(z == (0, 1) for z, _ in pairs):
        return "another_weight: this is the answer with another weight. Which one lies over the corner?"
    if all(w == (0, 1) for _, w in pairs):
        return "another_output: this is the answer with another dZ. Which output reads the corner?"
    return "another_product: this is another product. Which dZ reaches the corner, and through which weight?"


def lesson_07(steps):
    """Convolution backward: the input."""
    dx, _, _ = conv_back()
    table = [(int(DZ[z] * W[w]), z, w) for z in np.ndindex(2, 2) for w in np.ndindex(2, 2)]
    steps.asks("moved", "by how much the four outputs move when X[1, 1] is nudged by 1", TURNED, (W,))
    steps.own("upright: here the kernel stands upright. Which weight lies on X[1, 1] in Z[0, 0]?", W)
    steps.own("transposed: the kernel is transposed. Which weight lies on X[1, 1] in Z[0, 1]?", W.T)
    one_axis = "one_axis: one axis is turned, the other is not. Which weight lies on X[1, 1] in Z[0, 1]?"
    steps.own(one_axis, W[::-1])
    steps.own(one_axis, W[:, ::-1])
    steps.asks("stamp", "the array that Z[0, 1] stamps onto dX", DZ[0, 1] * W, (DZ, W))
    steps.own("turned: the kernel is turned. In Z[0, 1], which weight lies on X[0, 1]?", DZ[0, 1] * TURNED)
    for other in (DZ[0, 0], DZ[1, 0], DZ[1, 1]):
        steps.own("another_output: this is another output's stamp. Which dZ is its own?", other * W)
    steps.asks("corner", "the gradient at X[0, 2], from dZ and W", dx[0, 2], (DZ, W))
    for product in {product for product, _, _ in table} - {int(dx[0, 2])}:
        steps.one_each(_corner_text(product, table), [product], DZ, W)
    asks = "for each of the nine pixels of X, how many products its gradient has"
    steps.asks("terms", asks, touched((3, 3), (2, 2), (2, 2)), ())
    everywhere = "everywhere: true of the middle only. How many outputs read a corner?"
    steps.own(everywhere, np.full((3, 3), 4))
    steps.asks("total", "the sum of the nine gradients, without adding up the nine", dx.sum(), (DZ, W))
    steps.asks("reads", "row and column of the output that reads X[3, 5] through W[2, 1]", [1, 4], ())
    steps.own("added: here the offset is added. Which output row has row 3 under its weight row 2?", [5, 6])
    asks = "the four products that meet at X[1, 1], each in its output's place"
    steps.asks("middle", asks, DZ * TURNED, (DZ, W))
    same = "not_turned: each dZ is multiplied by the weight of its own index. Which joins X[1, 1] to Z[0, 0]?"
    steps.own(same, DZ * W)
    steps.own("one_axis: one axis is turned. Which weight joins X[1, 1] to Z[0, 1]?", DZ * W[::-1])
    steps.own("one_axis: one axis is turned. Which weight joins X[1, 1] to Z[0, 1]?", DZ * W[:, ::-1])
    padded = np.pad(DZ, ((1, 1), (2, 2)))
    steps.asks("rim", "D, which is dZ with zeros around it, for a kernel of 2×3", padded)
    one_side = "one_side: all zeros are on one side. Which pixels does a window in the corner reach?"
    steps.own(one_side, np.pad(DZ, ((2, 0), (4, 0))))
    steps.own(one_side, np.pad(DZ, ((0, 2), (0, 4))))
    steps.asks("dx", "dX, from dZ and W", dx)
    steps.conv_bugs(0, "no_rotation", "kernel_transposed", "rows_reversed_only", "overlap_overwritten")
    steps.asks("swapped", "the shape of W̄ for a W of shape (4, 6, 5, 3)", [4, 6, 3, 5], ())
    same = "not_swapped: this is W's own shape. How many channels has dZ, and how many dX?"
    steps.own(same, [4, 6, 5, 3])


def lesson_08(steps):
    """Stride, padding and dilation."""
    geometry, stride, dilation = {"stride": 2, "padding": 1}, {"stride": (1, 2)}, {"dilation": (1, 2)}
    weight = "Which weight joins X[0, 0] to Z[0, 0]?"

    def counts(outputs, **options):
        return touched((1, 12), (1, 3), (1, outputs), **options)[0]

    asks = "how many outputs each of the twelve pixels moves (three weights, stride 2, dilation 2)"
    steps.asks("touched", asks, counts(4, **stride, **dilation), ())
    said = "no_dilation: this is the count without dilation. What does the first window read?"
    steps.own(said, counts(5, **stride))
    said = "no_stride: this is the count with stride 1. Where does the second window start?"
    steps.own(said, counts(8, **dilation))
    steps.asks("z", "Z with stride 2 and padding 1", conv(**geometry))
    steps.own(NO_BIAS, conv(b=0, **geometry))
    asks = f"dW with stride 2 and padding 1, from X and dZ = {shown(OTHER_DZ)}"
    steps.asks("dw", asks, conv_back(OTHER_DZ, **geometry)[1], (X, OTHER_DZ))
    steps.conv_bugs(1, "stride_ignored", "last_window_only", dz=OTHER_DZ, **geometry)
    said = "plain: this is dW with stride 1 and no padding. Which pixel is under Z[0, 0]?"
    steps.own(said, conv_back(OTHER_DZ)[1])
    steps.asks("dx", "dX with stride 2 and padding 1", conv_back(**geometry)[0])
    steps.conv_bugs(0, "stride_ignored", **geometry)
    steps.own(f"turned: the kernel is turned in each stamp. {weight}", conv_back(w=TURNED, **geometry)[0])
    steps.own(f"plain: this is dX with stride 1 and no padding. {weight}", conv_back()[0])


def lesson_09(steps):
    """Pooling."""

    def pool(x=X, dz=DZ, stride=1, mode="max"):
        z, cache = layers.pool_forward(image(x), size=2, stride=stride, mode=mode)
        return flat(z), flat(layers.pool_backward(image(dz), cache))

    (z, dx), (mean, shared) = pool(), pool(mode="average")
    asks = "by how much the outputs move in all, for each of the 16 pixels nudged by 1 (max, tiles of 2×2)"
    steps.asks("moved", asks, pool(LITTLE, np.ones((2, 2)), stride=2)[1])
    quarter = np.full((4, 4), 0.25)
    steps.own("average: this is right for the average. Which pixel moves a maximum?", quarter)
    steps.asks("z", "Z of max pooling, windows of 2×2, stride 1", z)
    steps.own("average: these are the windows' means. What does max pooling keep?", mean)
    steps.asks("dx", "dX of max pooling, windows of 2×2, stride 1", dx)
    for name in ("overlap_overwritten", "always_the_last", "returns_in_the_loop"):
        steps.known(f"pool.{name}", None, image(DZ), image(X), size=2, stride=1, mode="max")
    steps.own("average: here each gradient is shared out. Which pixel moves a maximum?", shared)
    steps.asks("average", "4 dX of average pooling, windows of 2×2, stride 1", 4 * shared)
    steps.itself(4, "dX")
    steps.own("max: the largest pixel takes it all here. How does an average share it out?", 4 * dx)


def lesson_10(steps):
    """Whole network; its gradients are doubled to be whole numbers."""
    z1, conv1 = layers.conv_forward(image(X), W[:, :, None, None], np.array([-10]))
    a1, relu = layers.relu_forward(z1)
    p1, pool = layers.pool_forward(a1, size=(1, 2))
    q, flatten = layers.flatten_forward(p1)
    z2, fc = layers.fc_forward(q, W2, BIAS2)
    d2 = whole(2 * (layers.softmax(1.0 * z2) - [[1, 0]]))
    dq, dw2, _ = layers.fc_backward(d2, fc)
    both = np.repeat(dq.T, 2, axis=1)
    d1 = layers.relu_backward(layers.pool_backward(layers.flatten_backward(dq, flatten), pool), relu)
    dx, dw1, _ = layers.conv_backward(d1, conv1)
    joins, winner = (
        "Which weight joins Q[0] to the second score?",
        "Which pixel of a window moves its maximum?",
    )
    steps.asks("z1", "Z¹, from X, W¹ and b¹", flat(z1))
    steps.own(NO_BIAS, conv(b=0))
    steps.own("turned: the kernel is turned by 180°. What lies on X[0, 0]?", conv(w=TURNED, b=-10))
    steps.asks("q", "Q, the two numbers that pooling leaves", q[0])
    means = flat(a1).mean(axis=1)
    steps.own("mean: these are the windows' means. What does max pooling keep?", means)
    asks = f"the two scores Z² = Q W² + b², with b² = {shown(OTHER_BIAS2)} for once"
    steps.asks("z2", asks, (q @ W2 + OTHER_BIAS2)[0], (X, W, W2, OTHER_BIAS2))
    steps.own(NO_BIAS, (q @ W2)[0])
    steps.own(f"transposed: W² is transposed here. {joins}", (q @ W2.T + OTHER_BIAS2)[0])
    steps.own("lesson_bias: this is with b² of the lesson. Which b² is asked for?", z2[0])
    steps.asks("d2", "2 δ², twice the gradient at the scores", d2[0])
    steps.itself(2, "δ²")
    # This is true of the other label's gradient as well, which is the same.
    steps.own("sign: every sign is the other way round. Which score has to rise?", -d2[0])
    steps.own("no_label: this is 2 Ŷ. What does the label take off?", d2[0] + [2, 0])
    steps.asks("dq", "2 dQ, from δ² and W²", dq[0])
    steps.itself(2, "dQ")
    steps.own(f"not_transposed: W² is not transposed here. {joins}", (d2 @ W2)[0])
    steps.asks("dw2", "2 dW², from Q and δ²", dw2)
    steps.itself(2, "dW²")
    steps.asks("d1", "2 δ¹, through pooling and ReLU", flat(d1))
    steps.itself(2, "δ¹")
    steps.own(f"spread: both pixels of a window get all of it. {winner}", both)
    steps.own(f"shared: each window shares it out. {winner}", both / 2)
    steps.asks("dw1", "2 dW¹, from δ¹ and X", flat(dw1))
    steps.itself(2, "dW¹")
    steps.asks("dx", "2 dX, from δ¹ and W¹", flat(dx))
    steps.itself(2, "dX")
    steps.conv_bugs(0, "no_rotation", dz=flat(d1))
    other = "another_dz: this is dX with the dZ of the convolution alone. Which gradient arrives here?"
    steps.own(other, conv_back()[0])


LESSONS = {name[-2:]: made for name, made in list(globals().items()) if name.startswith("lesson_")}


@cache
def steps_of(lesson):
    """Return the steps of a lesson such as "07" by number; none if it has none."""
    steps = Steps(lesson)
    if lesson in LESSONS:
        LESSONS[lesson](steps)
    return {step.number: step for step in steps}


def all_steps():
    """Return all steps by number, in the order of the lessons."""
    return {number: step for lesson in LESSONS for number, step in steps_of(lesson).items()}
