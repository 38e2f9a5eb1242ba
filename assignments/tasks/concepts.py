"""The concept test: the right letter of each question, and why another one is not right."""

KEYS = {
    "answer_1": (
        "b",
        {
            "a": "a chain multiplies along one way; two ways add",
            "c": "a maximum chooses, a sum does not",
            "d": "an average would halve both: each way counts in full",
        },
    ),
    "answer_2": (
        "c",
        {
            "a": "averaging hides exactly what the check is for",
            "b": "then all entries would be off",
            "d": "a tolerance that lets 50 % through checks nothing",
        },
    ),
    "answer_3": (
        "b",
        {
            "a": "the 1/M of the mean loss is already in dZ; dividing again makes it M times too small",
            "c": "that leaves one number an example, and there is one bias a unit",
            "d": "every example's output moves with the bias",
        },
    ),
    "answer_4": (
        "b",
        {
            "a": "the forward pass made its choice before any gradient arrived",
            "c": "the output is never negative, so this is always true",
            "d": "an entry that was cut off does not move the output",
        },
    ),
    "answer_5": (
        "c",
        {
            "a": "they sum to 1: one cannot move alone",
            "b": "the sum below the fraction stands in every probability",
            "d": "the sum stays, the shares move",
        },
    ),
    "answer_6": (
        "b",
        {
            "a": "the 1/M of the mean is missing: M times too large",
            "c": "with this sign training climbs",
            "d": "the softmax's own slope is already in Ŷ − Y",
        },
    ),
    "answer_7": (
        "d",
        {
            "a": "only the middle pixel is under the kernel in nine ways",
            "b": "the kernel's corner only just reaches it",
            "c": "it lies under one corner of the kernel only",
        },
    ),
    "answer_8": (
        "b",
        {
            "a": "a shared weight collects a term from every place (+=, not =)",
            "c": "all places move with it, and their effects add up",
            "d": "at each place another pixel is under it",
        },
    ),
    "answer_9": (
        "b",
        {
            "a": "the layer is a correlation: no flip on the way forward",
            "c": "the padding is a consequence of the shapes, not the reason",
            "d": "without it the gradient is wrong unless the kernel is its own rotation",
        },
    ),
    "answer_10": (
        "a",
        {
            "b": "dX always has the shape of X",
            "c": "a nudge of an unread pixel moves nothing",
            "d": "a nudge of an unread pixel moves nothing",
        },
    ),
    "answer_11": (
        "c",
        {
            "a": "the gradients would sum to four times what arrived",
            "b": "that is what average pooling does",
            "d": "the output does move when a maximum is nudged up",
        },
    ),
    "answer_12": (
        "b",
        {
            "a": "then it would be ln 10, about 2.3",
            "c": "no step has been made yet",
            "d": "an untrained network does not know the labels anyway",
        },
    ),
}
