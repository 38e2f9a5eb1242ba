"""The one-line steps of the lessons: what each asks for, and the wrong values that are known.

Every right value is computed, by `layers` or from the numbers of the lesson's worked example (`EXAMPLES`).
A lesson's steps are made when the first of them is asked for.
"""

from dataclasses import replace
from functools import cache

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._line import Mistake, Step
from backprop_helpers.checking.misconceptions import misconceptions

X, W, DZ = (
    np.array([[3, 1, 2], [0, 4, 1], [5, 2, 6]]),
    np.array([[1, 2], [3, -1]]),
    np.array([[1, -2], [3, 2]]),
)
CARDS_X = np.array([[3, 1, 2], [7, 4, 1], [5, 2, 6]])  # no 0, and dW is not symmetric
TURNED = W[::-1, ::-1]
A, B, DC = np.array([[1, 2]]), np.array([[3, 0, -1], [1, 4, 2]]), np.array([[2, -1, 1]])
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
    "02": (FC_X, FC_W, FC_B, FC_DZ),
    "03": (FIVE, RELU_Z, RELU_DA),
    "04": (E, LABELS),
    "05": (X, W),
    "06": (CARDS_X, W, DZ),
    "07": (X, W, DZ),
    "08": (X, W, DZ),
    "09": (X, DZ, LITTLE),
    "10": (X, W, W2, BIAS2),
}
NO_BIAS = "no_bias: this is Z without the bias. What is Z where X is 0?"

# --- how a step is declared


def step(number, asks, value, *mistakes, given=None):
    """Return a step.

    Parameters
    ----------
    number : str
        The lesson and a name, such as "07.corner".
    asks : str
        In a few words, such as "the gradient at X[0, 0], from dZ and W".
    value : callable or array_like
        The right value.
    *mistakes : Mistake
        From `own` and `known`.
    given : sequence of ndarray, optional
        The arrays that the answer is made of, if not the lesson's `EXAMPLES`.
    """
    lesson, _, name = number.partition(".")
    mistakes = [replace(m, name=f"{name}.{m.name}") if m.text else m for m in mistakes]
    return Step(number, asks, value, mistakes, EXAMPLES[lesson] if given is None else given)


def own(said, value):
    """Return a mistake of this step: ``"name: what to say. And a question?"``, and what it gives."""
    name, _, text = said.partition(": ")
    return Mistake(name, value, text)


def itself(times, name, value):
    """Return the mistake of giving dX, where a multiple such as 4 dX is asked for."""
    return own(f"itself: this is {name} itself; asked for is {times} {name}", value / times)


def one_each(said, values, *arrays):
    """Return a mistake for each value, but for those that any other slip with the arrays would give as well.

    These are single entries, sums and sizes, and 0.
    """
    plain = plain_numbers(*arrays)
    return [own(said, value) for value in sorted({int(value) for value in values} - plain)]


def plain_numbers(*arrays):
    """Return what needs no method: 0, the entries of the arrays, their sums, and how many there are."""
    numbers = {0}
    for array in arrays:
        numbers |= {*array.ravel().tolist(), array.sum().item(), array.size, *array.shape}
        numbers |= {total for axis in range(array.ndim) for total in np.ravel(array.sum(axis=axis)).tolist()}
    return numbers


def shown(array):
    """Return an array as `asks` shows it: ``[[−2, 5], [4, 3]]``."""
    return str(array.tolist()).replace("-", "−")


def known(name, part, *arrays, **options):
    """Return a mistake of the catalogue: of what its function returns the part with that index, or all."""

    def value():
        answer = misconceptions[name].wrong(*arrays, **options)
        return flat(answer if part is None else answer[part])

    return Mistake(name, value)


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


def conv_bugs(part, *names, dz=DZ, x=X, **options):
    """Return mistakes of the catalogue about conv_backward: dx (part 0), dw (1) or db (2)."""
    options = {"stride": 1, "padding": 0, "dilation": 1} | options
    return [known(f"conv.{n}", part, image(dz), image(x), W[:, :, None, None], **options) for n in names]


def whole(array):
    """Return the whole numbers that came out of exponentials, without their rounding errors."""
    assert np.allclose(array, np.rint(array), rtol=0, atol=1e-9)
    return np.rint(array)


# --- the lessons


def lesson_00():
    """Return the steps of lesson 00: nudges."""

    def chain(w=3, x=2, b=-1, y=1, closed=True):  # J = ½(ReLU(wx + b) − y)² + w²
        e = max(w * x + b, 0) - y
        dz = e if w * x + b > 0 or not closed else 0
        return dz * x + 2 * w, dz * w, dz, -e

    dw, dx, db, dy = chain()
    da, db_matrix, _ = layers.fc_backward(DC, layers.fc_forward(A, B, np.zeros(3))[1])
    one_path = "one_path: this is one of the paths alone. How many arrows leave w?"
    numbers = (np.array([3, 2, -1, 1]),)
    return [
        step(
            "00.nudge",
            "by how many nudges each of the four outputs moves",
            layers.relu_backward(np.ones(4), layers.relu_forward(FOUR)[1]),
            own("tutorial: here all of them move. What does ReLU make of a negative z?", np.ones(4)),
        ),
        step(
            "00.dw",
            "dw, over both paths, for w = 3, x = 2, b = −1, y = 1",
            dw,
            own(one_path, db * 2),  # and not 2w = 6, which is wx as well
            own("multiplied: slopes multiply along a path. What do the two paths do?", db * 2 * 2 * 3),
            given=numbers,
        ),
        step(
            "00.dx",
            "dx, for w = 3, x = 2, b = −1, y = 1",
            dx,
            own("own_factor: this is dp times x. By what does a nudge of x move p = wx?", db * 2),
            own("no_upstream: this is the slope of p = wx alone. What arrives at p from above?", 3),
            given=numbers,
        ),
        step(
            "00.dy",
            "dy, for w = 3, x = 2, b = −1, y = 1",
            dy,
            own("sign: this is the gradient at e. When y rises, does e = a − y rise?", -dy),
            given=numbers,
        ),
        step(
            "00.closed",
            "(dw, dx, db, dy) with b = −7",
            chain(b=-7),
            own("open: here ReLU lets the gradient through. What is z now?", chain(b=-7, closed=False)),
            own("first_round: these are the gradients of the first round. What is b now?", chain()),
            given=(),
        ),
        step("00.product_da", "dA for C = AB", da),
        step("00.product_db", "dB for C = AB", db_matrix),
    ]


def lesson_02():
    """Return the steps of lesson 02: fully connected."""
    z, cache = layers.fc_forward(FC_X, FC_W, FC_B)
    dx, dw, db = layers.fc_backward(FC_DZ, cache)

    def bugs(part, *names):
        return [known(f"fc.{name}", part, FC_DZ, FC_X, FC_W) for name in names]

    another_input = "another_input: this is what another input would do. Which one does the weight multiply?"
    another_weight = "another_weight: these are the weights of another input. Which row of W is X[3, 2]'s?"
    one_output = "one_output: this is the card of one output alone. How many outputs read X[1, 0]?"
    another_example = "another_example: this is row 0. Which row of dZ belongs to example 1?"
    outer = [np.outer(*rows) for rows in zip(FC_X, FC_DZ)]
    return [
        step(
            "02.column",
            "by how much the four outputs of column 1 move when W[0, 1] is nudged by 1",
            FC_X[:, 0],
            own(another_input, FC_X[:, 1]),
            own(another_input, FC_X[:, 2]),
            own("output: this is the column of Z itself. Asked for is by how much it moves", z[:, 1]),
            given=(FC_X, FC_W, FC_B),
        ),
        step(
            "02.row",
            "by how much the two outputs of row 3 move when X[3, 2] is nudged by 1",
            FC_W[2],
            own(another_weight, FC_W[0]),
            own(another_weight, FC_W[1]),
            own("output: this is the row of Z itself. Asked for is by how much it moves", z[3]),
            given=(FC_X, FC_W, FC_B),
        ),
        step(
            "02.cards",
            "the three products that add up to Z[1, 1], before the bias",
            FC_X[1] * FC_W[:, 1],
            own(
                "another_output: these add up to Z[1, 0]. Which column of W does Z[1, 1] use?",
                FC_X[1] * FC_W[:, 0],
            ),
            own(
                "another_example: these add up to Z[0, 1]. Which row of X does Z[1, 1] read?",
                FC_X[0] * FC_W[:, 1],
            ),
            given=(FC_X, FC_W),
        ),
        step("02.z", "Z, from X, W and b", z, own(NO_BIAS, FC_X @ FC_W)),
        step(
            "02.corner",
            "dW[0, 0], from X and dZ",
            dw[0, 0],
            own("divided: this is divided by M. Where is the 1/M of the mean already?", dw[0, 0] / len(FC_X)),
            given=(FC_X, FC_DZ),
        ),
        step(
            "02.dx_row",
            "the gradients of the three inputs of example 1, from dZ and W",
            dx[1],
            own(one_output, FC_DZ[1, 0] * FC_W[:, 0]),
            own(one_output, FC_DZ[1, 1] * FC_W[:, 1]),
            own(another_example, dx[0]),
        ),
        step(
            "02.dw",
            "dW, from X and dZ",
            dw,
            *bugs(1, "last_example_only", "dw_transposed", "divided_by_m_again"),
        ),
        step(
            "02.dx",
            "dX, from dZ and W",
            dx,
            own("divided: this is divided by M. Do two examples share an input?", dx / len(FC_X)),
        ),
        step(
            "02.db",
            "db, from dZ",
            db,
            *bugs(2, "bias_summed_over_units", "bias_averaged"),
            own("one_number: this is the sum of all of dZ. How many biases are there?", FC_DZ.sum()),
        ),
        step(
            "02.outer",
            "what example 1 adds to dW",
            outer[1],
            own("another_example: this is what example 0 adds. Which row is example 1?", outer[0]),
            own("turned: this is dZ times X. Which of the two runs down a column of dW?", outer[1].T),
            own("batch: this is the dW of all four examples. What does one of them add?", dw),
        ),
    ]


def lesson_03():
    """Return the steps of lesson 03: ReLU."""
    (before, _), (after, _) = layers.relu_forward(FIVE), layers.relu_forward(FIVE + 0.5)
    a, cache = layers.relu_forward(RELU_Z)
    kink = "kink: the entry on the kink passes here. Which slope did we choose there?"
    names = "no_mask", "mask_from_gradient", "multiplied_by_output", "upstream_forgotten"
    return [
        step(
            "03.nudge",
            "by how much each of the five outputs moves when its z is nudged up by 0.5",
            after - before,
            own("crossing: one z crosses 0. How much of its nudge is left from there?", 0.5 * (FIVE >= 0)),
            own("mask: slope times nudge. Where do those end that start at 0 or below?", 0.5 * (FIVE > 0)),
            own("all: this is how far z moves. How far does the output move?", np.full(5, 0.5)),
        ),
        step(
            "03.a",
            "A, from Z",
            a,
            own("mask: this is the mask. What does it let through?", RELU_Z > 0),
            own("absolute: this is |Z|. What becomes of a negative entry?", abs(RELU_Z)),
        ),
        step(
            "03.mask",
            "the mask, 1 where ReLU lets the gradient through",
            RELU_Z > 0,
            own(kink, RELU_Z >= 0),
            own("turned: this marks what is cut off. Which entries pass?", RELU_Z <= 0),
            own("gradient: this is the mask of dA. Which array decided, on the way forward?", RELU_DA > 0),
        ),
        step(
            "03.dz",
            "dZ, from dA and the mask",
            layers.relu_backward(RELU_DA, cache),
            *(known(f"relu.{name}", None, RELU_DA, RELU_Z) for name in names),
            own(kink, RELU_DA * (RELU_Z >= 0)),
        ),
    ]


def lesson_04():
    """Return the steps of lesson 04: softmax and cross-entropy."""
    labels, scores = np.array(LABELS), np.log(E)
    y_hat = layers.softmax(scores)
    surprise = -np.log(y_hat[[0, 1], labels])
    g, dz = whole(64 * layers.softmax_jacobian(y_hat)[0]), (y_hat - np.eye(3)[labels]) / 2

    def bug(name):
        return Mistake(name, lambda: 16 * misconceptions[name].wrong(scores, labels))

    names = "not_divided_by_m", "sign_flipped", "mean_over_all_entries", "extra_derivative"
    return [
        step(
            "04.y_hat",
            "Ŷ of the first example, three probabilities",
            y_hat[0],
            own("not_divided: these are the E. What do three probabilities add up to?", E[0]),
            own("of_e: this is the softmax of E. Are the scores E, or ln E?", layers.softmax(1.0 * E)[0]),
        ),
        step(
            "04.loss",
            "the mean loss of the two examples",
            surprise.mean(),
            own("sum: this is the sum over the examples. What does the loss do with M?", surprise.sum()),
            own("sign: this is below 0. Can a logarithm of a probability be above 0?", -surprise.mean()),
        ),
        step(
            "04.jacobian",
            "64 G of the first example, nine whole numbers",
            g,
            itself(64, "G", g),
            own("diagonal: only the diagonal is there. What else does a score move?", np.diag(np.diag(g))),
            own("signs: the signs off the diagonal are flipped. What does each row add up to?", abs(g)),
        ),
        step(
            "04.dz",
            "16 dZ of both examples, whole numbers",
            whole(16 * dz),
            *(bug(f"softmax_cross_entropy.{name}") for name in names),
            itself(16, "dZ", 16 * dz),
        ),
    ]


def lesson_05():
    """Return the steps of lesson 05: convolution forward."""
    pixel = np.zeros((7, 7))
    pixel[3, 3] = 1
    arrays = image(X), W[:, :, None, None], np.array([1])
    corner, by_columns = conv(b=2)[1, 0], [X[i : i + 2].T.ravel() for i in range(2)]
    return [
        step(
            "05.stamp",
            f"the 5×5 output for one pixel of 1 in the middle of 7×7, with the kernel {shown(UNEVEN_L)}",
            conv(pixel, UNEVEN_L, 0),
            own("upright: the L is upright here. Which weight lies on the pixel first?", np.pad(UNEVEN_L, 1)),
            own(
                "transposed: the L is transposed here. Which weight lies on the pixel first?",
                np.pad(UNEVEN_L.T, 1),
            ),
            given=(UNEVEN_L,),
        ),
        step(
            "05.corner",
            "Z[1, 0], from X and W, with b = 2",
            corner,
            own(NO_BIAS, conv(b=0)[1, 0]),
            own("every: here b is added with every product. How many biases has Z[1, 0]?", corner + 3 * 2),
            own(
                "transposed: this is what the transposed kernel gives. Which weight lies on X[1, 1]?",
                conv(b=2, w=W.T)[1, 0],
            ),
            own(
                "turned: this is what the turned kernel gives. Which weight lies on X[1, 0]?",
                conv(b=2, w=TURNED)[1, 0],
            ),
            given=(X, W),
        ),
        step(
            "05.z",
            "Z, from X, W and b",
            conv(),
            own(NO_BIAS, conv(b=0)),
            own("turned: the kernel is turned by 180°. In Z[0, 0], what lies on X[0, 0]?", conv(w=TURNED)),
            own("transposed: the kernel is transposed. In Z[0, 0], what lies on X[0, 1]?", conv(w=W.T)),
            known("conv.bias_in_every_term", None, *arrays, stride=1, padding=0, dilation=1),
        ),
        step(
            "05.patches",
            "P for windows of 2×3: the two patches of X as rows",
            layers.im2col(image(X), (2, 3)).reshape(2, 6),
            own("by_columns: here each patch is read column by column. In which order is W?", by_columns),
        ),
        step(
            "05.same",
            'Z with padding "same"',
            conv(padding="same"),
            own(
                "zeros_first: the zeros are on top and left. Where does an even kernel have them?",
                conv(np.pad(X, ((1, 0), (1, 0)))),
            ),
            own(NO_BIAS, conv(b=0, padding="same")),
        ),
    ]


def lesson_06():
    """Return the steps of lesson 06: weights and bias."""
    draw = np.random.default_rng(5)
    shapes = (4, 7, 9, 6), (3, 2, 6, 10), (10,), (4, 5, 8, 10)
    xs, ws, bs, dzs = (draw.integers(-2, 3, size=shape) for shape in shapes)
    _, all_dw, db = layers.conv_backward(dzs, layers.conv_forward(xs, ws, bs)[1])
    _, dw, _ = conv_back(x=CARDS_X)
    seen, terms = CARDS_X[0:2, 1:3], CARDS_X[0:2, 1:3] * DZ
    another_weight = "another_weight: this is what another weight sees. Which pixel meets W[0, 1] in Z[0, 0]?"
    another_output = "another_output: this is what another output adds. Which window does Z[1, 0] read?"
    mean = "averaged: this is a mean. One nudge moves many outputs: do their effects average?"
    windows = {z: CARDS_X[z[0] : z[0] + 2, z[1] : z[1] + 2] for z in np.ndindex(2, 2)}
    real = touched_by_weight((3, 4), (2, 2), padding="same")
    return [
        step(
            "06.moved",
            "by how much each of the four outputs moves when W[0, 1] is nudged by 1",
            seen,
            *(own(another_weight, window) for w, window in windows.items() if w != (0, 1)),
            own(
                "weighted: this is multiplied by the weight. By what is a nudge of it multiplied?",
                seen * W[0, 1],
            ),
            given=(CARDS_X,),
        ),
        step(
            "06.terms",
            "the four terms of the gradient at W[0, 1], from X and dZ",
            terms,
            *(own(another_weight, window * DZ) for w, window in windows.items() if w != (0, 1)),
            own("moves: these are the moves of Z. By how much does each of them move the loss?", seen),
            own("dz_turned: dZ is turned here. Which pixel meets W[0, 1] in Z[0, 0]?", seen * DZ[::-1, ::-1]),
            given=(CARDS_X, DZ),
        ),
        step(
            "06.one_output",
            "what output (1, 0) adds to dW, from X and dZ",
            DZ[1, 0] * windows[1, 0],
            *(own(another_output, DZ[1, 0] * window) for z, window in windows.items() if z != (1, 0)),
            *(own(another_output, DZ[z] * window) for z, window in windows.items() if z != (1, 0)),
            own(
                "window: this is the window alone. How much does the loss ask of this output?", windows[1, 0]
            ),
            own("kernel: this is the kernel, which dX receives. What does the kernel receive?", DZ[1, 0] * W),
            given=(CARDS_X, DZ),
        ),
        step(
            "06.weight",
            "the gradient at W[0, 1], from X and dZ",
            dw[0, 1],
            *one_each(
                "one: this is one product alone. How many outputs does the weight move?",
                terms.flat,
                CARDS_X,
                DZ,
            ),
            own(mean, dw[0, 1] / 4),
            given=(CARDS_X, DZ),
        ),
        step(
            "06.dw",
            "dW, from X and dZ",
            dw,
            *conv_bugs(1, "dw_rotated", "last_window_only", x=CARDS_X),
            own(mean, dw / 4),
            own(
                "dz_turned: dZ is turned here. In Z[0, 0], what meets W[0, 0]?",
                conv_back(DZ[::-1, ::-1], CARDS_X)[1],
            ),
            own("times_w: this is multiplied by W. Does a line's slope depend on the place?", dw * W),
        ),
        step(
            "06.db",
            "db, from dzs",
            db,
            own(mean, dzs.mean(axis=(0, 1, 2))),
            own("one_number: this is one number for all filters. How many biases are there?", dzs.sum()),
            own("examples: this is one bias per example. Who shares a bias?", dzs.sum(axis=(1, 2))),
            own("places: this is one bias per place. Who shares a bias?", dzs.sum(axis=0)),
            given=(),
        ),
        step(
            "06.places",
            "rows and columns of places where 24×18 fits into 28×20",
            (28 - 24 + 1, 20 - 18 + 1),
            own(
                "steps: so often can it be moved. How many places is that, with the first?",
                (28 - 24, 20 - 18),
            ),
            given=(),
        ),
        step(
            "06.product",
            "dW as a matrix, from patch_rows and dz_rows",
            all_dw.reshape(-1, 10),
            own(
                "turned: this is dZ times P. Which of the two runs down a column of W?",
                all_dw.reshape(-1, 10).T,
            ),
            own(
                "divided: this is divided by M. Where is the 1/M of the mean already?",
                all_dw.reshape(-1, 10) / 4,
            ),
            given=(),
        ),
        step(
            "06.real_terms",
            "how many terms of each weight's sum read a real pixel",
            real,
            own(
                "everywhere: true of one weight only. Which weights hang over the edge?", np.full((2, 2), 12)
            ),
            own("top_left: the zeros are above and left here. Where are they?", real[::-1, ::-1]),
            given=(),
        ),
    ]


def _corner_text(product, table):
    """Return what is true of all products dZ[z]·W[w] with this value; the corner's own has z = w = (0, 1)."""
    pairs = [(z, w) for value, z, w in table if value == product]
    if all(z == (0, 1) for z, _ in pairs):
        return "another_weight: this is the answer with another weight. Which one lies over the corner?"
    if all(w == (0, 1) for _, w in pairs):
        return "another_output: this is the answer with another dZ. Which output reads the corner?"
    return "another_product: this is another product. Which dZ reaches the corner, and through which weight?"


def lesson_07():
    """Return the steps of lesson 07: the input of a convolution."""
    dx, _, _ = conv_back()
    table = [(int(DZ[z] * W[w]), z, w) for z in np.ndindex(2, 2) for w in np.ndindex(2, 2)]
    products = {product for product, _, _ in table} - {int(dx[0, 2])}
    middle = OTHER_DZ * TURNED
    names = "no_rotation", "kernel_transposed", "rows_reversed_only", "overlap_overwritten"
    return [
        step(
            "07.moved",
            "for each pixel of a 5×5 image, how many of the nine outputs of a 3×3 kernel move",
            touched((5, 5), (3, 3), (3, 3)),
            own(
                "everywhere: true of the centre only. How does the kernel reach a corner?", np.full((5, 5), 9)
            ),
            given=(),
        ),
        step(
            "07.corner",
            "the gradient at X[0, 2], from dZ and W",
            dx[0, 2],
            *(m for product in products for m in one_each(_corner_text(product, table), [product], DZ, W)),
            given=(DZ, W),
        ),
        step(
            "07.middle",
            f"the gradient at X[1, 1], from W and dZ = {shown(OTHER_DZ)}",
            middle.sum(),
            own(
                "not_turned: each dZ is multiplied by the weight of the same index. Which joins X[1, 1] to "
                "Z[0, 0]?",
                (OTHER_DZ * W).sum(),
            ),
            *one_each(
                "one: this is one product alone. How many outputs read the pixel?", middle.flat, OTHER_DZ, W
            ),
            given=(OTHER_DZ, W),
        ),
        step(
            "07.terms",
            "for each of the nine pixels of X, how many products its gradient has",
            touched((3, 3), (2, 2), (2, 2)),
            own("everywhere: true of the middle only. How many outputs read a corner?", np.full((3, 3), 4)),
            given=(),
        ),
        step("07.dx", "dX, from dZ and W", dx, *conv_bugs(0, *names)),
    ]


def lesson_08():
    """Return the steps of lesson 08: stride and padding."""
    geometry = {"stride": 2, "padding": 1}
    dx, dw = conv_back(**geometry)[0], conv_back(OTHER_DZ, **geometry)[1]
    before, weight = conv_back(), "Which weight joins X[0, 0] to Z[0, 0]?"
    row, kernel, stride, dilation = (1, 12), (1, 3), {"stride": (1, 2)}, {"dilation": (1, 2)}
    return [
        step(
            "08.touched",
            "how many outputs each of the twelve pixels moves (three weights, stride 2, dilation 2)",
            touched(row, kernel, (1, 4), **stride, **dilation)[0],
            own(
                "no_dilation: this is the count without dilation. What does the first window read?",
                touched(row, kernel, (1, 5), **stride)[0],
            ),
            own(
                "no_stride: this is the count with stride 1. Where does the second window start?",
                touched(row, kernel, (1, 8), **dilation)[0],
            ),
            given=(),
        ),
        step("08.z", "Z with stride 2 and padding 1", conv(**geometry), own(NO_BIAS, conv(b=0, **geometry))),
        step(
            "08.dw",
            f"dW with stride 2 and padding 1, from X and dZ = {shown(OTHER_DZ)}",
            dw,
            *conv_bugs(1, "stride_ignored", "last_window_only", dz=OTHER_DZ, **geometry),
            own(
                "plain: this is dW with stride 1 and no padding. Which pixel is under Z[0, 0]?",
                conv_back(OTHER_DZ)[1],
            ),
            given=(X, OTHER_DZ),
        ),
        step(
            "08.dx",
            "dX with stride 2 and padding 1",
            dx,
            *conv_bugs(0, "stride_ignored", **geometry),
            own(f"turned: the kernel is turned in each stamp. {weight}", conv_back(w=TURNED, **geometry)[0]),
            own(f"plain: this is dX with stride 1 and no padding. {weight}", before[0]),
        ),
    ]


def lesson_09():
    """Return the steps of lesson 09: pooling."""

    def pool(x=X, dz=DZ, stride=1, mode="max"):
        z, cache = layers.pool_forward(image(x), size=2, stride=stride, mode=mode)
        return flat(z), flat(layers.pool_backward(image(dz), cache))

    (z, dx), (mean, shared) = pool(), pool(mode="average")
    names = "overlap_overwritten", "always_the_last", "returns_in_the_loop"
    return [
        step(
            "09.moved",
            "by how much the outputs move in all, for each of the 16 pixels nudged by 1 (max, tiles of 2×2)",
            pool(LITTLE, np.ones((2, 2)), stride=2)[1],
            own(
                "average: this is right for the average. Which pixel moves a maximum?", np.full((4, 4), 0.25)
            ),
        ),
        step(
            "09.z",
            "Z of max pooling, windows of 2×2, stride 1",
            z,
            own("average: these are the windows' means. What does max pooling keep?", mean),
        ),
        step(
            "09.dx",
            "dX of max pooling, windows of 2×2, stride 1",
            dx,
            *(known(f"pool.{n}", None, image(DZ), image(X), size=2, stride=1, mode="max") for n in names),
            own("average: here each gradient is shared out. Which pixel moves a maximum?", shared),
        ),
        step(
            "09.average",
            "4 dX of average pooling, windows of 2×2, stride 1",
            4 * shared,
            itself(4, "dX", 4 * shared),
            own("max: the largest pixel takes it all here. How does an average share it out?", 4 * dx),
        ),
    ]


def lesson_10():
    """Return the steps of lesson 10, the whole network; its gradients are doubled to be whole numbers."""
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
    winner = "Which pixel of a window moves its maximum?"
    turned = own("turned: the kernel is turned by 180°. What lies on X[0, 0]?", conv(w=TURNED, b=-10))
    return [
        step("10.z1", "Z¹, from X, W¹ and b¹", flat(z1), own(NO_BIAS, conv(b=0)), turned),
        step(
            "10.q",
            "Q, the two numbers that pooling leaves",
            q[0],
            own("mean: these are the windows' means. What does max pooling keep?", flat(a1).mean(axis=1)),
        ),
        step(
            "10.z2",
            f"the two scores Z² = Q W² + b², with b² = {shown(OTHER_BIAS2)} for once",
            (q @ W2 + OTHER_BIAS2)[0],
            own(NO_BIAS, (q @ W2)[0]),
            own(
                "transposed: W² is transposed here. Which weight joins Q[0] to the second score?",
                (q @ W2.T + OTHER_BIAS2)[0],
            ),
            own("lesson_bias: this is with b² of the lesson. Which b² is asked for?", z2[0]),
            given=(X, W, W2, OTHER_BIAS2),
        ),
        step(
            "10.d2",
            "2 δ², twice the gradient at the scores",
            d2[0],
            itself(2, "δ²", d2[0]),
            # This is true of the other label's gradient as well, which is the same.
            own("sign: every sign is the other way round. Which score has to rise?", -d2[0]),
            own("no_label: this is 2 Ŷ. What does the label take off?", d2[0] + [2, 0]),
        ),
        step(
            "10.dq",
            "2 dQ, from δ² and W²",
            dq[0],
            itself(2, "dQ", dq[0]),
            own(
                "not_transposed: W² is not transposed here. Which weight joins Q[0] to the second score?",
                (d2 @ W2)[0],
            ),
        ),
        step("10.dw2", "2 dW², from Q and δ²", dw2, itself(2, "dW²", dw2)),
        step(
            "10.d1",
            "2 δ¹, through pooling and ReLU",
            flat(d1),
            itself(2, "δ¹", flat(d1)),
            own(f"spread: both pixels of a window get all of it. {winner}", both),
            own(f"shared: each window shares it out. {winner}", both / 2),
        ),
        step("10.dw1", "2 dW¹, from δ¹ and X", flat(dw1), itself(2, "dW¹", flat(dw1))),
        step(
            "10.dx",
            "2 dX, from δ¹ and W¹",
            flat(dx),
            itself(2, "dX", flat(dx)),
            Mistake("conv.no_rotation", conv_back(flat(d1), w=TURNED)[0]),
            own(
                "another_dz: this is dX with the dZ of the convolution alone. Which gradient arrives here?",
                conv_back()[0],
            ),
        ),
    ]


LESSONS = {
    made.__name__[-2:]: made
    for made in (
        lesson_00,
        lesson_02,
        lesson_03,
        lesson_04,
        lesson_05,
        lesson_06,
        lesson_07,
        lesson_08,
        lesson_09,
        lesson_10,
    )
}


@cache
def steps_of(lesson):
    """Return the steps of a lesson such as "07" by number; none if it has none."""
    return {made.number: made for made in LESSONS[lesson]()} if lesson in LESSONS else {}


def all_steps():
    """Return all steps by number, in the order of the lessons."""
    return {number: made for lesson in LESSONS for number, made in steps_of(lesson).items()}
