"""The functions and classes of `pickle`, by the name of the module that has them in CPython."""

from pickle import PickleError, PicklingError, UnpicklingError
from pickle import _Pickler as Pickler, _Unpickler as Unpickler
from pickle import _dump as dump, _dumps as dumps, _load as load, _loads as loads
