"""What every benchmark says beside its figures: a table, a JSON file, the machine and the versions."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import torch

PACKAGES = ("equibook", "torch", "numpy", "scipy", "scikit-learn")


def machine():
    """Return what the figures were obtained on."""
    return {
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }


def processor():
    """Return the processor's own name where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def print_table(title, columns, rows):
    """Print rows as a Markdown table; numbers come formatted."""
    print(f"\n{title}\n")
    print("| " + " | ".join(columns) + " |")
    print("|" + "|".join("---" if i == 0 else "---:" for i in range(len(columns))) + "|")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)


def write_json(path, figures):
    """Write the figures with the machine they were obtained on."""
    Path(path).write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n", encoding="utf-8")
    print(f"\n{path}: written. Machine: {machine()}")
