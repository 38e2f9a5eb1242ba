"""The reports to be read: for each function that names causes, what there is to see in each of them."""

from typing import NamedTuple


class Report(NamedTuple):
    """The letter of its cause, where to look when it was misread, and the lesson that has it."""

    letter: str
    clue: str
    lesson: str


READINGS = {
    "reading_ps1": (
        Report("b", "b is M times too small, and w is right: which of them was divided?", "02"),
        Report("c", "(2, 2) is wrong, and on the diagonal: would a transposed dW be wrong there?", "02"),
        Report("a", "-1.99 instead of 2.2: which factor is that? And w is square: any shape fits.", "02"),
    ),
    "reading_ps2": (
        Report("c", "There is too much, and nothing is missing: does a mask of what arrives do that?", "03"),
        Report("a", "Three times too small, and M is 3: is a 1/M too many, or one too few?", "04"),
        Report("d", "9 of 12 entries are zero, so one is left in each row: which one?", "04"),
    ),
    "reading_ps3": (
        Report("a", "16 entries are right, 4 a map: which four pixels does one window alone read?", "07"),
        Report("d", "24 times too small: is that the number of examples?", "06"),
        Report("f", "(1, 1) is the middle of the kernel: would a turned dW be wrong there?", "06"),
    ),
    "reading_ps4": (
        Report("d", "x and w are wrong, b is right: places do not fit. What says where a window lies?", "08"),
        Report("a", "Four times too large: how many pixels has a window?", "09"),
        Report("c", "A column is missing: does any window read the last one?", "08"),
    ),
    "reading_ps5": (
        Report("d", "The first loss is ln 10 to the last digit: when are ten probabilities equal?", "10"),
        Report("b", "28 before the first step: can the steps be the cause?", "10"),
        Report("f", "Each number is that of one batch of 50 digits: does it fall in the long run?", "11"),
    ),
}
