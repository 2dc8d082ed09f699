"""Times cases for whoever asks on standard input: serve.py [extension]

Prints one line "group<TAB>name<TAB>crossings" per case, an empty line, and then answers each line
"<number of the case> <how often>" with the nanoseconds of processor time that it took, or "error: ...".
The loop is compiled at the first request for its case. The statement of a crossing stands in it ten
times, so that the loop itself weighs little."""

import importlib.util
import sys
import time

import cases

UNROLLED = 10


def load(path):
    spec = importlib.util.spec_from_file_location("crossing", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def indented(source, depth):
    return "".join("\t" * depth + line + "\n" for line in source.split("\n") if line)


def unrolled(group):
    return 1 if group == "python" else UNROLLED


def compiled(case, scope):
    group, name, setup, statement, _ = case
    source = "def run(count):\n" + indented(setup, 1) + "\tstart = now()\n\tfor _ in range(count):\n"
    source += indented(statement, 2) * unrolled(group) + "\treturn now() - start\n"
    exec(compile(source, f"<{name}>", "exec"), scope)
    return scope.pop("run")


def answer(request, loops, scope):
    number, count = map(int, request.split())
    if number not in loops:
        loops[number] = compiled(cases.CASES[number], scope)
    return loops[number](count)


def main():
    scope = {"now": time.process_time_ns}
    if len(sys.argv) > 1:
        scope["ext"] = load(sys.argv[1])
    for group, name, _, _, crossings in cases.CASES:
        print(group, name, crossings * unrolled(group), sep="\t")
    print(flush=True)
    loops = {}
    for request in iter(sys.stdin.readline, ""):
        try:
            print(answer(request, loops, scope), flush=True)
        except Exception as error:
            print(f"error: {type(error).__name__}: {error}", flush=True)


main()
