"""Packages from PyPI, as wheels, for the cases of the group "packages": those that the test `packages` has unpacked."""

import importlib
import os
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "target", "tmp")
NAMES = ("simplejson", "ujson", "msgpack", "bitarray", "xxhash")

DOCUMENT = {
    "id": 12345,
    "name": "an example of some length",
    "tags": ["red", "green", "blue", "caf\u00e9"],
    "active": True,
    "parent": None,
    "scores": [1.5, 2.25, -3.125, 1e10],
    "children": [{"id": i, "name": f"child {i}", "size": i * 1000, "ratio": i / 7} for i in range(20)],
}


def wheel(name):
    return os.path.join(FOLDER, name, "wheel")


def are_here():
    return all(os.path.isdir(wheel(name)) for name in NAMES)


def package(name):
    """The module; NotImplementedError where its wheel is not for the interpreter."""
    if sys.implementation.name == "pypy":
        raise NotImplementedError("a wheel for CPython 3.14")
    if wheel(name) not in sys.path:
        sys.path.append(wheel(name))
    return importlib.import_module(name)
