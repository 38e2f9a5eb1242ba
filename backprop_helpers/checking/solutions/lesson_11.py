"""Lesson 11: the loop of a training."""


def one_epoch(theta, velocity, order, rates, backprop, *, batch_size, momentum):
    """Return theta, velocity and losses: a batch, its gradient, a step, and the next batch."""
    losses = []
    for step, start in enumerate(range(0, len(order), batch_size)):
        loss, g = backprop(theta, order[start : start + batch_size])
        velocity = momentum * velocity + g
        theta = theta - rates[step] * (g + momentum * velocity)
        losses.append(loss)
    return theta, velocity, losses
