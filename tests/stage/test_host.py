"""What a stage's page gets of anywidget's model: host.test.js, run by Node.js."""

from pathlib import Path

from benchmarks.node import lay_out, run_node
from tests.stage.test_compute import failures

SCRIPT = Path(__file__).with_name("host.test.js")


def test_page(require_tool, tmp_path):
    script = lay_out(tmp_path, SCRIPT, {})
    process = run_node(require_tool("node"), ["--test", "--test-reporter=tap", script.name], tmp_path)
    assert process.returncode == 0, failures(process.stdout) + process.stderr
    assert "# pass 2\n" in process.stdout
