"""The picture of a search from the files in its folder; trains nothing."""

import io
import json
import os
import pathlib
from typing import Any

import pandas as pd

from bsgen import errors
from bsgen.files import atomic
from bsgen.reports.figures import search

_DOTS_PER_INCH = 150


def write(output_dir: str | os.PathLike) -> pathlib.Path:
    """Draws `figure.png` of a finished search.

    Args:
      output_dir: with `search.json`, `trials.csv` and, if there is one,
        `recommendation.json`.

    Returns:
      Where the picture lies.

    Raises:
      UserError: the folder holds no finished search, or cannot be written.
    """
    folder = pathlib.Path(output_dir)
    try:
        described = _read(folder / "search.json")
        trials = pd.read_csv(folder / "trials.csv")
    except (OSError, ValueError) as error:
        remedy = f"holds no finished search ({error})"
        raise errors.UserError("output_dir", str(folder), remedy) from error
    found = folder / "recommendation.json"
    recommended = _read(found)["setting"] if found.exists() else None
    drawn = search.draw(
        trials,
        recommended,
        described["metric"],
        described["baseline_score"],
        described.get("lower_is_better", False),  # older searches drew minus the metric
    )
    content = io.BytesIO()
    drawn.savefig(content, format="png", dpi=_DOTS_PER_INCH)
    path = folder / "figure.png"
    atomic.write(path, content.getvalue())
    return path


def _read(path: pathlib.Path) -> dict[str, Any]:
    return json.loads(path.read_bytes())
