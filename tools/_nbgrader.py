"""nbgrader, as a course configures it."""

import os
import sys
from pathlib import Path


def nbgrader_of(course, **settings):
    """Return nbgrader, configured as in the course's folder.

    Parameters
    ----------
    course : path
    settings : dict
        What differs from its configuration: {class: {name: value}}.
    """
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config, PyFileConfigLoader

    # nbgrader starts alembic by its name.
    os.environ["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    )
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
    config.merge(Config(settings))
    return NbGraderAPI(config=config)
