"""The table that ``net.summary()`` returns."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

HEADINGS = ("layer", "output shape", "parameters", "multiply-adds", "activation bytes")


class LayerSummary(NamedTuple):
    """One layer's costs, for one example."""

    layer: str
    output_shape: tuple[int, ...]
    parameters: int  # how many numbers it learns
    multiply_adds: int  # of the forward pass; the backward pass needs about twice as many
    activation_bytes: int  # memory of its output


class Summary(NamedTuple):
    """A network's layers and their costs, for one example; shows itself as a table."""

    rows: tuple[LayerSummary, ...]  # in forward order; `total` adds them up
    path: str  # which code does the sums in `fit` and for predictions, and why

    @property
    def total(self) -> LayerSummary:
        """The sums over all layers; the output shape is the last one."""
        return LayerSummary(
            "total",
            self.rows[-1].output_shape,
            sum(row.parameters for row in self.rows),
            sum(row.multiply_adds for row in self.rows),
            sum(row.activation_bytes for row in self.rows),
        )

    def _cells(self):
        rows = [(row.layer, str(row.output_shape), *(f"{n:,}" for n in row[2:])) for row in self.rows]
        return [*rows, ("total", "", *(f"{n:,}" for n in self.total[2:]))]

    def __repr__(self):
        table = [HEADINGS, *self._cells()]
        widths = [max(len(row[column]) for row in table) for column in range(len(HEADINGS))]
        lines = [
            "  ".join(
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths))
            ).rstrip()
            for row in table
        ]
        rule = "-" * max(map(len, lines))
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], self.path])

    __str__ = __repr__

    def _repr_html_(self):
        def line(cells, tag):
            aligned = (
                f'<{tag} style="text-align: {"left" if column < 2 else "right"}">{escape(cell)}</{tag}>'
                for column, cell in enumerate(cells)
            )
            return f"<tr>{''.join(aligned)}</tr>"

        *body, total = self._cells()
        return (
            f"<table><thead>{line(HEADINGS, 'th')}</thead>"
            f"<tbody>{''.join(line(row, 'td') for row in body)}</tbody>"
            f"<tfoot>{line(total, 'th')}</tfoot></table>{escape(self.path)}"
        )
