"""Profiling of programs with `_lsprof`, and the statistics in the form that `pstats` reads."""

__all__ = ["run", "runctx", "Profile"]

import importlib.machinery
import importlib.util
import io
import profile as _profile

import _lsprof


def run(statement, filename=None, sort=-1):
    return _profile._Utils(Profile).run(statement, filename, sort)


def runctx(statement, globals, locals, filename=None, sort=-1):
    return _profile._Utils(Profile).runctx(statement, globals, locals, filename, sort)


run.__doc__ = _profile.run.__doc__
runctx.__doc__ = _profile.runctx.__doc__


class Profile(_lsprof.Profiler):
    """Profile(timer=None, timeunit=None, subcalls=True, builtins=True)

    A profiler that reads the time from `timer`, or from a clock of its own. Of a timer that gives integers, `timeunit` says how many
    seconds one is.
    """

    def __enter__(self):
        self.enable()
        return self

    def __exit__(self, *exc_info):
        self.disable()

    def run(self, cmd):
        import __main__

        namespace = __main__.__dict__
        return self.runctx(cmd, namespace, namespace)

    def runctx(self, cmd, globals, locals):
        with self:
            exec(cmd, globals, locals)
        return self

    def runcall(self, func, /, *args, **kw):
        with self:
            return func(*args, **kw)

    def print_stats(self, sort=-1):
        import pstats

        keys = sort if isinstance(sort, tuple) else (sort,)
        pstats.Stats(self).strip_dirs().sort_stats(*keys).print_stats()

    def dump_stats(self, file):
        import marshal

        with open(file, "wb") as out:
            self.create_stats()
            marshal.dump(self.stats, out)

    def create_stats(self):
        self.disable()
        self.snapshot_stats()

    def snapshot_stats(self):
        entries = self.getstats()
        self.stats = {}
        callers_of = {}
        for entry in entries:
            callers = callers_of[id(entry.code)] = {}
            calls = entry.callcount
            self.stats[label(entry.code)] = (
                calls - entry.reccallcount, calls, entry.inlinetime, entry.totaltime, callers)
        for entry in entries:
            caller = label(entry.code)
            for callee in entry.calls or ():
                callers = callers_of.get(id(callee.code))
                if callers is None:
                    continue
                calls = callee.callcount
                row = (calls, calls - callee.reccallcount, callee.inlinetime, callee.totaltime)
                # Two functions may have one name.
                before = callers.get(caller, (0, 0, 0, 0))
                callers[caller] = tuple(a + b for a, b in zip(before, row))


def label(code):
    """File, line and name of a function; those that are not Python's are sorted at the end."""
    if isinstance(code, str):
        return "~", 0, code
    return code.co_filename, code.co_firstlineno, code.co_name


def main():
    import os
    import pstats
    import runpy
    import sys
    from optparse import OptionParser

    parser = OptionParser(usage="cProfile.py [-o output_file_path] [-s sort] [-m module | scriptfile] [arg] ...")
    parser.allow_interspersed_args = False
    parser.add_option("-o", "--outfile", dest="outfile", help="Save stats to <outfile>", default=None)
    parser.add_option("-s", "--sort", dest="sort", default=2, choices=sorted(pstats.Stats.sort_arg_dict_default),
                      help="Sort order when printing to stdout, based on pstats.Stats class")
    parser.add_option("-m", dest="module", action="store_true", help="Profile a library module", default=False)
    if len(sys.argv) < 2:
        parser.print_usage()
        sys.exit(2)
    options, args = parser.parse_args()
    sys.argv[:] = args
    if options.outfile is not None:
        # The program may go to another folder.
        options.outfile = os.path.abspath(options.outfile)
    if not args:
        parser.print_usage()
        return parser
    if options.module:
        code = "run_module(modname, run_name='__main__')"
        namespace = {"run_module": runpy.run_module, "modname": args[0]}
    else:
        script = args[0]
        sys.path.insert(0, os.path.dirname(script))
        with io.open_code(script) as file:
            code = compile(file.read(), script, "exec")
        spec = importlib.machinery.ModuleSpec(name="__main__", loader=None, origin=script)
        module = importlib.util.module_from_spec(spec)
        # What the program imports as `__main__` is where it runs.
        sys.modules["__main__"] = module
        namespace = module.__dict__
        namespace.update(__spec__=None, __file__=script, __name__="__main__", __package__=None, __cached__=None)
    try:
        runctx(code, namespace, None, options.outfile, options.sort)
    except BrokenPipeError as e:
        # Nothing more is to be written at the end.
        sys.stdout = None
        sys.exit(e.errno)
    return parser


if __name__ == "__main__":
    main()
