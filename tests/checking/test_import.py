"""Importing the checks needs NumPy and nothing else."""

import subprocess
import sys


def test_importing_the_checks_loads_no_plotting_and_no_scipy():
    code = (
        "import sys, backprop_helpers.checking\n"
        "heavy = {'matplotlib', 'scipy', 'ipywidgets', 'anywidget', 'torch', 'tqdm'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_examples_in_the_docstrings():
    import doctest

    from backprop_helpers.checking import clear_ledger
    from backprop_helpers.checking.equations import holds
    from backprop_helpers.checking.gradient_check import gradient_check, numerical_gradient

    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner()
    for function in (holds, gradient_check, numerical_gradient):
        for example in finder.find(function, function.__name__, globs={function.__name__: function}):
            runner.run(example)
    clear_ledger()
    assert runner.tries >= 6
    assert runner.failures == 0
