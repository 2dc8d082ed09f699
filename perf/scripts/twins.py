"""Times functions of the C API in C against their twins in Rust for whoever asks on standard input: twins.py EXTENSION

Speaks as serve.py does; the groups are "C" and "Rust", and there is one crossing to a call."""

import importlib.util
import sys


def load(path):
    spec = importlib.util.spec_from_file_location("twins", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    twins = load(sys.argv[1])
    twins.prepare()
    cases = [(i, name, side) for i, name in enumerate(twins.names()) for side in ("C", "Rust")]
    for _, name, side in cases:
        print(side, name, 1, sep="\t")
    print(flush=True)
    for request in iter(sys.stdin.readline, ""):
        number, count = map(int, request.split())
        i, _, side = cases[number]
        try:
            print(twins.run(i, side == "Rust", count), flush=True)
        except Exception as error:
            print(f"error: {type(error).__name__}: {error}", flush=True)


main()
