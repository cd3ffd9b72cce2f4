"""Print the requirements of pyproject.toml: the runtime's and those of the extras named as arguments."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
groups = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in sys.argv[1:])]
print("\n".join(sorted({requirement for group in groups for requirement in group})))
