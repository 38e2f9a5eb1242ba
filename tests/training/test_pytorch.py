"""The same networks, optimizers and schedule in PyTorch, in float64."""

import numpy as np
import pytest

from backprop_helpers.training import SGD, Adam, OneCycle, fit, reference_cnn
from backprop_helpers.training.mnist import load_test_set


@pytest.fixture(scope="module")
def torch(require_tool):
    return require_tool("torch")


def as_torch(torch, parameters):
    """PyTorch's order: (K, C, F_h, F_w) for kernels, (K, N) for matrices."""
    tensors = {}
    for name, array in parameters.items():
        axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[array.ndim]
        tensors[name] = torch.tensor(array.transpose(axes).copy(), requires_grad=True)
    return tensors


def as_ours(tensor):
    array = tensor.detach().numpy()
    return array.transpose({4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[array.ndim])


def torch_loss(torch, p, images, labels):
    f = torch.nn.functional
    x = (torch.tensor(images.transpose(0, 3, 1, 2)) - 0.1307) / 0.3081
    x = f.max_pool2d(f.conv2d(x, p["conv1.w"], p["conv1.b"], padding=2).relu(), 2)
    x = f.max_pool2d(f.conv2d(x, p["conv2.w"], p["conv2.b"], padding=2).relu(), 2)
    x = x.permute(0, 2, 3, 1).flatten(1)  # our rows are laid out (rows, columns, channels)
    x = f.linear(f.linear(x, p["fc1.w"], p["fc1.b"]).relu(), p["fc2.w"], p["fc2.b"])
    return f.cross_entropy(x, torch.tensor(labels))


def some_digits(count):
    images, labels = load_test_set()
    return images[:count].astype(np.float64), labels[:count]


def close(actual, expected, tolerance=1e-10):
    assert np.abs(actual - expected).max() <= tolerance * max(1, np.abs(expected).max())


def test_loss_and_gradients_of_the_reference_network(torch):
    net = reference_cnn(seed=1).astype(np.float64)
    images, labels = some_digits(8)
    p = as_torch(torch, net.parameters)
    loss = torch_loss(torch, p, images, labels)
    loss.backward()
    close(net.loss(images, labels), loss.item())
    for name, gradient in net.gradients(images, labels).items():
        assert gradient.any()
        close(gradient, as_ours(p[name].grad))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda: SGD(0.05), lambda t, p: t.optim.SGD(p, 0.05, momentum=0.9, nesterov=True)),
        (lambda: SGD(0.05, 0.9, False), lambda t, p: t.optim.SGD(p, 0.05, momentum=0.9)),
        (lambda: SGD(0.05, 0.0, False), lambda t, p: t.optim.SGD(p, 0.05)),
        (lambda: Adam(0.01), lambda t, p: t.optim.Adam(p, 0.01)),
        (lambda: Adam(0.01, 0.8, 0.9, 1e-3), lambda t, p: t.optim.Adam(p, 0.01, betas=(0.8, 0.9), eps=1e-3)),
    ],
    ids=["nesterov", "momentum", "plain", "adam", "adam with other settings"],
)
def test_sequences_of_updates(torch, ours, theirs):
    rng = np.random.default_rng(0)
    ours, p = ours(), rng.standard_normal(50)
    tensor = torch.tensor(p.copy(), requires_grad=True)
    theirs = theirs(torch, [tensor])
    for _ in range(25):
        gradient = rng.standard_normal(50) * p
        ours.step(p, gradient)
        tensor.grad = torch.tensor(gradient)
        theirs.step()
        close(p, tensor.detach().numpy(), 1e-12)


@pytest.mark.parametrize(("total", "warmup"), [(10, 0.3), (50, 0.3), (51, 0.25), (200, 0.5)])
def test_one_cycle(torch, total, warmup):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.1, total_steps=total, pct_start=warmup, cycle_momentum=False
    )
    for step in range(total):
        close(OneCycle(0.1, warmup)(step, total), optimizer.param_groups[0]["lr"], 1e-12)
        optimizer.step()
        if step < total - 1:
            theirs.step()


def test_training_of_the_reference_network(torch):
    """Five steps of the default recipe, on the batches that ``fit`` has chosen."""
    net = reference_cnn(seed=2).astype(np.float64)
    images, labels = some_digits(40)
    p = as_torch(torch, net.parameters)
    history = fit(net, images, labels, epochs=1, batch_size=8, seed=3, progress=False)

    optimizer = torch.optim.SGD(p.values(), momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05 / 8, total_steps=5, cycle_momentum=False)
    order = np.random.default_rng(3).permutation(40)
    losses = []
    for step in range(5):
        batch = order[8 * step : 8 * step + 8]
        optimizer.zero_grad()
        loss = torch_loss(torch, p, images[batch], labels[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step < 4:
            schedule.step()
    close(history.loss, np.array(losses), 1e-9)
    for name, parameter in net.parameters.items():
        close(parameter, as_ours(p[name]), 1e-9)


CURVES = pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda: SGD(0.02, 0.9, False), lambda t, p: t.optim.SGD(p, 0.02, momentum=0.9)),
        (lambda: SGD(0.02), lambda t, p: t.optim.SGD(p, 0.02, momentum=0.9, nesterov=True)),
        (lambda: Adam(0.001), lambda t, p: t.optim.Adam(p, 0.001)),
    ],
    ids=["momentum", "nesterov", "adam"],
)


def curves(torch, dtype, ours, theirs, steps=100, batch=16):
    """The losses of so many steps from the same weights on the same batches, ours and PyTorch's."""
    net = reference_cnn(seed=4).astype(dtype)
    images, labels = load_test_set()
    images, labels = images[: steps * batch].astype(dtype), labels[: steps * batch]
    p = as_torch(torch, net.parameters)
    history = fit(net, images, labels, epochs=1, batch_size=batch, optimizer=ours(), seed=5, progress=False)
    optimizer, losses = theirs(torch, list(p.values())), []
    for indices in np.random.default_rng(5).permutation(len(images)).reshape(steps, batch):
        optimizer.zero_grad()
        loss = torch_loss(torch, p, images[indices], labels[indices])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert len(history.loss) == steps
    return history.loss, np.array(losses)


@CURVES
def test_loss_curves_over_a_hundred_steps(torch, ours, theirs):
    mine, others = curves(torch, np.float64, ours, theirs)
    assert np.abs(mine - others).max() <= 1e-12 * others.max()
    assert others[-10:].mean() < others[:10].mean() / 2  # the network learns: the curves are not flat


@CURVES
def test_loss_curves_of_the_fast_path(torch, ours, theirs):
    """In float32, until rounding decides a pooling window or a ReLU; from there on the curves part."""
    mine, others = curves(torch, np.float32, ours, theirs, steps=20)
    assert np.abs(mine - others).max() <= 1e-5 * others.max()
