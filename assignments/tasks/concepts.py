"""The concept test in two parallel forms: the same twenty ideas, with other numbers or in other words.

Every wrong option is what somebody says who has one of the known mistakes in mind. The options are shuffled
by form, the right one is at each letter equally often, and the notebooks are made of what stands here.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from backprop_helpers.checking.misconceptions import misconceptions

FORMS = ("concepts_before", "concepts_after")
LETTERS = "abcd"


class Question(NamedTuple):
    """A question in both forms.

    Attributes
    ----------
    lesson : str
        Where to look.
    texts, right : (str, str)
    wrong : dict
        By the name of a known mistake: the option in both forms.
    """

    lesson: str
    texts: tuple
    right: tuple
    wrong: dict


QUESTIONS = (
    Question(
        "00",
        (
            "A number $x$ goes into a calculation in two ways. By the first way alone, a small nudge of "
            "$x$ moves the "
            "result by 3 times the nudge; by the second way alone, by 5 times. By how much with both ways?",
            "A result depends on $x$ by two ways. Through the first one a nudge of $x$ arrives 4 times "
            "as large, "
            "through the second one 7 times. How large does it arrive in all?",
        ),
        ("8 times", "11 times"),
        {
            "ps1.ways_multiplied": ("15 times", "28 times"),
            "ps1.skip_averaged": ("4 times", "5.5 times"),
            "ps1.skip_alone": ("3 times: the first way counts", "4 times: the first way counts"),
        },
    ),
    Question(
        "00",
        (
            "$z = x \\cdot w$ with $x = 2$ and $w = 5$. A nudge of $z$ moves the loss by 3 times the "
            "nudge. By how "
            "much does a nudge of $w$ move the loss?",
            "$z = x \\cdot w$ with $x = 4$ and $w = 3$. A nudge of $z$ moves the loss by 2 times the "
            "nudge. By how "
            "much does a nudge of $w$ move the loss?",
        ),
        ("6 times", "8 times"),
        {
            "ps1.inputs_exchanged": ("15 times", "6 times"),
            "ps1.dgamma_like_dbeta": ("3 times", "2 times"),
            "ps1.dgamma_from_scaled": ("30 times", "24 times"),
        },
    ),
    Question(
        "01",
        (
            "Somebody compares a gradient that was computed by a formula with one that was measured by "
            "nudges. Of 100 "
            "entries, 99 agree to ten digits, and one is off by half its size. What does that tell?",
            "A gradient from a formula and one that was measured by nudges have 64 entries. In 63 they "
            "agree to "
            "ten digits; in one, the formula says 0.8 and the measurement $-0.8$. What does that tell?",
        ),
        (
            "the formula is wrong there, or the function has a kink there",
            "the formula is wrong for that entry, or the function has a kink there",
        ),
        {
            "check.means_compared": (
                "nothing: on average they agree",
                "nothing: the average error is small",
            ),
            "check.threshold_ten": (
                "nothing: measuring is never exact, so the limit has to be wide",
                "the limit was too strict: an error of that size is to be expected",
            ),
            "check.absolute_tolerance": (
                "nothing, if the entry itself is small",
                "nothing: 0.8 and $-0.8$ are both small numbers",
            ),
        },
    ),
    Question(
        "01",
        (
            "$f(x) = x^2$. Somebody measures the slope at $x = 1$ by a step of 0.1 to both sides and "
            "divides the "
            "difference by the distance of the two points. What comes out?",
            "$f(x) = x^2$. Somebody measures the slope at $x = 2$ by a step of 0.5 to both sides and "
            "divides the "
            "difference by the distance of the two points. What comes out?",
        ),
        ("2.0", "4.0"),
        {
            "ps1.one_sided": ("2.1", "4.5"),
            "ps1.one_sided_backward": ("1.9", "3.5"),
            "ps1.divided_by_eps": ("4.0", "8.0"),
        },
    ),
    Question(
        "02",
        (
            "A layer adds one number $b$ to a unit's output for each of four examples. What arrives for "
            "the four "
            "outputs is 1, 2, 3 and 4. What is the gradient of $b$?",
            "A layer adds one number $b$ to a unit's output for each of three examples. What arrives for "
            "the three "
            "outputs is 2, 2 and 5. What is the gradient of $b$?",
        ),
        ("10", "9"),
        {
            "fc.bias_averaged": ("2.5", "3"),
            "fc.last_example_only": ("4", "5"),
            "fc.bias_not_summed": ("1, 2, 3 and 4", "2, 2 and 5"),
        },
    ),
    Question(
        "02",
        (
            "Two inputs, two outputs: $z_0 = 1 x_0 + 3 x_1$ and $z_1 = 2 x_0 + 4 x_1$, in a batch of two "
            "examples. For "
            "one of them, 1 arrives for $z_0$ and 10 for $z_1$. What is the gradient of its $x_0$?",
            "Two inputs, two outputs: $z_0 = 2 x_0 + 1 x_1$ and $z_1 = 5 x_0 + 3 x_1$, in a batch of two "
            "examples. For "
            "one of them, 10 arrives for $z_0$ and 1 for $z_1$. What is the gradient of its $x_0$?",
        ),
        ("21", "25"),
        {
            "fc.dx_without_transpose": ("31", "21"),
            "fc.one_unit_only": ("1", "20"),
            "fc.divided_by_m_again": ("10.5", "12.5"),
        },
    ),
    Question(
        "04",
        (
            "The loss is the mean over a batch. Now every example stands in the batch twice. What "
            "becomes of the "
            "gradient of the weights?",
            "The loss is the mean over a batch. Now every example stands in the batch three times. What "
            "becomes of the "
            "gradient of the weights?",
        ),
        ("it stays as it was", "nothing: it does not change"),
        {
            "softmax_cross_entropy.not_divided_by_m": ("it doubles", "it becomes three times as large"),
            "softmax_cross_entropy.divided_by_m_twice": ("it is halved", "it becomes a third of it"),
            "fc.last_example_only": (
                "that depends on which example comes last",
                "that depends on the last one of them",
            ),
        },
    ),
    Question(
        "03",
        (
            "ReLU makes every negative number 0 and leaves the others. It got $(-2, 3)$, and $(5, -1)$ "
            "arrives for its "
            "outputs. What does it hand back?",
            "ReLU makes every negative number 0 and leaves the others. It got $(4, -1)$, and $(-2, 3)$ "
            "arrives for its "
            "outputs. What does it hand back?",
        ),
        ("$(0, -1)$", "$(-2, 0)$"),
        {
            "relu.mask_from_gradient": ("$(5, 0)$", "$(0, 3)$"),
            "relu.no_mask": ("$(5, -1)$", "$(-2, 3)$"),
            "relu.multiplied_by_output": ("$(0, -3)$", "$(-8, 0)$"),
        },
    ),
    Question(
        "03",
        (
            "What has to be remembered of ReLU's forward pass, to be able to compute its gradient later?",
            "Memory is short. What must be kept until ReLU's gradient is computed?",
        ),
        ("which of its inputs were positive", "for every input, whether it was positive"),
        {
            "relu.mask_from_gradient": (
                "nothing: the sign of what arrives decides",
                "nothing: what arrives has a sign of its own, which decides",
            ),
            "relu.multiplied_by_output": (
                "its outputs, to multiply with them",
                "the size of its outputs, by which is multiplied",
            ),
            "relu.upstream_forgotten": (
                "the inputs' signs; what arrives is then not needed",
                "the signs of the inputs, which are the whole gradient",
            ),
        },
    ),
    Question(
        "04",
        (
            "Softmax turns the scores of an example into probabilities. One score is raised a little. Which "
            "probabilities change?",
            "Softmax turns the scores of an example into probabilities. One score is lowered a little. Which "
            "probabilities change?",
        ),
        (
            "all of this example's: its own rises, the others fall",
            "all of this example's: its own falls, the others rise",
        ),
        {
            "softmax.derivative_element_wise": ("its own, and no other", "its own alone"),
            "softmax.off_diagonal_sign": (
                "all of this example's: all of them rise",
                "all of this example's: all of them fall",
            ),
            "softmax.summed_over_examples": (
                "all of them, and those of the batch's other examples",
                "those of all examples in the batch",
            ),
        },
    ),
    Question(
        "04",
        (
            "A network gives three classes the probabilities 0.7, 0.2 and 0.1; the second one is right. "
            "The loss is "
            "minus the logarithm of its probability. What is the gradient of the three scores?",
            "A network gives three classes the probabilities 0.5, 0.1 and 0.4; the third one is right. "
            "The loss is "
            "minus the logarithm of its probability. What is the gradient of the three scores?",
        ),
        ("$(0.7, -0.8, 0.1)$", "$(0.5, 0.1, -0.6)$"),
        {
            "softmax_cross_entropy.sign_flipped": ("$(-0.7, 0.8, -0.1)$", "$(-0.5, -0.1, 0.6)$"),
            "softmax_cross_entropy.right_class_only": ("$(0, -0.8, 0)$", "$(0, 0, -0.6)$"),
            "softmax_cross_entropy.extra_derivative": (
                "$(0.147, -0.128, 0.009)$",
                "$(0.125, 0.009, -0.144)$",
            ),
        },
    ),
    Question(
        "04",
        (
            "$e^{1000}$ is too large for a computer. How is the softmax of the scores 1000 and 999 "
            "computed all the same?",
            "The scores of an example are 800 and 790, those of another one 5 and 3. How is softmax "
            "computed without "
            "numbers that are too large?",
        ),
        (
            "the example's largest score is subtracted from all of its scores first",
            "from each example's scores, the largest of its own is subtracted first",
        ),
        {
            "softmax.mean_subtracted": (
                "the mean of the example's scores is subtracted first",
                "from each example's scores, their mean is subtracted first",
            ),
            "softmax.small_number_added": (
                "a small number is added below the fraction",
                "a small number is added to the sum, so that it can be divided by",
            ),
            "softmax.one_maximum_for_all": (
                "the largest score of the whole batch is subtracted from all scores",
                "800 is subtracted from all four scores",
            ),
        },
    ),
    Question(
        "05",
        (
            "A kernel $(1, 10)$ with bias 5 is laid onto the row $1, 2, 3$ as it stands, beginning at "
            "the left. What is "
            "the first output?",
            "A kernel $(2, 5)$ with bias 10 is laid onto the row $3, 1, 2$ as it stands, beginning at "
            "the left. What "
            "is the first output?",
        ),
        ("26", "21"),
        {
            "conv.kernel_flipped_forward": ("17", "27"),
            "conv.bias_in_every_term": ("31", "31"),
            "ps3.bias_forgotten": ("21", "11"),
        },
    ),
    Question(
        "06",
        (
            "A kernel of two weights goes over the row $1, 2, 3, 4$; so there are three outputs. For "
            "them arrive 1, 10 "
            "and 100. What is the gradient of the kernel's first weight?",
            "A kernel of two weights goes over the row $2, 1, 3, 1$; so there are three outputs. For "
            "them arrive 100, "
            "10 and 1. What is the gradient of the kernel's first weight?",
        ),
        ("321", "213"),
        {
            "conv.last_window_only": ("300", "3"),
            "conv.dw_averaged": ("107", "71"),
            "conv.dw_rotated": ("432", "131"),
        },
    ),
    Question(
        "06",
        (
            "A filter has one bias and makes two outputs an image. For the first image arrive 1 and 2, "
            "for the second "
            "3 and 4. What is the gradient of the bias?",
            "A filter has one bias and makes two outputs an image. For the first image arrive 5 and 1, "
            "for the second "
            "2 and 4. What is the gradient of the bias?",
        ),
        ("10", "12"),
        {
            "conv.bias_over_examples_only": ("4 and 6", "7 and 5"),
            "conv.bias_averaged": ("2.5", "3"),
            "conv.last_example_only": ("7", "6"),
        },
    ),
    Question(
        "07",
        (
            "$z_i = 1 x_i + 10 x_{i+1}$ for $i = 0, 1, 2$. For $z_0, z_1, z_2$ arrive 1, 2 and 3. What "
            "is the gradient "
            "of $x_1$?",
            "$z_i = 10 x_i + 1 x_{i+1}$ for $i = 0, 1, 2$. For $z_0, z_1, z_2$ arrive 3, 1 and 2. What "
            "is the gradient "
            "of $x_1$?",
        ),
        ("12", "13"),
        {
            "conv.no_rotation": ("21", "31"),
            "conv.overlap_overwritten": ("2", "10"),
            "conv.last_window_only": ("0", "0"),
        },
    ),
    Question(
        "08",
        (
            "A kernel of three weights goes over a row of six pixels in steps of two. The last pixel is "
            "read by no "
            "window. What is the gradient of the row there?",
            "A kernel of two weights goes over a row of nine pixels in steps of three. Every third pixel "
            "is read by no "
            "window. What is the gradient of the row there?",
        ),
        ("0", "0"),
        {
            "conv.remainder_forgotten": (
                "none: the gradient has five entries",
                "none: the gradient is shorter than the row",
            ),
            "conv.stride_ignored": (
                "what comes back from the window that begins one pixel later",
                "what comes back from the windows one pixel further",
            ),
            "conv.crops_half_a_kernel": (
                "none: half a kernel is cut off at both ends",
                "none: the gradient lacks half a kernel at both ends",
            ),
        },
    ),
    Question(
        "08",
        (
            "$z_i = w_0 x_i + w_1 x_{i+2}$: the kernel's two weights lie two pixels apart. Which outputs "
            "bring something "
            "back to $x_3$?",
            "$z_i = w_0 x_i + w_1 x_{i+3}$: the kernel's two weights lie three pixels apart. Which "
            "outputs bring something "
            "back to $x_5$?",
        ),
        ("$z_3$ and $z_1$", "$z_5$ and $z_2$"),
        {
            "conv.dilation_ignored": ("$z_3$ and $z_2$", "$z_5$ and $z_4$"),
            "conv.no_rotation": ("$z_3$ and $z_5$", "$z_5$ and $z_8$"),
            "conv.overlap_overwritten": ("$z_3$ alone", "$z_5$ alone"),
        },
    ),
    Question(
        "09",
        (
            "A window of four pixels has the values 3, 9, 1 and 7; the largest is handed on. For it "
            "arrives 20. What do "
            "the four pixels get?",
            "A window of four pixels has the values 4, 2, 10 and 4; the largest is handed on. For it "
            "arrives 20. What do "
            "the four pixels get?",
        ),
        ("0, 20, 0 and 0", "0, 0, 20 and 0"),
        {
            "pool.shared_in_proportion": ("3, 9, 1 and 7", "4, 2, 10 and 4"),
            "pool.to_the_smallest": ("0, 0, 20 and 0", "0, 20, 0 and 0"),
            "pool.always_the_last": ("0, 0, 0 and 20", "0, 0, 0 and 20"),
        },
    ),
    Question(
        "11",
        (
            "Ten classes. A network that gives each of them the same chance has a loss of 2.3. Yours has "
            "one of 8, before "
            "its first step. What is the most likely reason?",
            "A hundred classes. A network that gives each of them the same chance has a loss of 4.6. "
            "Yours has one of 30, "
            "before its first step. What is the most likely reason?",
        ),
        ("its first weights are too large", "it starts with weights that are too large"),
        {
            "training.weights_uphill": ("its steps go the wrong way", "it goes uphill instead of down"),
            "training.bias_starts_at_one": (
                "the biases of its last layer all start at 1",
                "all biases of the last layer are 1 at the start",
            ),
            "training.rng_not_used": (
                "it starts with the same random numbers every time",
                "its random numbers are the same at each start",
            ),
        },
    ),
)

ORDER = tuple(f"answer_{number}" for number in range(1, len(QUESTIONS) + 1))
LESSONS = {name: question.lesson for name, question in zip(ORDER, QUESTIONS)}


@cache
def options(form):
    """Return for each question of a form its options in order: (text, the mistake or "")."""
    which = FORMS.index(form)
    rng = np.random.default_rng(8 + which)
    places = rng.permutation(np.arange(len(QUESTIONS)) % len(LETTERS))  # each letter is right equally often
    found = {}
    for name, question, place in zip(ORDER, QUESTIONS, places):
        wrong = [(texts[which], mistake) for mistake, texts in question.wrong.items()]
        shuffled = [wrong[n] for n in rng.permutation(len(wrong))]
        shuffled.insert(place, (question.right[which], ""))
        found[name] = shuffled
    return found


def key(form):
    """Return what says of a question (or its test) and a letter: (whether it is right, the mistake)."""

    def judge(question, letter):
        mistake = options(form)[question.removesuffix("_visible")][LETTERS.index(letter)][1]
        return not mistake, mistake

    return judge


def judged(form, test, letter):
    """Return whether a letter is right; None for a blank."""
    return key(form)(test, letter)[0] if letter else None


def said(form, question, letter):
    """Return what a student reads about an answer: in the first form nothing that helps with the second."""
    if form == FORMS[0]:
        return "answered"
    right, mistake = key(form)(question, letter)
    if right:
        return "right"
    return f"{diagnosis(mistake)} (lesson {LESSONS[question]})"


def diagnosis(mistake):
    """Return what a known mistake is, of the catalogue or of a problem set's task."""
    from . import EXERCISES

    own = (s for task in EXERCISES for s in task.suspects if s.name == mistake and s.diagnosis)
    entry = misconceptions.get(mistake) or next(own, None)
    if entry is None:
        raise LookupError(f"no mistake is known by the name {mistake!r}")
    return entry.diagnosis
