"""Times cases for whoever asks on standard input: serve.py [--huge] EXTENSION

Prints one line "group<TAB>name<TAB>crossings" per case, an empty line, and then answers each line
"<number of the case> <how often>" with the nanoseconds of processor time that it took, with "absent: ..." where
the engine has not got what the case needs, or with "error: ...". The loop is compiled at the first request for its case;
a request for none collects what other cases left.
The statement of a crossing stands in it ten times, so that the loop itself weighs little."""

import gc
import importlib.util
import sys
import time

import cases
import population

UNROLLED = 10


def load(path):
    spec = importlib.util.spec_from_file_location("crossing", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def indented(source, depth):
    return "".join("\t" * depth + line + "\n" for line in source.split("\n") if line)


def unrolled(group, crossings):
    return 1 if group == "python" or crossings > cases.CALLBACK else UNROLLED


def compiled(case, scope):
    group, name, setup, statement, crossings = case
    source = "def run(count):\n" + indented(setup, 1) + "\tstart = now()\n\tfor _ in range(count):\n"
    source += indented(statement, 2) * unrolled(group, crossings) + "\treturn now() - start\n"
    exec(compile(source, f"<{name}>", "exec"), scope)
    return scope.pop("run")


class Server:
    def __init__(self, table, scope):
        self.table = table
        self.scope = scope
        self.loops = {}
        self.latest = None

    def answer(self, request):
        number, count = map(int, request.split())
        if number != self.latest:
            population.drop()
            self.latest = number
        if count == 0:
            gc.collect()
        if number not in self.loops:
            self.loops[number] = compiled(self.table[number], self.scope)
        return self.loops[number](count)

    def answered(self, request):
        """The answer, or why there is none."""
        try:
            return self.answer(request)
        except NotImplementedError as error:
            return f"absent: {error}"
        except Exception as error:
            if isinstance(error, AttributeError) and str(error).startswith("module 'crossing'"):
                return f"absent: {error}"
            return f"error: {type(error).__name__}: {error}"


def main():
    *options, extension = sys.argv[1:]
    table = cases.CASES + (cases.HUGE if "--huge" in options else [])
    for group, name, _, _, crossings in table:
        print(group, name, crossings * unrolled(group, crossings), sep="\t")
    print(flush=True)
    server = Server(table, {"now": time.process_time_ns, "ext": load(extension)})
    for request in iter(sys.stdin.readline, ""):
        print(server.answered(request), flush=True)


if __name__ == "__main__":
    main()
