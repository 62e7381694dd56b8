"""Puts fastproc in the place of subprocess, before a program's first import.

With this folder on PYTHONPATH, every Python of a test run does it, children
included, unless they were started isolated.
"""

import sys

import fastproc

sys.modules["subprocess"] = fastproc
