"""Files of the embedded library, for `importlib.resources`."""

import contextlib
import io
import pathlib
import tempfile

import _cape_stdlib
from importlib.resources import as_file
from importlib.resources._common import _write_contents
from importlib.resources.abc import Traversable, TraversableResources


class EmbeddedPath(Traversable):
    """A file or a folder of the library, by its path below the library's folder."""

    def __init__(self, path):
        self._path = path

    @property
    def name(self):
        return self._path.rpartition("/")[2]

    def is_dir(self):
        return bool(_cape_stdlib.folder(self._path))

    def is_file(self):
        return _cape_stdlib.file(self._path) is not None

    def iterdir(self):
        for name, _ in _cape_stdlib.folder(self._path):
            yield self.joinpath(name)

    def joinpath(self, *descendants):
        parts = [part for path in descendants for part in str(path).split("/") if part not in ("", ".")]
        return EmbeddedPath("/".join([self._path, *parts]))

    def read_bytes(self):
        data = _cape_stdlib.file(self._path)
        if data is None:
            if self.is_dir():
                raise IsADirectoryError(21, "Is a directory", self._path)
            raise FileNotFoundError(2, "No such file or directory", self._path)
        return data

    def open(self, mode="r", *args, **kwargs):
        stream = io.BytesIO(self.read_bytes())
        return stream if "b" in mode else io.TextIOWrapper(stream, *args, **kwargs)

    def read_text(self, encoding=None, errors=None):
        return io.TextIOWrapper(io.BytesIO(self.read_bytes()), encoding, errors).read()

    def __repr__(self):
        return f"EmbeddedPath({self._path!r})"


class EmbeddedResources(TraversableResources):
    """The resources of a package of the library."""

    def __init__(self, path):
        self._path = path

    def files(self):
        return EmbeddedPath(self._path)


@as_file.register(EmbeddedPath)
@contextlib.contextmanager
def _(path):
    """A copy on disk, under its own name: programs read the names of wheels."""
    with tempfile.TemporaryDirectory() as folder:
        yield _write_contents(pathlib.Path(folder), path)
