"""Names the packages; all else is in setup.cfg, which cannot say it.

In a checkout the launchers are the top-level package `launch`. Installed, that name
would be in the way of other projects, so they go to `bsgen.launch`.
"""

import setuptools

setuptools.setup(
    packages=[*setuptools.find_packages(include=["bsgen", "bsgen.*"]), "bsgen.launch"],
    package_dir={"bsgen.launch": "launch"},
)
