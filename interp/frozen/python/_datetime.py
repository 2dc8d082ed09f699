"""The classes of `datetime`, by the name of the module that has them in CPython."""

from _pydatetime import *
