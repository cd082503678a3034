"""Builds the pages: `make docs`, then open docs/_build/html/index.html.

They need no network when they are read: formulas are MathML, which browsers show by
themselves, and nothing is loaded from elsewhere.
"""

import pathlib
import re
import sys
from importlib import metadata
from typing import Any

import latex2mathml.converter
from docutils import nodes
from sphinx.application import Sphinx

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

project = "bsgen"
author = "the authors of bsgen"
release = metadata.version("bsgen")
html_title = "bsgen"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
highlight_language = "text"  # A block that names no language has commands.

# Signatures as a person writes them: names of types without their modules.
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "imported-members": True}
autodoc_preserve_defaults = True
napoleon_use_ivar = True  # Attributes that are fields are described once,
napoleon_attr_annotations = False  # and their types stand in the signature.

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_js_files = ["pages.js"]
html_copy_source = False
html_show_copyright = False
html_theme_options = {"navigation_with_keys": True}


def _inline(translator: Any, node: nodes.math) -> None:
    _write(translator, node, "inline")


def _block(translator: Any, node: nodes.math_block) -> None:
    _write(translator, node, "block")


def _write(translator: Any, node: nodes.Element, display: str) -> None:
    """Writes a formula as MathML."""
    mathml = latex2mathml.converter.convert(node.astext(), display=display)
    translator.body.append(mathml)
    raise nodes.SkipNode


def _as_written(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Shows formulas in docstrings as they stand: |w| is no substitution in them.

    A formula or table of its own is indented by four, and becomes a literal block. A
    letter and a full stop, as in "train_size: N.", begin no list.
    """
    shown: list[str] = []
    indent, is_literal = 0, False
    for line in lines:
        found = len(line) - len(line.lstrip())
        if line.strip() and (not shown or not shown[-1].strip()):
            is_literal = bool(shown) and found >= indent + 4
            if is_literal:
                shown += [" " * indent + "::", ""]
        if line.strip() and not is_literal:
            indent, line = found, re.sub(r"\||(?<=[\[ ])\*(?=\w)", r"\\\g<0>", line)
            line = re.sub(r": (\w)\.$", r": \1\\.", line)
        shown.append(line)
    lines[:] = shown


def _short_arrays(
    app: Sphinx,
    what: str,
    name: str,
    obj: Any,
    options: Any,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """Shows an array's type without those of its shape and numbers."""
    pattern = r"ndarray\[tuple\[[^]]*\], [\w.~]*dtype\[[^]]*\]\]"
    shown = (
        text and re.sub(pattern, "ndarray", text) for text in (signature, returned)
    )
    return tuple(shown)


def setup(app: Sphinx) -> None:
    """Adds what the extensions above do not do."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    # Before napoleon turns the sections of a docstring into reStructuredText.
    app.connect("autodoc-process-docstring", _as_written, priority=100)
    app.connect("autodoc-process-signature", _short_arrays)


html_math_renderer = "mathml"
