"""Path-like arguments whose __fspath__ calls native functions of other signatures: messages name the function that was called."""

import os


class Path:
    def __init__(self, text):
        self.text = text

    def __fspath__(self):
        # Fewer parameters, and none at all, than the functions below have.
        "".join([self.text])
        self.text.strip()
        len(self.text)
        return self.text


def message(function, *args):
    try:
        function(*args)
    except (TypeError, ValueError) as error:
        return str(error)
    return None


for function, second in ((os.symlink, "dst"), (os.rename, "dst"), (os.link, "dst"), (os.replace, "dst")):
    name = function.__name__
    text = message(function, Path("a"), Path("b\0"))
    assert text in (f"{name}: embedded null character in {second}", "embedded null byte"), text
    text = message(function, Path("a"), 1.5)
    assert text == f"{name}: {second} should be string, bytes or os.PathLike, not float", text

missing = Path("/nonexistent/a"), Path("/nonexistent/b")
for function in os.symlink, os.rename, os.link, os.replace:
    try:
        function(*missing)
    except FileNotFoundError as error:
        assert error.filename == "/nonexistent/a" and error.filename2 == "/nonexistent/b", error
    else:
        raise AssertionError(function)
