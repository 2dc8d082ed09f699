"""Runs a program as if it were called by name: program.py EXECUTABLE PROGRAM ARGUMENTS...

EXECUTABLE is the command of this interpreter, by which the program starts others of it: what `sys.executable` says need
not run where the command is a script that sets things up for it."""

import os
import runpy
import sys

sys.executable, *sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
