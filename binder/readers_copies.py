"""Put readers' copies, as `equibook lab` makes them, into the folder `notebooks`, to which the links lead.

The complete notebooks move to `notebooks/solutions`. A second run changes nothing.
"""

from pathlib import Path

from equibook import lab
from equibook.progress import MANIFEST

folder = Path("notebooks")
if not (folder / MANIFEST).exists():
    complete = folder.rename("complete-notebooks")
    folder.mkdir()
    complete.rename(folder / lab.SOLUTIONS)
print(f"{folder}: {lab.describe(lab.copy_notebooks(lab.find_notebooks(), folder, solutions=True))}")
