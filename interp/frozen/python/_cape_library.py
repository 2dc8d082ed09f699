"""Imports the embedded standard library.

The library stands on sys.path as a folder that need not exist; a path hook answers for it and for the packages below it.
"""

# As of the modules that it extends: what debuggers skip by the name is one.
__name__ = "importlib._library"

import sys
import _cape_stdlib
import _frozen_importlib as _bootstrap
import _frozen_importlib_external as _external


class EmbeddedLoader(_external._LoaderBasics):
    """Loads a module from the archive in the executable."""

    def __init__(self, name, path):
        self.name = name
        self.path = path

    def __eq__(self, other):
        return self.__class__ is other.__class__ and self.__dict__ == other.__dict__

    def __hash__(self):
        return hash(self.name) ^ hash(self.path)

    def get_filename(self, name=None):
        return self.path

    def is_package(self, name=None):
        return self.path.endswith("__init__.py")

    def get_code(self, name=None):
        return _cape_stdlib.code(self.name, self.path)

    def get_source(self, name=None):
        return _cape_stdlib.source(self.name).decode("utf-8", "replace")

    def get_data(self, path):
        root = sys._stdlib_dir + "/"
        data = _cape_stdlib.file(path[len(root):]) if path.startswith(root) else None
        if data is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        return data

    def get_resource_reader(self, name):
        from _cape_resources import EmbeddedResources

        return EmbeddedResources(self.name.replace(".", "/"))

    def __repr__(self):
        return f"<EmbeddedLoader for {self.name!r}>"


def _module_of(path):
    root = sys._stdlib_dir + "/"
    if not path.startswith(root) or not path.endswith(".py"):
        return None
    name = path[len(root):-3].replace("/", ".").removesuffix(".__init__")
    return name if _cape_stdlib.find(name) is not None else None


# Code, source and file name of what the command line gives to be run.
command = None


def lazy_source(path):
    """What `linecache` calls for the source of a module of the library, in a tuple; None for other files."""
    name = _module_of(path)
    if name is None:
        return None
    return (lambda: _cape_stdlib.source(name).decode("utf-8", "replace"),)


class EmbeddedFinder:
    """Finds modules in one folder of the library."""

    def __init__(self, path):
        root = sys._stdlib_dir
        if path == root:
            self._prefix = ""
        elif path.startswith(root + "/") and _cape_stdlib.find(path[len(root) + 1:].replace("/", ".")) is not None:
            self._prefix = path[len(root) + 1:].replace("/", ".") + "."
        else:
            raise ImportError("only the embedded library is supported", path=path)
        self.path = path
        self._files = None

    def _find_file(self, fullname, target):
        """What an installation has beside the library in the folder, if it exists."""
        if self._files is None:
            self._files = _external.FileFinder(self.path, *_external._get_supported_file_loaders())
        return self._files.find_spec(fullname, target)

    def find_spec(self, fullname, target=None):
        name = self._prefix + fullname.rpartition(".")[2]
        found = _cape_stdlib.find(name)
        if found is None:
            return self._find_file(fullname, target)
        is_package, file = found
        file = f"{sys._stdlib_dir}/{file}"
        loader = EmbeddedLoader(name, file)
        spec = _bootstrap.ModuleSpec(fullname, loader, origin=file, is_package=is_package)
        spec._set_fileattr = True
        if is_package:
            spec.submodule_search_locations = [file.rpartition("/")[0]]
        return spec

    def invalidate_caches(self):
        self._files = None

    def iter_modules(self, prefix=""):
        for name, is_package in _cape_stdlib.names(self._prefix):
            yield prefix + name, is_package


def archive_hook(path):
    """zipimport.zipimporter, imported when there is a file that might be an archive."""
    probe = path
    while probe:
        try:
            mode = _external._path_stat(probe).st_mode
        except (OSError, ValueError):
            shorter = _external._path_split(probe)[0]
            if shorter == probe:
                break
            probe = shorter
            continue
        if mode & 0o170000 != 0o100000:
            break
        import zipimport

        return zipimport.zipimporter(path)
    raise ImportError("not a path in an archive", path=path)


def time_imports(cached):
    """Reports each import and how long it took; with `cached`, those of modules that are there, too."""
    from posix import write
    from time import perf_counter_ns

    find_and_load = _bootstrap._find_and_load
    below = [0]  # time of the imports that each running one has made

    def report(row, name):
        indent = "  " * (len(below) - 1)
        write(2, f"import time: {row} | {indent}{name}\n".encode("utf-8", "backslashreplace"))

    def timed(name, import_):
        if name in sys.modules:
            if cached:
                report("cached    | cached    ", name)
            return find_and_load(name, import_)
        below.append(0)
        start = perf_counter_ns()
        try:
            return find_and_load(name, import_)
        finally:
            took = perf_counter_ns() - start
            own = took - below.pop()
            below[-1] += took
            report(f"{own // 1000:9} | {took // 1000:10}", name)

    timed.__name__ = timed.__qualname__ = find_and_load.__name__
    write(2, b"import time: self [us] | cumulative | imported package\n")
    _bootstrap._find_and_load = timed


def install():
    sys.path_hooks.insert(0, EmbeddedFinder)
    sys.path_hooks.append(archive_hook)
    import posix

    how = sys._xoptions.get("importtime")
    if how is None and not sys.flags.ignore_environment:
        how = posix.environ.get(b"PYTHONPROFILEIMPORTTIME", b"").decode() or None
    if how is not None:
        time_imports(how == "2")
