"""Problem set 3: convolution of a sequence, which is that of an image of one row."""

import numpy as np

from backprop_helpers import layers
from backprop_helpers.checking.exercises._conv_forms import general_forms
from backprop_helpers.checking.exercises._exercise import Case, Part, Suspect
from backprop_helpers.checking.exercises._inputs import own
from backprop_helpers.checking.misconceptions import misconceptions

from ._task import several, slopes, task

GEOMETRY = ("stride", "dilation", "padding", "minus_pad")  # of which a sequence has none
PLAIN = {"stride": 1, "padding": "valid", "dilation": 1}


def _sequence(x, w, b):
    return layers.conv_forward(x[:, None], w[None], b, **PLAIN)[0][:, 0]


def _sequence_slopes(dz, x, w):
    return slopes(_sequence, (x, w, np.zeros(w.shape[-1])), dz)


def _of_form(function):
    """Return a wrong backward pass of an image layer, in one of its forms, as one of a sequence layer."""

    def backward(dz, x, w):
        dx, dw, db = function(dz[:, None], x[:, None], w[None], **PLAIN)
        rows = {3: 0, 4: np.s_[:, 0]}  # where db still has the axis of the rows
        return np.asarray(dx)[:, 0], np.asarray(dw)[0], np.asarray(db)[rows.get(np.ndim(db), ...)]

    return backward


def _forms(part):
    """Return the forms about one of the results that a kernel of one row has."""
    skipped = ("kernel_transposed", "rows_reversed", "rows_for_both", "axes_kept", *GEOMETRY)
    return [
        (form.name, _of_form(form.function), form.diagnosis)
        for form in general_forms()
        if form.part == part
        and not any(word in form.name for word in skipped)
        and not any(word in form.diagnosis for word in ("column", "row of windows"))
    ]


def _any_input(dz, w):
    """Return an input of the right shape; dx does not depend on it."""
    return np.zeros((len(dz), dz.shape[1] + len(w) - 1, w.shape[1]))


def _sequences(make):
    sizes = (2, 5, 2, 3, 2), (2, 4, 3, 2, 3), (3, range(6, 9), 2, 4, 1), (2, 3, 1, 1, 2), (2, 4, 2, 2, 2)
    return several(make, *sizes)


def _sequence_text(M, L, C, F, K):
    return f"M = {M}, L = {L}, C = {C}, F = {F}, K = {K}"


def _forward_case(rng, M, L, C, F, K):
    arrays = rng.normal(size=(M, L, C)), rng.normal(size=(F, C, K)), rng.normal(size=K)
    return Case(_sequence_text(M, L, C, F, K), arrays)


def _weights_case(rng, M, L, C, F, K):
    arrays = rng.normal(size=(M, L - F + 1, K)), rng.normal(size=(M, L, C)), rng.normal(size=(F, C, K))
    return Case(_sequence_text(M, L, C, F, K), arrays)


def _input_case(rng, M, L, C, F, K):
    return Case(
        _sequence_text(M, L, C, F, K), (rng.normal(size=(M, L - F + 1, K)), rng.normal(size=(F, C, K)))
    )


def _causal_case(rng, M, L, C, F, K):
    return Case(_sequence_text(M, L, C, F, K), (rng.normal(size=(M, L, K)), rng.normal(size=(F, C, K))))


def _wrong_forward(name):
    wrong = misconceptions[name].wrong
    return lambda x, w, b: wrong(x[:, None], w[None], b, **PLAIN)[:, 0]


SEQUENCE_FORWARD = task(
    "ps3.1",
    "sequence_forward",
    "x, w, b",
    "the cross-correlation of a sequence",
    [Part("z", ("M", "L_out", "K"))],
    _sequences(_forward_case),
    _sequence,
    [
        ("conv.kernel_flipped_forward", _wrong_forward("conv.kernel_flipped_forward")),
        ("conv.bias_in_every_term", _wrong_forward("conv.bias_in_every_term")),
        own(
            "ps3.bias_forgotten: the bias is missing | set w to zero: what should z be?",
            lambda x, w, b: _sequence(x, w, 0 * b),
        ),
        own(
            "ps3.bias_in_every_channel: the bias is added once an offset and channel instead of once an "
            "output | set w to zero: what should z be?",
            lambda x, w, b: _sequence(x, w, b * len(w) * w.shape[1]),
        ),
        own(
            "ps3.one_output_short: the last output is missing: there are L − F + 1 places for the kernel"
            " | L = 4, F = 4: how many places are there?",
            lambda x, w, b: _sequence(x, w, b)[:, :-1],
        ),
        own(
            "ps3.first_channel_only: only the first channel is read; z sums over all channels of the "
            "input | which axes of w are summed over, and which one stays?",
            lambda x, w, b: _sequence(x[..., :1], w[:, :1], b),
        ),
    ],
    delegates=("conv_forward",),
    larger=lambda rng: _forward_case(rng, 4, 19, 5, 6, 7),
    revisit="05, All at once",
)

SEQUENCE_WEIGHTS = task(
    "ps3.2",
    "sequence_weights_backward",
    "dz, x, w",
    "the gradients of the kernel and the bias",
    [Part("dw", ("F", "C", "K")), Part("db", ("K",))],
    _sequences(_weights_case),
    lambda dz, x, w: _sequence_slopes(dz, x, w)[1:],
    [
        *(
            Suspect(name, lambda wrong=wrong: lambda dz, x, w: wrong(dz, x, w)[1:], None, said)
            for part in (1, 2)
            for name, wrong, said in _forms(part)
        ),
        (
            "conv.divided_by_m_again",
            lambda dz, x, w: tuple(g / len(dz) for g in _sequence_slopes(dz, x, w)[1:]),
        ),
    ],
    delegates=("conv_forward",),
    linear="dz",
    larger=lambda rng: _weights_case(rng, 4, 19, 5, 6, 7),
    revisit="06, Weight sharing",
)


def _input_slope(dz, w):
    return _sequence_slopes(dz, _any_input(dz, w), w)[0]


def _input_forms(adapt):
    """Return the mistakes about dx in all their forms."""
    return [
        Suspect(
            name,
            lambda wrong=wrong: adapt(lambda dz, w: wrong(dz, _any_input(dz, w), w)[0]),
            None,
            said,
        )
        for name, wrong, said in _forms(0)
    ]


SEQUENCE_INPUT = task(
    "ps3.3",
    "sequence_input_backward",
    "dz, w",
    "the gradient of the input",
    [Part("dx", ("M", "L", "C"))],
    _sequences(_input_case),
    _input_slope,
    [
        *_input_forms(lambda full: full),
        own(
            "ps3.half_the_padding: dx lacks its ends: dz has to be padded by F − 1 on both sides for a "
            "full correlation | x[0] is read by z[0] alone. Which entry of your padded dz stands there?",
            lambda dz, w: _input_slope(dz, w)[
                :, (len(w) - 1) // 2 : _any_input(dz, w).shape[1] - len(w) // 2
            ],
        ),
    ],
    delegates=("conv_forward",),
    linear="dz",
    larger=lambda rng: _input_case(rng, 4, 19, 5, 6, 7),
    revisit="07, All at once",
)


def _causal(x, w):
    M, _, C = x.shape
    padded = np.concatenate([np.zeros((M, len(w) - 1, C)), x], axis=1)
    return _sequence(padded, w, np.zeros(w.shape[-1]))


def _causal_slope(dz, w):
    x = np.zeros((len(dz), dz.shape[1], w.shape[1]))
    return slopes(lambda x: _causal(x, w), (x,), dz)[0]


def _cropped(full, first):
    """Return a wrong dx: of the padded sequence's, the part that starts at first(F)."""

    def wrong(dz, w):
        start = first(len(w))
        return full(dz, w)[:, start : start + dz.shape[1]]

    return wrong


CAUSAL = task(
    "ps3.4",
    "causal_input_backward",
    "dz, w",
    "the gradient of the input of a causal convolution",
    [Part("dx", ("M", "L", "C"))],
    _sequences(_causal_case),
    _causal_slope,
    [
        own(
            "ps3.zeros_behind: the zeros are taken off at the end; they were put in front | F = 2: which"
            " output reads the last x with weight w[0], and is there one?",
            _cropped(_input_slope, lambda F: 0),
        ),
        own(
            'ps3.zeros_on_both_sides: half of the zeros are taken off on each side, as for "same" '
            "padding; all of them stand in front | F = 3: which x does z[0] read?",
            _cropped(_input_slope, lambda F: (F - 1) // 2),
        ),
        own(
            "ps3.zeros_not_taken_off: the zeros in front are still there: dx has the shape of x, not of "
            "the padded x | how long is x, and how long is your dx?",
            _input_slope,
        ),
        *_input_forms(lambda full: _cropped(full, lambda F: F - 1)),
        own(
            "ps3.forward_again: dz is run through the causal layer as if it were x: the gradient comes "
            "from the future, not from the past | which outputs read x[0]: z[0] only, or z[0] and later "
            "ones?",
            lambda dz, w: _causal(dz, w.transpose(0, 2, 1)),
        ),
    ],
    delegates=("conv_forward",),
    linear="dz",
    larger=lambda rng: _causal_case(rng, 4, 19, 5, 6, 7),
    revisit="07, With padding",
)


def _padded_slope(dz, w, *, padding):
    full = _input_slope(dz, w)
    return full[:, padding : full.shape[1] - padding]


def _padded_case(rng, M, L, C, F, K, padding):
    dz = rng.normal(size=(M, L + 2 * padding - F + 1, K))
    text = f"{_sequence_text(M, L, C, F, K)}, padding {padding}"
    return Case(text, (dz, rng.normal(size=(F, C, K))), {"padding": padding})


PADDED = task(
    "ps3.5",
    "padded_input_backward",
    "dz, w, *, padding",
    "the gradient of the input of a padded convolution",
    [Part("dx", ("M", "L", "C"))],
    several(_padded_case, (2, 5, 2, 3, 2, 1), (2, 4, 1, 2, 3, 0), (3, range(6, 9), 2, 4, 1, 2)),
    _padded_slope,
    [
        own(
            "ps3.minus_nothing: without padding dx is empty: `[p:-p]` is `[0:0]` for p = 0 | what is "
            "x[0:-0] for a list x?",
            lambda dz, w, *, padding: _input_slope(dz, w)[:, padding:-padding],
        ),
        own(
            "ps3.padding_not_taken_off: dx still has the zeros of the padding: it has the shape of x | how "
            "long is x, and how long is your dx?",
            lambda dz, w, *, padding: _input_slope(dz, w),
        ),
    ],
    delegates=("conv_forward",),
    linear="dz",
    larger=lambda rng: _padded_case(rng, 4, 17, 5, 5, 6, 3),
    revisit="08, Zeros between, zeros around, or fewer than none",
)


def _attention(q, k, v):
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[2])
    weights = np.exp(scores - scores.real.max(axis=2, keepdims=True))
    return weights / weights.sum(axis=2, keepdims=True) @ v


def _attention_slopes(dy, q, k, v):
    return slopes(_attention, (q, k, v), dy)


def _attention_case(rng, M, L, S, D, E):
    shapes = (M, L, E), (M, L, D), (M, S, D), (M, S, E)
    name = f"M = {M}, L = {L}, S = {S}, D = {D}, E = {E}"
    return Case(name, tuple(rng.normal(size=shape) for shape in shapes))


ATTENTION = task(
    "ps3.8",
    "attention_backward",
    "dy, q, k, v",
    "the gradients of attention with one head",
    [Part("dq", ("M", "L", "D")), Part("dk", ("M", "S", "D")), Part("dv", ("M", "S", "E"))],
    several(_attention_case, (2, 3, 4, 2, 3), (2, 2, 3, 3, 2), (2, 4, range(5, 7), 2, 1)),
    _attention_slopes,
    [
        own(
            "ps3.root_forgotten: the scores' factor 1/√D is missing in dq and dk | where does √D stand "
            "between q and the softmax?",
            lambda dy, q, k, v: tuple(
                part * factor
                for part, factor in zip(
                    _attention_slopes(dy, q, k, v), (np.sqrt(q.shape[2]), np.sqrt(q.shape[2]), 1)
                )
            ),
        ),
        own(
            "ps3.softmax_left_out: dq and dk do not pass through the softmax | list the steps of the forward "
            "pass, last one first. Which one did your backward pass leave out?",
            lambda dy, q, k, v: (
                dy @ v.transpose(0, 2, 1) @ k / np.sqrt(q.shape[2]),
                v @ dy.transpose(0, 2, 1) @ q / np.sqrt(q.shape[2]),
                _attention_slopes(dy, q, k, v)[2],
            ),
        ),
    ],
    delegates=("softmax", "softmax_forward"),
    linear="dy",
    larger=lambda rng: _attention_case(rng, 3, 7, 8, 5, 6),
    revisit="02, All at once; 04, One element at a time",
)

EXERCISES = (
    SEQUENCE_FORWARD,
    SEQUENCE_WEIGHTS,
    SEQUENCE_INPUT,
    CAUSAL,
    PADDED,
    ATTENTION,
)
