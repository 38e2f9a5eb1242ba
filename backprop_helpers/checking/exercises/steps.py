"""The one-line steps of the lessons: what each asks for, and the wrong values that are known.

Every right value is computed, by `layers` or from the numbers of the lesson's worked example (`EXAMPLES`).
A lesson's steps are made when the first of them is asked for: ``asks`` adds a step, and what follows it, up
to the next one, are its mistakes.
"""

from functools import cache

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._steps import (
    DZ,
    Steps,
    W,
    X,
    conv,
    conv_back,
    flat,
    image,
    shown,
    touched,
    touched_by_weight,
    whole,
)

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
RELU_X = np.array([[1, 2], [3, -1], [-1, 1]])
RELU_W1, RELU_B1 = np.array([[2, -1, 1, 0], [1, 1, -1, 2]]), np.array([-1, -1, -5, -2])
RELU_W2 = np.array([[1, 0, -1, 2, 1], [2, 1, 0, -1, 3], [0, -2, 1, 1, 0], [-1, 1, 2, 0, 4]])
RELU_B2 = np.array([1, 0, -2, 3, -1])
RELU_DA = np.array([[2, -3, 1, -1], [5, 4, -2, 3], [-4, 7, 6, -5]])
E, LABELS = np.array([[1, 2, 5], [3, 1, 4]]), np.array([2, 0])
ANY_DY_HAT = np.array([[6, -1, 4], [2, 5, -3]])
LITTLE = np.array([[1, 8, 3, 2], [4, 5, 7, 6], [9, 0, 2, 5], [3, 1, 8, 4]])
TYING = np.array([[2, 2, 1, 0], [0, 2, 1, 1], [3, 1, 0, 0], [1, 0, 0, 0]])
POOLED_ROW = np.array([[3, 6, -3]])
W_ROW, DZ_ROW = np.array([[4, -2, 5]]), np.array([[3, -2]])
W2, BIAS2 = np.array([[3, 1], [-1, 2]]), np.array([21, 0])
THREE_G, ORDER = np.array([[4, -2, 6], [2, 3, -5], [-6, 1, 4]]), np.array([5, 2, 7, 0, 3, 6, 1, 4])

# Where a wrong method gives the right answer with a lesson's numbers (a symmetric dW, a corner that is 1),
# the step has numbers of its own, and `asks` says them.
UNEVEN_L = np.array([[1, 0, 0], [2, 0, 0], [3, 4, 5]])
OTHER_BIAS2 = np.array([4, -1])

TINY = np.array([[3, 1, 2, 0], [7, 4, 1, 5], [5, 2, 6, 8]])
LENET_A = np.array([313600, 2508800, 200704, 1280])  # multiply-adds of a digit, forward
FOUR_PIXELS, THREE_WEIGHTS = np.array([2, -1, 4, 7]), np.array([5, 1, -2])
TWO_TILES = np.array([[-3, 1, 2, -5], [0, -4, -1, 4]])

#: The arrays of each lesson's worked example, as its cells have them.
EXAMPLES = {
    "00": (FOUR, A, B, DC),
    "01": (TOY_X, TOY_DZ, ANALYTIC, NUMERIC),
    "02": (FC_X, FC_W, FC_B, FC_DZ),
    "03": (RELU_X, RELU_W1, RELU_B1, RELU_DA),
    "04": (E, LABELS),
    "05": (X7, W),
    "06": (X7, W, DZ),
    "07": (W, DZ),
    "08": (X7, W, DZ, W_ROW, DZ_ROW),
    "09": (X, DZ, LITTLE, TYING),
    "10": (X, W, W2, BIAS2),
    "11": (THREE_G, ORDER),
    "12": (TINY,),
}
NO_BIAS = "no_bias: this is Z without the bias. What is Z where X is 0?"

# --- the lessons


def lesson_00(steps, asks, own):
    """Nudges."""

    def chain(w=3, x=2, b=-1, y=1, closed=True):  # J = ½(ReLU(wx + b) − y)² + w²
        e = max(w * x + b, 0) - y
        dz = e if w * x + b > 0 or not closed else 0
        return dz * x + 2 * w, dz * w, dz, -e

    _, dx, db, dy = chain()
    numbers = (np.array([3, 2, -1, 1]),)
    moved = layers.relu_backward(np.ones(4), layers.relu_forward(FOUR)[1])
    asks("nudge", "by how many nudges each of the four outputs moves", moved)
    own("story: here all of them move. What does ReLU make of a negative z?", np.ones(4))
    asks("dx", "dx, for w = 3, x = 2, b = −1, y = 1", dx, numbers)
    own("own_factor: this is dp times x. By what does a nudge of x move p = wx?", db * 2)
    own("no_upstream: this is the slope of p = wx alone. What arrives at p from above?", 3)
    asks("dy", "dy, for w = 3, x = 2, b = −1, y = 1", dy, numbers)
    own("sign: this is the gradient at e. When y rises, does e = a − y rise?", -dy)
    asks("closed", "(dw, dx, db, dy) with b = −7", chain(b=-7), ())
    own("open: here ReLU lets the gradient through. What is z now?", chain(b=-7, closed=False))
    own("first_round: these are the gradients of the first round. What is b now?", chain())
    own("one_path: w is closed off here too. Which path of it does not pass ReLU?", (0, 0, 0, 1))
    back = np.array([1, -2, 3])
    d_input = NINE_W[0] @ back
    what = "what comes back to input 0 when [1, −2, 3] comes back from the outputs"
    asks("d_input", what, d_input, (NINE_X, NINE_W, back))
    own("times_input: the input is a factor too. By what does its nudge move a product?", NINE_X[0] * d_input)
    da, db_matrix, _ = layers.fc_backward(DC, layers.fc_forward(A, B, np.zeros(4))[1])
    asks("dA", "dA for C = AB, from dC and B", da)
    asks("dB", "dB for C = AB, from A and dC", db_matrix)


def lesson_01(steps, asks, own):
    """Gradient checks."""
    difference, scale = abs(ANALYTIC - NUMERIC), np.maximum(abs(ANALYTIC), abs(NUMERIC))
    what = "the forward difference, the central one and the complex step of x³, for x = 3 with ε = 2"
    asks("three", what, [49, 31, 23], (np.array([3, 2]),))
    own("truth: this is the derivative. Which error does each of the three add?", [27, 27, 27])
    own("undivided: this is how far x³ moves. By how far was x nudged, from end to end?", [98, 124, 46])
    own("one_step: the way from one end to the other is two steps. By what do you divide?", [49, 62, 23])
    asks("square", "the central difference of x², for x = 7 with ε = 5", 14, (np.array([7, 5]),))
    own("one_side: this is a forward difference. Where is the lower place?", 19)
    own("one_step: the way from one end to the other is two steps. By what do you divide?", 28)
    what = "the best step of a central difference, for F = 8 and T = 3"
    asks("best", what, (8 * 2.0**-53) ** (1 / 3), (np.array([8, 3]),))
    own("no_root: this is what stands under the root. Which power is left in (1.4)?", 8 * 2.0**-53)
    own("root: this is a square root. Which power of the step is in the error?", (8 * 2.0**-53) ** 0.5)
    what = "the relative errors of four analytic numbers, beside four numeric ones"
    asks("errors", what, difference / scale, (ANALYTIC, NUMERIC))
    own("absolute: these are the differences. Relative to what?", difference)
    said = "by_sum: this is divided by the sum of the sizes. What does (1.5) divide by?"
    own(said, difference / (abs(ANALYTIC) + abs(NUMERIC)))
    own(
        "signed: the sign of the difference is left in. Can an error be negative?",
        (ANALYTIC - NUMERIC) / scale,
    )
    asks("dx", "dx of the toy, from dz and x", TOY_DZ[::-1] * (TOY_X > 0), (TOY_X, TOY_DZ))
    own("upright: this is not turned back. Which output reads input 0?", TOY_DZ * (TOY_X > 0))
    own("mask_turned: the mask is turned too. Of which input does it speak?", (TOY_DZ * (TOY_X > 0))[::-1])
    own("no_mask: ReLU is missing. Which input does it hold back?", TOY_DZ[::-1])
    own("forward: these are outputs. What comes back to each input?", np.maximum(TOY_X, 0)[::-1])


def lesson_02(steps, asks, own):
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
    asks("column", by_column, FC_X[:, 0], (FC_X, FC_W, FC_B))
    own(another_input, FC_X[:, 1])
    own(another_input, FC_X[:, 2])
    own("output: this is the column of Z itself. Asked for is by how much it moves", z[:, 1])
    by_row = "by how much the two outputs of row 3 move when X[3, 2] is nudged by 1"
    asks("row", by_row, FC_W[2], (FC_X, FC_W, FC_B))
    own(another_weight, FC_W[0])
    own(another_weight, FC_W[1])
    own("output: this is the row of Z itself. Asked for is by how much it moves", z[3])
    cards = "the three products that add up to Z[1, 1], before the bias"
    asks("cards", cards, FC_X[1] * FC_W[:, 1], (FC_X, FC_W))
    own("another_output: these add up to Z[1, 0]. Which column of W does Z[1, 1] use?", FC_X[1] * FC_W[:, 0])
    own("another_example: these add up to Z[0, 1]. Which row of X does Z[1, 1] read?", FC_X[0] * FC_W[:, 1])
    asks("z", "Z, from X, W and b", z)
    own(NO_BIAS, FC_X @ FC_W)
    asks("corner", "dW[0, 0], from X and dZ", dw[0, 0], (FC_X, FC_DZ))
    own("divided: this is divided by M. Where is the 1/M of the mean already?", dw[0, 0] / len(FC_X))
    asks("dx_row", "the gradients of the three inputs of example 1, from dZ and W", dx[1])
    own(one_output, FC_DZ[1, 0] * FC_W[:, 0])
    own(one_output, FC_DZ[1, 1] * FC_W[:, 1])
    own("another_example: this is row 0. Which row of dZ belongs to example 1?", dx[0])
    asks("dw", "dW, from X and dZ", dw)
    bugs(1, "last_example_only", "dw_transposed", "divided_by_m_again")
    asks("dx", "dX, from dZ and W", dx)
    own("divided: this is divided by M. Do two examples share an input?", dx / len(FC_X))
    asks("db", "db, from dZ", db)
    bugs(2, "bias_summed_over_units", "bias_averaged")
    own("one_number: this is the sum of all of dZ. How many biases are there?", FC_DZ.sum())
    asks("outer", "what example 1 adds to dW", outer[1])
    own("another_example: this is what example 0 adds. Which row is example 1?", outer[0])
    own("turned: this is dZ times X. Which of the two runs down a column of dW?", outer[1].T)
    own("batch: this is the dW of all four examples. What does one of them add?", dw)


def lesson_03(steps, asks, own):
    """ReLU."""
    (before, _), (after, _) = layers.relu_forward(FIVE), layers.relu_forward(FIVE + 0.5)
    z, _ = layers.fc_forward(RELU_X, RELU_W1, RELU_B1)
    a, cache = layers.relu_forward(z)
    dz = layers.relu_backward(RELU_DA, cache)
    kink = "kink: the entries on the kink pass here. Which slope did we choose there?"
    not_moved = "output: this is where the outputs are then. How far did each of them move?"
    what = "by how much each of the five outputs moves when its z is nudged up by 0.5"
    asks("nudge", what, after - before, (FIVE,))
    own("crossing: one z crosses 0. How much of its nudge is left from there?", 0.5 * (FIVE >= 0))
    own("mask: slope times nudge. Where do those end that start at 0 or below?", 0.5 * (FIVE > 0))
    own("all: this is how far z moves. How far does the output move?", np.full(5, 0.5))
    own(not_moved, after)
    biases = RELU_B1, RELU_W2, RELU_B2
    what = "the biases of the one layer that does what both do, five numbers"
    asks("one_bias", what, RELU_B1 @ RELU_W2 + RELU_B2, biases)
    own("first: these come from the first layer alone. What does the second add?", RELU_B1 @ RELU_W2)
    own("second: these are the second layer's. Where are those of the first?", RELU_B2)
    asks("a", "A, from Z", a)
    own("mask: this is the mask. What does it let through?", z > 0)
    own("absolute: this is |Z|. What becomes of a negative entry?", abs(z))
    asks("mask", "the mask, 1 where ReLU lets the gradient through", z > 0)
    own(kink, z >= 0)
    own("turned: this marks what is cut off. Which entries pass?", z <= 0)
    own("gradient: this is the mask of dA. Which array decided, on the way forward?", RELU_DA > 0)
    for name, nudge, wrong_way in (("up", 1, "rise"), ("down", -1, "fall")):
        moved = layers.relu_forward(z + nudge)[0][2]
        what = f"by how much the outputs of row 2 move when its four z are nudged {name} by 1"
        asks(name, what, moved - a[2])
        own(f"all: does a closed unit {wrong_way} with its z?", np.full(4, nudge))
        own(not_moved, moved)
    own("kink: one of these z is on the kink. Can its output be below 0?", -1 * (z[2] >= 0))
    asks("dz", "dZ, from dA and Z", dz)
    for name in ("no_mask", "mask_from_gradient", "multiplied_by_output", "upstream_forgotten"):
        steps.known(f"relu.{name}", None, RELU_DA, z)
    own(kink, RELU_DA * (z >= 0))
    asks("from_a", "dZ, from dA and A", dz)
    own("nothing: this is dA as it came. For which A does your mask close?", RELU_DA)
    own("output: this is multiplied by A itself. Which slope has an open gate?", RELU_DA * a)
    asks("dw1", "dW of the layer below, from X, dA and Z", RELU_X.T @ dz)
    own("no_mask: here all gates are open. Which were closed on the way forward?", RELU_X.T @ RELU_DA)
    own(kink, RELU_X.T @ (RELU_DA * (z >= 0)))
    own("turned: here X and dZ have changed places. What shape has W?", dz.T @ RELU_X)


def lesson_04(steps, asks, own):
    """Softmax and cross-entropy."""
    scores, y = np.log(E), np.eye(3)[LABELS]
    y_hat = layers.softmax(scores)
    surprise = -np.log(y_hat[[0, 1], LABELS])
    g, dz = whole(64 * layers.softmax_jacobian(y_hat)[0]), (y_hat - y) / 2
    not_divided = "not_divided: these are the E. What do three probabilities add up to?"
    asks("y_hat", "Ŷ of the first example, three probabilities", y_hat[0])
    own(not_divided, E[0])
    own("of_e: this is the softmax of E. Are the scores E, or ln E?", layers.softmax(1.0 * E)[0])
    own("another_example: these belong to the other example. Which row is asked for?", y_hat[1])
    doubled = E[0] * (1 + np.eye(3))
    what = "Ŷ of the first example when the score of class 1 is raised by ln 2"
    asks("raised", what, doubled[1] / doubled[1].sum(), (E,))
    own(not_divided, doubled[1])
    own("old_sum: these are divided by the old sum. What do they add up to?", doubled[1] / E[0].sum())
    for k in (0, 2):
        said = "another_class: another class was raised here. Which entry of E is asked for?"
        own(said, doubled[k] / doubled[k].sum())
    asks("loss", "the mean loss of the two examples", surprise.mean())
    own("sum: this is the sum over the examples. What does the loss do with M?", surprise.sum())
    own("sign: this is below 0. Can a logarithm of a probability be above 0?", -surprise.mean())
    two = np.array([1, 0, 1])
    asks("two_marked", "M dZ of the first example, for the targets (1, 0, 1)", 2 * y_hat[0] - two, (E,))
    own("one: this is probability minus target. What do these targets add up to?", y_hat[0] - two)
    own("divided: this is dZ. Asked for is M times that", y_hat[0] - two / 2)
    asks("push", "Ŷ − Y of the first example", y_hat[0] - y[0])
    own("no_target: this is Ŷ alone. From which of the three is something taken off?", y_hat[0])
    own("divided: this is divided by M. Asked for is Ŷ − Y alone", dz[0])
    for k in (0, 1):
        own("another_class: the target stands at another class. Which one is true?", y_hat[0] - np.eye(3)[k])
    own("another_example: this is the other example. Which row is asked for?", y_hat[1] - y[1])
    asks("dy_hat", "dŶ of both examples, from Y, Ŷ and M", -y / y_hat / 2)
    for name in ("not_divided_by_m", "sign_flipped", "every_class_counts"):
        steps.known(f"cross_entropy.{name}", None, y_hat, LABELS)
    asks("column", "64 times what a nudge of score 2 moves in the first example", g[:, 2])
    another_score = "another_score: this is what another score moves. Which one is nudged?"
    for k in (0, 1):
        own(another_score, g[:, k])
    own("alone: only one probability moves here. At whose expense?", g[:, 2] * np.eye(3)[2])
    own("signs: here all of them grow. What do three probabilities add up to?", abs(g[:, 2]))
    own("itself: these are the moves. Asked for is 64 times that", g[:, 2] / 64)
    asks("jacobian", "64 G of the first example, nine whole numbers", g)
    steps.itself(64, "G")
    own("diagonal: only the diagonal is there. What else does a score move?", np.diag(np.diag(g)))
    own("signs: the signs off the diagonal are flipped. What does each row add up to?", abs(g))
    asks("dz", "16 dZ of both examples, whole numbers", whole(16 * dz))
    for name in ("not_divided_by_m", "sign_flipped", "mean_over_all_entries", "extra_derivative"):
        steps.known(f"softmax_cross_entropy.{name}", None, scores, LABELS, times=16)
    steps.itself(16, "dZ")
    back = layers.softmax_backward(ANY_DY_HAT, layers.softmax_forward(scores)[1])
    asks("back", "dZ of the first example, from dŶ = (6, −1, 4)", back[0], (E, ANY_DY_HAT))
    for name in ("derivative_element_wise", "off_diagonal_sign", "summed_over_examples"):
        steps.known(f"softmax.{name}", 0, ANY_DY_HAT, y_hat)
    own("average: here no average is taken off. What must dZ add up to?", ANY_DY_HAT[0] * y_hat[0])


def lesson_05(steps, asks, own):
    """Convolution forward."""
    pixel = np.zeros((5, 5))
    pixel[2, 2] = 1
    z, turned, same = conv(X7), conv(X7, TURNED, 0), conv(X7, padding="same")
    what = f"the output for one pixel of 1 in the middle of 5×5, with the kernel {shown(UNEVEN_L)}"
    asks("stamp", what, conv(pixel, UNEVEN_L, 0), (UNEVEN_L,))
    own("upright: the L is upright here. Which weight lies on the pixel first?", UNEVEN_L)
    own("transposed: the L is transposed here. Which weight lies on the pixel first?", UNEVEN_L.T)
    asks("corner", "Z[0, 0], from X, W and b", z[0, 0])
    own(NO_BIAS, z[0, 0] - 1)
    own("every: here b is added with every product. How many biases has an output?", z[0, 0] + 3)
    own("transposed: the transposed kernel gives this. Which weight lies on X[0, 1]?", conv(X7, W.T)[0, 0])
    own("turned: this is what the turned kernel gives. Which weight lies on X[0, 0]?", conv(X7, TURNED)[0, 0])
    asks("z", "Z, from X, W and b", z)
    own(NO_BIAS, z - 1)
    own("turned: the kernel is turned by 180°. In Z[0, 0], what lies on X[0, 0]?", turned + 1)
    own("transposed: the kernel is transposed. In Z[0, 0], what lies on X[0, 1]?", conv(X7, W.T))
    arrays = image(X7), W[:, :, None, None], np.array([1])
    steps.known("conv.bias_in_every_term", None, *arrays, stride=1, padding=0, dilation=1)
    asks("turned", "the true convolution of X and W, without bias", turned)
    own("not_turned: this is the cross-correlation. Which of the two runs backwards?", z - 1)
    own("rows: here the rows of the kernel are reversed alone. And v?", conv(X7, W[::-1], 0))
    own("columns: here its columns are reversed alone. And u?", conv(X7, W[:, ::-1], 0))
    own("with_bias: a bias is added here. Is there one in a convolution?", turned + 1)
    what = "H_out and W_out, of a 10×7 image, a 4×3 kernel, 2 and 3 rows of zeros, 1 and no column"
    asks("size", what, [12, 6], ())
    own("no_last: the last place is missing. How many windows of 3 fit into a row of 3?", [11, 5])
    own("first_twice: the zeros before are counted twice. How many lie behind?", [11, 7])
    own("no_padding: there are no zeros in it. Where may the window start?", [7, 5])
    own("padded: this is the size with the zeros. What does the window leave free?", [15, 8])
    asks("same", 'the last column of Z with padding "same"', same[:, 2])
    zeros_first = conv(np.pad(X7, ((1, 0), (1, 0))))[:, 2]
    own("zeros_first: the zeros are on top and left. Where does an even kernel have them?", zeros_first)
    own(NO_BIAS, same[:, 2] - 1)
    own("row: this is the last row. Which index runs down a column?", same[2])
    asks("parameters", "how many weights and biases four filters of 3×3 on three channels have", [108, 4], ())
    own("one_channel: these filters see one channel. How deep is a filter?", [36, 4])
    own("one_filter: this is one filter. How many are there?", [27, 1])
    own("bias_per_channel: one bias for each filter and channel? How many has an output?", [108, 12])
    asks("moved", "by how much the four outputs move when W[1, 0] is nudged by 1", X7[1:, :2])
    another_weight = "another_weight: these are another weight's pixels. Where does W[1, 0] lie in Z[0, 0]?"
    for window in (X7[:2, 1:], X7[:2, :2], X7[1:, 1:]):
        own(another_weight, window)
    own("output: this is Z itself. Asked for is by how much it moves", z)
    asks("pixel", "by how much the four outputs move when X[0, 1] is nudged by 1", [[2, 1], [0, 0]])
    said = "other_way: this is the pixel's window read upright. Which weight lies on X[0, 1] in Z[0, 0]?"
    own(said, np.array([W[0], [0, 0]]))
    own("whole: the whole kernel moves them here. Which windows reach the first row?", TURNED)
    patches = layers.im2col(image(X7), (2, 3)).reshape(2, 6)
    asks("patches", "P for windows of 2×3: the two patches of X as rows", patches)
    by_columns = [X7[i : i + 2].T.ravel() for i in range(2)]
    own("by_columns: here each patch is read column by column. In which order is W?", by_columns)


def lesson_06(steps, asks, own):
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
    what = "by how much each of the four outputs moves when W[0, 1] is nudged by 1"
    asks("moved", what, seen, (X7,))
    for window in of_others:
        own(another_weight, window)
    own("weighted: this is multiplied by the weight. By what is a nudge of it multiplied?", seen * W[0, 1])
    asks("terms", "the four terms of the gradient at W[0, 1], from X and dZ", terms, (X7, DZ))
    for window in of_others:
        own(another_weight, window * DZ)
    own("moves: these are the moves of Z. By how much does each of them move the loss?", seen)
    own("dz_turned: dZ is turned here. Which pixel meets W[0, 1] in Z[0, 0]?", seen * DZ[::-1, ::-1])
    asks("one_output", "what output (1, 0) adds to dW, from X and dZ", DZ[1, 0] * windows[1, 0], (X7, DZ))
    for factor in (np.full((2, 2), DZ[1, 0]), DZ):
        for z in [(0, 0), (0, 1), (1, 1)]:
            own(another_output, factor[z] * windows[z])
    own("window: this is the window alone. How much does the loss ask of this output?", windows[1, 0])
    own("kernel: this is the kernel, which dX receives. What does the kernel receive?", DZ[1, 0] * W)
    asks("weight", "the gradient at W[0, 1], from X and dZ", dw[0, 1], (X7, DZ))
    one = "one: this is one product alone. How many outputs does the weight move?"
    steps.one_each(one, terms.flat, X7, DZ)
    own(mean, dw[0, 1] / 4)
    asks("dw", "dW, from X and dZ", dw)
    steps.conv_bugs(1, "dw_rotated", "last_window_only", x=X7)
    own(mean, dw / 4)
    of_turned = conv_back(DZ[::-1, ::-1], X7)[1]
    own("dz_turned: dZ is turned here. In Z[0, 0], what meets W[0, 0]?", of_turned)
    own("times_w: this is multiplied by W. Does a line's slope depend on the place?", dw * W)
    asks("db", "db, from dzs", db, ())
    own(mean, dzs.mean(axis=(0, 1, 2)))
    own("one_number: this is one number for all filters. How many biases are there?", dzs.sum())
    own("examples: this is one bias per example. Who shares a bias?", dzs.sum(axis=(1, 2)))
    own("places: this is one bias per place. Who shares a bias?", dzs.sum(axis=0))
    asks("places", "rows and columns of places where 24×18 fits into 28×20", (5, 3), ())
    own("steps: so often can it be moved. How many places is that, with the first?", (4, 2))
    asks("product", "dW as a matrix, from patch_rows and dz_rows", all_dw, ())
    own("turned: this is dZ times P. Which of the two runs down a column of W?", all_dw.T)
    own("divided: this is divided by M. Where is the 1/M of the mean already?", all_dw / 4)
    real = touched_by_weight((3, 4), (2, 2), padding="same")
    asks("real_terms", "how many terms of each weight's sum read a real pixel", real, ())
    all_twelve = np.full((2, 2), 12)
    own("everywhere: true of one weight only. Which weights hang over the edge?", all_twelve)
    own("top_left: the zeros are above and left here. Where are they?", real[::-1, ::-1])


def _corner_text(product, table):
    """Return what is true of all products dZ[z]·W[w] with this value; the corner's own has z = w = (0, 1)."""
    pairs = [(z, w) for value, z, w in table if value == product]
    if all(z == (0, 1) for z, _ in pairs):
        return "another_weight: this is the answer with another weight. Which one lies over the corner?"
    if all(w == (0, 1) for _, w in pairs):
        return "another_output: this is the answer with another dZ. Which output reads the corner?"
    return "another_product: this is another product. Which dZ reaches the corner, and through which weight?"


def lesson_07(steps, asks, own):
    """Convolution backward: the input."""
    dx, _, _ = conv_back()
    table = [(int(DZ[z] * W[w]), z, w) for z in np.ndindex(2, 2) for w in np.ndindex(2, 2)]
    asks("moved", "by how much the four outputs move when X[1, 1] is nudged by 1", TURNED, (W,))
    own("upright: here the kernel stands upright. Which weight lies on X[1, 1] in Z[0, 0]?", W)
    own("transposed: the kernel is transposed. Which weight lies on X[1, 1] in Z[0, 1]?", W.T)
    one_axis = "one_axis: one axis is turned, the other is not. Which weight lies on X[1, 1] in Z[0, 1]?"
    own(one_axis, W[::-1])
    own(one_axis, W[:, ::-1])
    asks("stamp", "the array that Z[0, 1] stamps onto dX", DZ[0, 1] * W, (DZ, W))
    own("turned: the kernel is turned. In Z[0, 1], which weight lies on X[0, 1]?", DZ[0, 1] * TURNED)
    for other in (DZ[0, 0], DZ[1, 0], DZ[1, 1]):
        own("another_output: this is another output's stamp. Which dZ is its own?", other * W)
    asks("corner", "the gradient at X[0, 2], from dZ and W", dx[0, 2], (DZ, W))
    for product in {product for product, _, _ in table} - {int(dx[0, 2])}:
        steps.one_each(_corner_text(product, table), [product], DZ, W)
    what = "for each of the nine pixels of X, how many products its gradient has"
    asks("terms", what, touched((3, 3), (2, 2), (2, 2)), ())
    own("everywhere: true of the middle only. How many outputs read a corner?", np.full((3, 3), 4))
    asks("total", "the sum of the nine gradients, without adding up the nine", dx.sum(), (DZ, W))
    asks("reads", "row and column of the output that reads X[3, 5] through W[2, 1]", [1, 4], ())
    own("added: here the offset is added. Which output row has row 3 under its weight row 2?", [5, 6])
    asks("middle", "the four products that meet at X[1, 1], each in its output's place", DZ * TURNED, (DZ, W))
    same = "not_turned: each dZ is multiplied by the weight of its own index. Which joins X[1, 1] to Z[0, 0]?"
    own(same, DZ * W)
    own("one_axis: one axis is turned. Which weight joins X[1, 1] to Z[0, 1]?", DZ * W[::-1])
    own("one_axis: one axis is turned. Which weight joins X[1, 1] to Z[0, 1]?", DZ * W[:, ::-1])
    padded = np.pad(DZ, ((1, 1), (2, 2)))
    asks("rim", "D, which is dZ with zeros around it, for a kernel of 2×3", padded)
    one_side = "one_side: all zeros are on one side. Which pixels does a window in the corner reach?"
    own(one_side, np.pad(DZ, ((2, 0), (4, 0))))
    own(one_side, np.pad(DZ, ((0, 2), (0, 4))))
    asks("dx", "dX, from dZ and W", dx)
    steps.conv_bugs(0, "no_rotation", "kernel_transposed", "rows_reversed_only", "overlap_overwritten")
    asks("swapped", "the shape of W̄ for a W of shape (4, 6, 5, 3)", [4, 6, 3, 5], ())
    own("not_swapped: this is W's own shape. How many channels has dZ, and how many dX?", [4, 6, 5, 3])


def lesson_08(steps, asks, own):
    """Stride, padding and dilation."""
    stride, dilation, geometry = {"stride": (1, 2)}, {"dilation": (1, 2)}, {"stride": 2, "padding": 1}

    def counts(outputs, **options):
        return touched((1, 12), (1, 3), (1, outputs), **options)[0]

    what = "how many outputs each of the twelve pixels moves (three weights, stride 2, dilation 2)"
    asks("touched", what, counts(4, **stride, **dilation), ())
    own("no_dilation: the count without dilation. What does the first window read?", counts(5, **stride))
    own("no_stride: the count with stride 1. Where does the second window start?", counts(8, **dilation))
    what = (
        "H_out and W_out, of 28×20 pixels, a 5×3 kernel, stride (3, 2), dilation (1, 4), 2 + 1 rows of zeros"
    )
    asks("size", what, [9, 6], ())
    own("one_short: the first window is missing. If none can be moved, how many are there?", [8, 5])
    own("rounded_up: the last windows reach over the edge. Which way is one to round?", [10, 7])
    own("no_dilation: there is no dilation in it. How far apart are the first and last weight?", [9, 9])
    own("span: the span is d·F here. How many gaps are there between F weights?", [9, 5])
    own("top_twice: the zeros above are counted twice. How many lie below?", [10, 6])
    asks("reads", "row and column of the pixel that Z[6, 3] reads through W[1, 2]", [16, 15], ())
    own("no_padding: these are the padded image's. Where does its own row 0 lie?", [20, 16])
    own("exchanged: stride and dilation are exchanged. Which of them moves the window?", [11, 18])
    own("no_stride: the window has not jumped. On which row does window 1 start?", [4, 12])
    own("no_dilation: the weights are neighbours here. How far apart do they lie?", [15, 7])
    spread = np.array([[0, 0, DZ_ROW[0, 0], 0, DZ_ROW[0, 1], 0, 0, 0]])
    dx_row = conv_back(DZ_ROW, np.zeros((1, 6)), W_ROW, **stride)[0]
    asks("row", "dX of the row, six numbers, from dz_row and w_row", dx_row[0], (W_ROW, DZ_ROW))
    said = "stride_1: here the windows are one pixel apart. On which pixel does the second one start?"
    own(said, conv_back(DZ_ROW, np.zeros((1, 4)), W_ROW)[0][0].tolist() + [0, 0])
    said = "turned: each stamp is turned. Which weight lies on the first pixel?"
    own(said, conv_back(DZ_ROW, np.zeros((1, 6)), W_ROW[:, ::-1], **stride)[0][0])
    own("no_remainder: the pixel that is left over is missing. How many pixels has the row?", dx_row[0, :5])
    what = "dZ of the row with all its zeros: between, beside, and for the pixel that is left over"
    asks("between", what, spread[0], (DZ_ROW,))
    own("no_remainder: with this row dX has five numbers. Which pixel has no window?", spread[0, :7])
    said = "not_between: there is no zero between. Which outputs of stride 1 were thrown away?"
    own(said, np.pad(DZ_ROW[0], (2, 3)))
    own(said, np.pad(DZ_ROW[0], (2, 2)))
    said = "no_overhang: dX comes out too short. Which weights of the kernel reach the first pixel?"
    own(said, spread[0, 2:5])
    own(said, spread[0, 2:6])
    asks("dw", "dW with stride 2 and padding 1, from X and dZ", conv_back(x=X7, **geometry)[1], (X7, DZ))
    steps.conv_bugs(1, "stride_ignored", "last_window_only", x=X7, **geometry)
    own("plain: this is dW with stride 1 and no padding. Which pixel is under Z[0, 0]?", conv_back(x=X7)[1])
    what = "the pairs (output row, kernel row) that lead to row 1, of s = 4, d = 2, p_top = 3, F = 3"
    asks("readers", what, [[0, 2], [1, 0]], ())
    said = "crossed: here the first window reads with its first row. Does it lie on the image?"
    own(said, [[0, 0], [1, 2]])
    own("kernel_first: these are (kernel row, output row). Which of the two is first?", [[2, 0], [0, 1]])
    own("other_order: in the other order, please. Which output row is the smaller?", [[1, 0], [0, 2]])
    what = "which of the rows 0 to 7 get no gradient, with s = 4, d = 2, p_top = 3, F = 3"
    asks("silent", what, [0, 2, 4, 6, 7], ())
    own("even_only: these no window could read. Which row would only a further window read?", [0, 2, 4, 6])
    own("below_only: these lie below all that is read. Are there rows between that nobody reads?", [6, 7])
    own("read: these are the rows that do get one. Which are left?", [1, 3, 5])
    asks("around", "the zeros around G: top, bottom, left, right, in the general example", [1, 6, -1, 2], ())
    own("no_remainder: the remainders are missing. Behind which sides is something left over?", [1, 3, -1, 1])
    own("not_cropped: no side is below zero here. What has the first column of Z seen?", [1, 6, 0, 2])
    own("positive: one sign is lost. Can more padding forward mean more of it backward?", [1, 6, 1, 2])
    own("by_axis: top and left come first here. In which order are they asked for?", [1, -1, 6, 2])
    what = "the shape of a kernel (3, 2, 6, 5) with filters first, then channels, rows, columns"
    asks("layout", what, [5, 6, 3, 2], ())
    own("channels_first: here channels come before filters. Which axis of W is last?", [6, 5, 3, 2])
    own("reversed_rows: rows and columns are exchanged. Do they change places?", [5, 6, 2, 3])


def lesson_09(steps, asks, own):
    """Pooling."""

    def pool(x=X, dz=DZ, stride=1, mode="max"):
        z, cache = layers.pool_forward(image(x), size=2, stride=stride, mode=mode)
        return flat(z), flat(layers.pool_backward(image(dz), cache))

    (z, dx), (mean, shared) = pool(), pool(mode="average")
    what = "by how much the outputs move in all, for each of the 16 pixels nudged by 1 (max, tiles of 2×2)"
    asks("moved", what, pool(LITTLE, np.ones((2, 2)), stride=2)[1], (LITTLE,))
    quarter = np.full((4, 4), 0.25)
    own("average: this is right for the average. Which pixel moves a maximum?", quarter)
    asks("size", "H_out and W_out of 28×20 pixels, windows of 3×4, stride (2, 3)", [13, 6], ())
    own("one_short: the first window is missing. If none can be moved, how many are there?", [12, 5])
    own("rounded_up: the last windows reach over the edge. Which way is one to round?", [14, 7])
    own("tiles: here the windows stand side by side. Which number moves them?", [9, 5])
    own("by_stride: this divides the size by the stride. Do the last windows fit?", [14, 6])
    asks("z", "Z of max pooling, windows of 2×2, stride 1", z, (X,))
    own("average: these are the windows' means. What does max pooling keep?", mean)
    asks("dx", "dX of max pooling, windows of 2×2, stride 1", dx, (X, DZ))
    for name in ("overlap_overwritten", "always_the_last", "returns_in_the_loop"):
        steps.known(f"pool.{name}", None, image(DZ), image(X), size=2, stride=1, mode="max")
    own("average: here each gradient is shared out. Which pixel moves a maximum?", shared)
    asks("average", "4 dX of average pooling, windows of 2×2, stride 1", 4 * shared, (X, DZ))
    steps.itself(4, "dX")
    own("max: the largest pixel takes it all here. How does an average share it out?", 4 * dx)
    what = "dX of a row of seven pixels: average, windows of 3, stride 2, from dz_row"
    asks("row", what, [1, 1, 3, 2, 1, -1, -1], (POOLED_ROW,))
    said = "overwritten: one term is kept where two windows meet. Which windows read that pixel?"
    own(said, [1, 1, 2, 2, -1, -1, -1])
    own("not_shared: each pixel gets all of dZ. Among how many is it shared?", [3, 3, 9, 6, 3, -3, -3])
    own("tiles: the windows do not overlap. On which pixel does the second start?", [1, 1, 1, 2, 2, 2, -1])
    asks("place", "row and column of number 11 of a 4×5 window, counted in reading order from 0", [2, 1], ())
    own("by_columns: this counts down the columns. In which order does one read?", [3, 2])
    own("from_one: this counts from one. Which number has the first pixel?", [2, 0])
    own("exchanged: row and column are exchanged. Which comes first?", [1, 2])
    what = "the two windows that X[4, 5] is in, of 3×4 with stride (2, 3), as (row, column) of Z"
    asks("windows", what, [[1, 1], [2, 1]], ())
    own("too_far: one of these lies above the pixel. On which rows does it stand?", [[0, 1], [1, 1]])
    own("side_by_side: these stand beside each other. Which columns has the first?", [[1, 0], [1, 1]])
    what = f"how many pixels share the maximum of each tile of 2×2, in {shown(TYING)}"
    asks("ties", what, [[3, 3], [1, 4]], (TYING,))
    own("zeros: four equal pixels tie, though they are 0. What is the maximum of zeros?", [[3, 3], [1, 0]])
    own("others: this counts the others. Does the first of equals hold the maximum too?", [[2, 2], [0, 3]])


def lesson_10(steps, asks, own):
    """Whole network; its gradients are doubled to be whole numbers."""
    z1, conv1 = layers.conv_forward(image(X), W[:, :, None, None], np.array([-10]))
    a, _ = layers.relu_forward(z1)
    p, pool = layers.pool_forward(a, size=(1, 2))
    q, flatten = layers.flatten_forward(p)
    z2, fc = layers.fc_forward(q, W2, BIAS2)
    dz2 = whole(2 * (layers.softmax(1.0 * z2) - [[1, 0]]))
    dq, dw2, _ = layers.fc_backward(dz2, fc)
    both = np.repeat(dq.T, 2, axis=1)
    da = layers.pool_backward(layers.flatten_backward(dq, flatten), pool)  # no winner is closed: dZ⁽¹⁾ too
    dx, dw1, _ = layers.conv_backward(da, conv1)
    joins, winner = (
        "Which weight joins Q[0] to the second score?",
        "Which pixel of a window moves its maximum?",
    )
    on_the_way = np.array([28 * 28, 25, 16, 64, 10])
    what = "how many paths lead from one weight of conv1 to the ten scores"
    asks("paths", what, on_the_way.prod(), (on_the_way,))
    own("one_filter: here one filter reads each map. How many filters has conv2?", 784 * 25 * 64 * 10)
    own("one_place: here a filter reads each number once. How large is its window?", 784 * 16 * 64 * 10)
    own("one_unit: here a number of conv2 is read once. How many units read it?", 784 * 25 * 16 * 10)
    own("one_score: these lead to one score. How many scores does a unit reach?", 784 * 25 * 16 * 64)
    asks("z1", "Z⁽¹⁾, from X, W⁽¹⁾ and b⁽¹⁾", flat(z1))
    own(NO_BIAS, conv(b=0))
    own("turned: the kernel is turned by 180°. What lies on X[0, 0]?", conv(w=TURNED, b=-10))
    asks("q", "Q, the two numbers that pooling leaves", q[0])
    means = flat(a).mean(axis=1)
    own("mean: these are the windows' means. What does max pooling keep?", means)
    own("columns: these are the columns' largest. Which two lie in a window?", flat(a).max(axis=0))
    what = f"the two scores Z⁽²⁾ = Q W⁽²⁾ + b⁽²⁾, with b⁽²⁾ = {shown(OTHER_BIAS2)} for once"
    asks("z2", what, (q @ W2 + OTHER_BIAS2)[0], (X, W, W2, OTHER_BIAS2))
    own("no_bias: this is Q W⁽²⁾ without the bias. What is Z⁽²⁾ where Q is 0?", (q @ W2)[0])
    own(f"transposed: W⁽²⁾ is transposed here. {joins}", (q @ W2.T + OTHER_BIAS2)[0])
    own("lesson_bias: this is with the b⁽²⁾ above. Which b⁽²⁾ is asked for?", z2[0])
    asks("dz2", "2 dZ⁽²⁾, twice the gradient at the scores", dz2[0])
    steps.itself(2, "dZ⁽²⁾")
    # This is true of the other label's gradient as well, which is the same.
    own("sign: every sign is the other way round. Which score has to rise?", -dz2[0])
    own("no_label: this is 2 Ŷ. What does the label take off?", dz2[0] + [2, 0])
    asks("dw2", "2 dW⁽²⁾, from Q and dZ⁽²⁾", dw2)
    steps.itself(2, "dW⁽²⁾")
    asks("dq", "2 dQ, from dZ⁽²⁾ and W⁽²⁾", dq[0])
    steps.itself(2, "dQ")
    own(f"not_transposed: W⁽²⁾ is not transposed here. {joins}", (dz2 @ W2)[0])
    asks("da", "2 dA, through flatten and pooling", flat(da))
    steps.itself(2, "dA")
    own(f"spread: both pixels of a window get all of it. {winner}", both)
    own(f"shared: each window shares it out. {winner}", both / 2)
    said = "first: this pays the first pixel of each window. Which is the larger?"
    own(said, np.hstack([dq.T, np.zeros((2, 1))]))
    asks("dw1", "2 dW⁽¹⁾, from dZ⁽¹⁾ and X", flat(dw1))
    steps.itself(2, "dW⁽¹⁾")
    asks("dx", "2 dX, from dZ⁽¹⁾ and W⁽¹⁾", flat(dx))
    steps.itself(2, "dX")
    steps.conv_bugs(0, "no_rotation", dz=flat(da))
    first, second = (conv_back(flat(da) * (flat(da) == winner))[0] for winner in dq[0])
    said = "overwritten: one stamp has replaced the other where they meet. What does a gradient do there?"
    own(said, np.where(second != 0, second, first))
    own(said, np.where(first != 0, first, second))
    own("another_dz: this is the convolution lessons' dX. Which gradient arrives here?", conv_back()[0])


def lesson_11(steps, asks, own):
    """MNIST: the batches, the velocity, the step and its rate."""
    first, second, third = THREE_G
    velocity = (first / 2 + second) / 2 + third
    asks("steps", "the steps of an epoch: N = 3000 digits in batches of M = 64", 47, (np.array([3000, 64]),))
    own("whole_batches: these are the full batches. Who takes the digits that are left over?", 46)
    own("fraction: this is N / M. What happens to the digits that do not fill a batch?", 3000 / 64)
    asks("batch", "the digits of the last batch, of an order of eight, in batches of 3", ORDER[6:], (ORDER,))
    own("whole: some of these have been seen. Where does the third batch start?", ORDER[-3:])
    own("places: these are places in the order. Which digits stand there?", [6, 7])
    own("second: this batch comes before. How many digits does it leave?", ORDER[3:6])
    asks("velocity", "the velocity after three gradients, with μ = ½", velocity, (THREE_G,))
    own("sum: here no gradient fades. What happens to the old velocity?", THREE_G.sum(axis=0))
    own("last: this is the newest gradient. What is left of the velocity?", third)
    own("two: these are two gradients. How many are there?", first / 2 + second)
    said = "oldest: here the oldest gradient counts in full, and the newest least. Which of them fades?"
    own(said, first + second / 2 + third / 4)
    said = "mean: here the new gradient is halved as well. What does μ multiply?"
    own(said, ((first / 2) / 2 + second / 2) / 2 + third / 2)
    what = "by how much the third step moves θ, with μ = ½ and η = 2"
    asks("step", what, -2 * (third + velocity / 2), (THREE_G,))
    own("uphill: this goes up the loss. What is the sign of a step?", 2 * (third + velocity / 2))
    own("plain: g plus μ times the old velocity is the new one. Which is in the bracket?", -2 * velocity)
    own("no_rate: the learning rate is missing. What multiplies the bracket?", -(third + velocity / 2))
    own("undamped: the velocity is added whole. What multiplies it in the bracket?", -2 * (third + velocity))
    own("gradient: this is η times the gradient. Where is the velocity?", -2 * third)
    what = "the rate in thousandths, at f = ⅓ of the way from η_a = 2 up to η_b = 50"
    asks("rate", what, 14, (np.array([2, 50]),))
    own("line: this is a straight line. What is the cosine of a third of π?", 18)
    own("from_above: this comes down from the larger one. At which end is f = 0?", 38)
    own("mean: this is the mean of both. What is half of 1 + ½?", 26)
    own("units: this is the rate itself. How many thousandths is it?", 0.014)


def lesson_12(steps, asks, own):
    """Fast convolution."""
    P = layers.im2col(image(TINY), (2, 2))
    asks("row", "row 4 of P, what lies under the window at (1, 1): four numbers", P[4])
    own("by_columns: this reads the window down its columns. In which order are (u, v)?", P[4, [0, 2, 1, 3]])
    own("another_window: this is another window's row. Where does the one at (1, 1) begin?", P[3])
    asks("column", "column 2 of P, what the weight W[1, 0] meets: six numbers", P[:, 2])
    own("another_weight: this is what W[0, 1] meets. Which column has (u, v) = (1, 0)?", P[:, 1])
    own(
        "by_columns: this goes down the columns of windows. Which window is row 1 of P?",
        P[[0, 3, 1, 4, 2, 5], 2],
    )
    what = "the rows, and below them the columns, of X that row 5 of P reads: 2 × 4 numbers"
    asks("places", what, [[1, 1, 2, 2], [2, 3, 2, 3]])
    own("offsets: these are the offsets (u, v). To what are they added?", [[0, 0, 1, 1], [0, 1, 0, 1]])
    own("swapped: rows and columns are exchanged. Which comes first?", [[2, 3, 2, 3], [1, 1, 2, 2]])
    where = np.array([1, 2, 4, 2])
    what = f"the place in memory of X{shown(where)}, in numbers, for x of shape (2, 5, 6, 3)"
    asks("address", what, 140, (where,))
    own("columns_first: here rows are the faster axis. How far is it to the next row?", 132)
    own("in_bytes: this is in bytes of 4. How many numbers are that?", 560)
    what = "the strides of the view of all windows, in numbers, for a padded x with strides (210, 30, 3, 1)"
    asks("strides", what, [210, 30, 3, 30, 3, 1], ())
    own("copy: a fresh array has these. Does the view have memory of its own?", [1350, 270, 45, 15, 3, 1])
    own("flat: in a window every step is one pixel here. What does u + 1 move by?", [210, 30, 3, 3, 3, 1])
    what = "how many multiply-adds conv1 takes for one digit, for H = 28, W = 28, F = 5, C = 1, K = 8"
    asks("count", what, 28 * 28 * 25 * 8, (np.array([28, 5, 1, 8]),))
    own(
        "no_padding: here the kernel stays inside the image. What does padding 'same' keep?", 24 * 24 * 25 * 8
    )
    own("one_axis: the kernel has rows and columns. How many weights has a filter?", 28 * 28 * 5 * 8)
    own("one_filter: this is for one filter. How many are there?", 28 * 28 * 25)
    what = "how many bytes P of conv1 takes for M = 64 digits, for H = 28, W = 28, F = 5, C = 1"
    asks("bytes", what, 4 * 64 * 28 * 28 * 25, (np.array([64, 28, 5, 1]),))
    own("numbers: so many numbers are in P. How many bytes is each?", 64 * 28 * 28 * 25)
    own("doubles: this is for 8 bytes a number, or for conv2. How large is a float32?", 8 * 64 * 28 * 28 * 25)
    what = "im2col's FLOPs for each byte in conv1, for C = 1, K = 8, R = 25"
    asks("intensity", what, 200 / 118, (np.array([1, 8, 25]),))
    own("once: here P is carried once. Who writes it, and who reads it?", 200 / 68)
    own("per_number: this is for each number. How many bytes is that?", 400 / 59)
    own("multiply_adds: this counts a multiply-add once. How many FLOPs is it?", 100 / 118)
    z = np.stack([TWO_TILES[:, :2].ravel(), TWO_TILES[:, 2:].ravel()])
    what = f"ReLU(z − 2), pooled by 2×2, of z = {shown(TWO_TILES)}: two numbers"
    asks("pooled", what, np.maximum(z.max(axis=1) - 2, 0), (TWO_TILES,))
    own("no_bias: this is without the bias. What is taken off each number?", np.maximum(z.max(axis=1), 0))
    own("no_relu: one of these is negative. What does ReLU make of it?", z.max(axis=1) - 2)
    what = f"the multiply-adds of a training step of one digit, for A = {shown(LENET_A)}"
    asks("step", what, 3 * LENET_A.sum() - LENET_A[0], (LENET_A,))
    own("all_of_it: this has a dX of the first layer. Who asks for it?", 3 * LENET_A.sum())
    own("last: this leaves out dX of the last layer. Whose dX has no use?", 3 * LENET_A.sum() - LENET_A[-1])
    own("two_parts: forward and one part backward. How many products has a backward pass?", 2 * LENET_A.sum())
    given = (FOUR_PIXELS, THREE_WEIGHTS)
    what = "m₂, m₃ and m₄ of Winograd's four products, for pixels 2, −1, 4, 7 and weights 5, 1, −2"
    asks("winograd", what, [6, 5, 16], given)
    own("no_halves: two of these are twice too large. What stands before the brackets?", [12, 10, 16])
    own("signs: m₃ has the sign of x₁ − x₂. Which is taken from which?", [6, -5, 16])


LESSONS = {name[-2:]: made for name, made in list(globals().items()) if name.startswith("lesson_")}


@cache
def steps_of(lesson):
    """Return the steps of a lesson such as "07" by number; none if it has none."""
    steps = Steps(lesson, EXAMPLES.get(lesson, ()))
    if lesson in LESSONS:
        LESSONS[lesson](steps, steps.asks, steps.own)
    return {step.number: step for step in steps}


def all_steps():
    """Return all steps by number, in the order of the lessons."""
    return {number: step for lesson in LESSONS for number, step in steps_of(lesson).items()}
