"""An explorer of several matrices: the cell under the pointer is explained, and marked in all of them."""

from backprop_helpers.views.explorers._base import Explorer, guarded


class LinkedExplorer(Explorer):
    """What the explorers of sliding windows share.

    A subclass makes `sliders` (name → one slider, or one for rows and one for columns) and `views` (name →
    `MatrixView`) before it calls ``super().__init__``, and writes `_refresh` (redraw everything) and `_point`
    (explain and mark the cell that `_pointed` returns).
    """

    def __init__(self, **frame):
        self._source = None  # the name of the view whose active cell is shown
        self._busy = False  # True while a callback sets traits that other callbacks observe
        super().__init__(**frame)
        for name, view in self.views.items():
            view.observe(lambda change, name=name: self._on_active(name, change["new"]), "active")
            view.observe(lambda change, name=name: self._on_pin(name, change["new"]), "pinned")

    def chosen(self, name):
        """Return the (rows, columns) that the sliders of this name say, such as "stride"."""
        pair = self.sliders[name]
        return pair[0].value, pair[-1].value

    @guarded
    def _on_view(self, _change):
        self._refresh()

    @guarded
    def _on_active(self, name, cell):
        if self._busy:
            return
        if cell is not None:
            self._source = name
        elif self._source == name:
            self._source = next(
                (other for other, view in self.views.items() if view.active is not None), None
            )
        else:
            return
        self._point()

    @guarded
    def _on_pin(self, name, cell):
        """Let go of a cell held in another matrix: one is held at a time."""
        if cell is None or self._busy:
            return
        self._busy = True
        try:
            for other, view in self.views.items():
                if other != name and view.pinned is not None:
                    view.pinned = None
        finally:
            self._busy = False

    def _release(self):
        """Let go of every cell, as after a change of the geometry."""
        self._source = None
        for view in self.views.values():
            view.pinned = view.hovered = None

    def _pointed(self):
        """Return the name of the view and the (row, column) of the active cell, or (None, None)."""
        view = self.views.get(self._source)
        cell = None if view is None else view.active
        if cell is None or not all(0 <= at < size for at, size in zip(cell, view.values.shape)):
            return None, None
        return self._source, tuple(cell)
