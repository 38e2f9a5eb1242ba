"""What a page of JupyterLab shows of the interactive views, and a mouse and keys to use them."""

import json
import symtable
import time

from nbformat.v4 import new_code_cell, new_notebook, writes

from tests.lesson_rules import Lesson

NOTEBOOK = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook"
PATIENCE = 20_000  # ms
THEMES = ["JupyterLab Light", "JupyterLab Dark"]

# While JupyterLab loads a theme, at its start too, its splash covers the page and takes what the mouse does.
AT_REST = "!document.getElementById('jupyterlab-splash')"

# A callback that fails says so on the kernel's channel, in no output of a cell.
LISTEN = """() => {
    const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
    window.saidByKernel = [];
    kernel.iopubMessage.connect((_, { header, content }) => {
        if (header.msg_type === 'error') saidByKernel.push(`${content.ename}: ${content.evalue}`);
        // JupyterLab asks a fresh kernel for its widgets before ipywidgets is imported.
        if (header.msg_type !== 'stream' || content.name !== 'stderr') return;
        if (!content.text.startsWith('No such comm')) saidByKernel.push(content.text);
    });
}"""


class Page:
    """The notebook in sight, and what its kernel says.

    Attributes
    ----------
    page : playwright.sync_api.Page
    scope : playwright.sync_api.Locator
        The part that is looked at; `within` narrows it.
    requests : list of str
        The addresses that were asked for since the notebook was opened.
    """

    def __init__(self, page, scope=None, requests=None):
        self.page = page
        self.scope = page.locator(NOTEBOOK) if scope is None else scope
        self.requests = [] if requests is None else requests

    def within(self, locator):
        """Return the same page, narrowed to one element of it."""
        return type(self)(self.page, locator, self.requests)

    def away(self):
        self.page.mouse.move(2, 2)

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    # The kernel --------------------------------------------------------------------------------------------

    def expect(self, expression, value):
        """Wait until an expression in the kernel has a value: the browser sends while the kernel is idle."""
        end = time.monotonic() + PATIENCE / 1000
        while (found := self.ask(expression)) != value and time.monotonic() < end:
            self.page.wait_for_timeout(50)
        assert found == value

    def ask(self, expression):
        """Return the value of an expression in the kernel."""
        return json.loads(self.run(f"import json; print(json.dumps({expression}))"))

    def run(self, code):
        """Run code in the kernel, in no cell; return what it prints."""
        return self.page.evaluate(
            """async code => {
                const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
                const future = kernel.requestExecute({ code, store_history: false });
                let text = '';
                future.onIOPub = ({ content }) => { text += content.text ?? content.traceback ?? ''; };
                const { content } = await future.done;
                if (content.status !== 'ok') throw new Error(`${content.ename}: ${content.evalue}`);
                return text;
            }""",
            code,
        )

    def said_by_kernel(self):
        """Return the errors that the kernel reported since the notebook was opened."""
        return self.page.evaluate("() => window.saidByKernel ?? []")

    def left_the_machine(self, lab):
        """Return the addresses of all requests to anything but the local server."""
        own = (lab.root, lab.root.replace("http:", "ws:"), "data:", "blob:")
        return [url for url in self.requests if not url.startswith(own)]


# Notebooks -------------------------------------------------------------------------------------------------


def write_notebook(lab, name, *sources):
    """Write a notebook with these code cells where JupyterLab sees it."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (lab.folder / name).write_text(writes(notebook), encoding="utf-8")


# Every notebook gets the same kernel: to start one and import the package takes longer than most tests. It is
# emptied when a notebook is closed.
OPEN = """async path => {
    const { commands, serviceManager, shell } = jupyterapp;
    // Only one connection to a kernel hears its widgets: the notebook's, not this one.
    const options = [{ name: 'python3' }, { handleComms: false }];
    window.testKernel ??= (await serviceManager.kernels.startNew(...options)).model;
    await commands.execute('docmanager:open', { path, kernel: testKernel });
    await shell.currentWidget.revealed;
    const { sessionContext } = shell.currentWidget;
    await sessionContext.ready;
    await sessionContext.session.kernel.info;
}"""
# JupyterLab asks the kernel for a subshell with each notebook: to close it unanswered is an uncaught error.
# What cells asked for stays in a kernel's list when it is answered.
ANSWERED = """() => {
    const asked = jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?._futures.values() ?? [];
    return [...asked].every(future => future.msg.header.msg_type === 'execute_request');
}"""
CLOSE = """async () => {
    const { commands, shell } = jupyterapp;
    const kernel = shell.currentWidget?.sessionContext?.session?.kernel;
    const code = `
import sys
if 'ipywidgets' in sys.modules:
    sys.modules['ipywidgets'].Widget.close_all()
get_ipython().reset(new_session=False)
`;
    if (kernel) await kernel.requestExecute({ code, store_history: false, silent: true }).done;
    await commands.execute('docmanager:save-all');  // or a dialog asks
    await commands.execute('application:close-all');
}"""


def open_notebook(page, name):
    """Open a notebook, with a kernel; return its `Page`."""
    opened = Page(page)
    page.problems.clear()
    page.on("request", lambda request: opened.requests.append(request.url))
    page.evaluate(OPEN, name)
    page.evaluate("async () => { await jupyterapp.commands.execute('notebook:hide-all-cell-code'); }")
    page.evaluate(LISTEN)
    return opened


def close_all(page):
    """Close every notebook; forget what its cells made in the kernel."""
    page.wait_for_function(ANSWERED)
    page.evaluate(CLOSE)


def set_theme(page, theme):
    """Change JupyterLab's theme; wait until all is drawn in it.

    A second change before the splash of the first is gone makes JupyterLab remove the splash twice, and the
    second time fails: "The node to be removed is not a child of this node".
    """
    page.evaluate(
        "async theme => { await jupyterapp.commands.execute('apputils:change-theme', { theme }); }", theme
    )
    page.wait_for_function(f"document.body.dataset.jpThemeName === '{theme}' && {AT_REST}")


def assert_no_problem(page):
    """No uncaught error in the scripts of the page; each is told once, with its stack."""
    problems, page.problems = page.problems, []
    assert not problems, "\n".join(problems)


def run_cells(page, numbers):
    """Run these cells of the notebook in sight, as the reader does it; none may end in an error."""
    page.evaluate(
        """async numbers => {
            const { commands, shell } = jupyterapp;
            const { content } = shell.currentWidget;
            for (const number of numbers) {
                content.deselectAll();
                content.activeCellIndex = number;
                await commands.execute('notebook:run-cell');
            }
        }""",
        numbers,
    )
    failed = page.locator(f"{NOTEBOOK} [data-mime-type='application/vnd.jupyter.error']")
    assert failed.all_inner_texts() == []


def needed_cells(path, shows, given=()):
    """Return the numbers of the cells that a lesson's cell needs, with its own last.

    Parameters
    ----------
    path : Path
    shows : str
        The last line of the cell.
    given : collection of str
        Names that the kernel has already: their cells are left out.
    """
    cells = Lesson.read(path).notebook.cells
    last = [cell.cell_type == "code" and cell.source.splitlines()[-1:] == [shows] for cell in cells]
    target = last.index(True)
    missing, found = read_names(cells[target].source) - set(given), [target]
    for number in reversed(range(target)):
        if cells[number].cell_type == "code" and (made := made_names(cells[number].source)) & missing:
            found.append(number)
            missing = (missing - made) | (read_names(cells[number].source) - set(given))
    return found[::-1]


def made_names(source):
    """Return the names that a cell gives a value."""
    table = symtable.symtable(source, "cell", "exec")
    return {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}


def read_names(source):
    """Return the names that a cell takes from those before it."""
    table = symtable.symtable(source, "cell", "exec")
    found = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    tables = table.get_children()
    while tables:
        table = tables.pop()
        found |= {s.get_name() for s in table.get_symbols() if s.is_referenced() and s.is_global()}
        tables += table.get_children()
    return found - made_names(source)
