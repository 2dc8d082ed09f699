"""The prompt: basic and with the editor, before, after and without a program; `input`, `readline`, start-up files, exit codes."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

# (Shells start what runs in the background with SIGINT ignored, and so would be what is started here.)
signal.signal(signal.SIGINT, signal.default_int_handler)

cpython = sys.implementation.name == "cpython"
executable = os.environ.get("CAPE_PEER_CPYTHON", sys.executable) if cpython else sys.executable

folder = tempfile.TemporaryDirectory()
environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "CAPEGC", "CAPEJIT"))}
environment |= {"TERM": "xterm", "NO_COLOR": "1", "PYTHON_HISTORY": f"{folder.name}/history", "INPUTRC": os.devnull}
if cpython and "PEERS" in os.environ:
    environment["PEERS"] = os.environ["PEERS"]


def file(name, text):
    path = f"{folder.name}/{name}"
    with open(path, "w") as f:
        f.write(text)
    return path


def piped(typed, *options, env={}):
    """What stands on stdout and stderr together, and the exit code, when the prompt reads a pipe."""
    p = subprocess.run(
        [executable, *options], input=typed.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=environment | env, timeout=60, cwd=folder.name,
    )
    return p.stdout.decode(), p.returncode


def shown(typed, *options, env={}):
    out, code = piped(typed, "-q", "-i", *options, env=env)
    assert code == 0, (code, out)
    return out


# Statements, one at a time; values are shown, `_` is the last.
assert shown("1 + 1\n_ * 2\nNone\n_\n") == ">>> 2\n>>> 4\n>>> >>> 4\n>>> \n"
assert shown("# a comment\n\n   \n1; 2\n") == ">>> >>> >>> >>> 1\n2\n>>> \n"
# Compound statements end with an empty line, not with one of spaces.
assert shown("if 1:\n  2\n   \n  # c\n  3\n\n") == ">>> ... ... ... ... ... 2\n3\n>>> \n"
assert shown("def f():\n  return 5\n\nf()\n") == ">>> ... ... >>> 5\n>>> \n"
assert shown("@property\ndef f(): 1\n\ntry:\n  1\nfinally:\n  2\n\n") == ">>> ... ... >>> ... ... ... ... 1\n2\n>>> \n"
# Brackets, strings and backslashes go on.
assert shown("(1,\n\n2)\n") == ">>> ... ... (1, 2)\n>>> \n"
assert shown('"""a\n\n# "\n""", 3\n') == ">>> ... ... ... ('a\\n\\n# \"\\n', 3)\n>>> \n"
assert shown("x = 1 + \\\n  2;x\n") == ">>> ... 3\n>>> \n"
# The end of the input ends what was begun.
assert shown("1 + 1") == ">>> ... \n2\n>>> \n"
assert shown("if 1:\n  4\n") == ">>> ... ... \n4\n>>> \n"
assert "SyntaxError: '(' was never closed" in shown("f(\n")
# Future statements stay.
assert "{'x': 'y'}" in shown("from __future__ import annotations\ndef g(x: y): pass\n\ng.__annotations__\n")
assert shown("await f()\n").endswith("SyntaxError: 'await' outside function\n>>> \n")

# Tracebacks have the lines.
assert shown("def f(x):\n  return 1 / x\n\nf(0)\n") == """\
>>> ... ... >>> Traceback (most recent call last):
  File "<stdin>", line 1, in <module>
    f(0)
    ~^^^
  File "<stdin>", line 2, in f
    return 1 / x
           ~~^~~
ZeroDivisionError: division by zero
>>> 
"""
assert shown("x y\n") == """\
>>>   File "<stdin>", line 1
    x y
      ^
SyntaxError: invalid syntax
>>> 
"""
assert shown("1\nreturn 3\n") == """\
>>> 1
>>>   File "<stdin-1>", line 1
    return 3
    ^^^^^^^^
SyntaxError: 'return' outside function
>>> 
"""
assert shown("  x\n").endswith("IndentationError: unexpected indent\n>>> \n")
assert "<stdin-0>\n" in shown("def f(): pass\n\nprint(f.__code__.co_filename)\n")
assert shown("import sys\n1/0\nsys.last_exc\n").endswith(">>> ZeroDivisionError('division by zero')\n>>> \n")

# Prompts are any objects; hooks are the program's.
assert shown("import sys\nsys.ps1 = 7\n1\n") == ">>> >>> 71\n7\n"
assert shown("import sys\nhasattr(sys, 'ps1'), sys.ps2\n") == ">>> >>> (True, '... ')\n>>> \n"
assert shown("import sys\nsys.displayhook = lambda v: print('=', v)\n5\n") == ">>> >>> >>> = 5\n>>> \n"
assert "RuntimeError: lost sys.displayhook" in shown("import sys\ndel sys.displayhook\n5\n")
out = shown("import sys\nsys.excepthook = lambda *a: print('hook', a[0].__name__, file=sys.stderr)\nx\n")
assert out == ">>> >>> >>> hook NameError\n>>> \n", out
assert piped("import sys\nsys.excepthook = lambda *a: sys.exit(9)\nx\n", "-q", "-i")[1] == 9
assert piped("", "-c", "import sys; sys.exit(hasattr(sys, 'ps1'))") == ("", 0)

# Ends.
assert piped("exit(4)\n1\n", "-q", "-i") == (">>> ", 4)
assert piped("raise SystemExit('no')\n", "-q", "-i") == (">>> no\n", 1)
assert piped("raise KeyboardInterrupt\n", "-q", "-i")[1] == -2
assert piped("import os\nos.close(0)\n", "-q", "-i") == (">>> >>> >>> \n", 0)

# After a program: SystemExit is told, its code counts no more.
assert shown("x\n", "-c", "x = 5") == ">>> 5\n>>> \n"
assert shown("", "-c", "1; import sys; sys.exit(5)") == """\
Traceback (most recent call last):
  File "<string>", line 1, in <module>
    1; import sys; sys.exit(5)
                   ~~~~~~~~^^^
SystemExit: 5
>>> 
"""
script = file("script.py", "import sys\nx = sys.argv[1:], __file__\ny = sys.flags.inspect\n")
assert shown("x, y\n__file__\n", script, "a").startswith(f">>> ((['a'], '{script}'), 1)\n>>> Traceback")
assert shown("import sys; sys.flags.inspect, sys.flags.interactive\n") == ">>> (0, 1)\n>>> \n"
assert "KEYWORD\n" in shown("'KEYWORD' if iskeyword else 0; print('KEYWORD')\n", "-m", "keyword")
assert piped("3\n", "-c", "import os; os.environ['PYTHONINSPECT'] = '1'")[0] == ""

# Start-up files and hooks.
startup = file("startup.py", "started = __file__\n")
assert shown("started\n'__file__' in globals()\n", env={"PYTHONSTARTUP": startup}) == f">>> '{startup}'\n>>> False\n>>> \n"
assert "NameError" in shown("started\n", "-E", env={"PYTHONSTARTUP": startup})
assert "NameError" in shown("started\n", "-c", "0", env={"PYTHONSTARTUP": startup})
out = shown("2\n", env={"PYTHONSTARTUP": startup + "x"})
assert out.startswith("Could not open PYTHONSTARTUP\nFileNotFoundError: ") and out.endswith("\n>>> 2\n>>> \n"), out
startup = file("wrong.py", "1/0\n")
out = shown("2\n", env={"PYTHONSTARTUP": startup})
assert f'File "{startup}", line 1' in out and out.endswith("ZeroDivisionError: division by zero\n>>> 2\n>>> \n"), out
startup = file("leaves.py", "raise SystemExit(3)\n")
assert piped("2\n", "-q", "-i", env={"PYTHONSTARTUP": startup}) == ("", 3)
startup = file("hook.py", "import sys\nsys.__interactivehook__ = lambda: 1/0\n")
out = shown("2\n", env={"PYTHONSTARTUP": startup})
assert out.startswith("Failed calling sys.__interactivehook__\nTraceback") and out.endswith(">>> 2\n>>> \n"), out
out = piped("1\n", "-i")[0]
assert out.startswith("Python 3.14.") and 'Type "help", "copyright", "credits" or "license" for' in out, out

# What `-c` is given may be indented.
assert piped("", "-c", "\n    if 1:\n      print(2)\n") == ("2\n", 0)


class Terminal:
    """A program at a terminal; what it writes is waited for."""

    def __init__(self, *options, env={}):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(folder.name)
                os.execve(executable, [executable, *options], environment | env)
            finally:
                os._exit(127)
        self.text = ""

    def read(self, seconds=0.2):
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.text += re.sub(r"\x1b(\[[?0-9;]*[a-zA-Z@]|[=>])", "", data.decode("utf-8", "replace"))
        return bool(data)

    def until(self, what):
        """Waits until that is written, and drops what was written up to its end."""
        end = time.monotonic() + 60
        while what not in self.text:
            assert self.read() and time.monotonic() < end, (what, self.text)
        before, _, self.text = self.text.partition(what)
        return before + what

    def type(self, keys, what):
        os.write(self.fd, keys.encode())
        return self.until(what)

    def end(self, keys):
        os.write(self.fd, keys.encode())
        end = time.monotonic() + 60
        while not (ended := os.waitpid(self.pid, os.WNOHANG))[0]:
            assert time.monotonic() < end, self.text
            if not self.read(0.05):
                time.sleep(0.05)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(ended[1])


# The editor: several lines in one statement, history, indentation, tracebacks of what was typed.
t = Terminal("-q")
t.until(">>> ")
t.type("1 + 1\r", "2\r\n")
t.until(">>> ")
t.type("def f(x):\r", "...")
t.type("return 1 / x\r\r", ">>> ")
assert 'File "<python-input-2>", line 1, in <module>' in t.type("f(0)\r", 'line 2, in f')
t.until("ZeroDivisionError: division by zero")
t.until(">>> ")
t.type("import sys; print(__name__, sys.ps1, _)\r", "__main__ >>>  2")
t.until(">>> ")
t.type("word = 'done'\r", ">>> ")
t.type("word.upp\t", "upper()")
t.type("\r", "'DONE'")
t.until(">>> ")
t.type("\x1bOA", "word.upper()")
t.type("\x7f\x7f\r", "built-in method upper")
t.until(">>> ")
t.type("input('what? ')\r", "what? ")
t.type("this\r", "'this'")
t.until(">>> ")
t.type("abc\x03", "KeyboardInterrupt")
t.until(">>> ")
assert t.end("exit(7)\r") == 7
with open(environment["PYTHON_HISTORY"]) as f:
    history = f.read()
assert "word = 'done'\n" in history, history

# The basic prompt on a terminal.
t = Terminal("-q", "-i", "-c", "x = 5", env={"PYTHON_BASIC_REPL": "1"})
t.until(">>> ")
t.type("x + 1\r", "6\r\n")
t.until(">>> ")
t.type("if x:\r", "... ")
t.type("  print('ye' 's')\r", "... ")
t.type("\r", "yes")
t.until(">>> ")
assert t.end("exit(3)\r") == 3

# `input` of a program, without and with an editor of lines.
program = "print([input('name: ')])"
t = Terminal("-c", program)
t.until("name: ")
t.type("Ann\x7fa\r", "['Ana']")
assert t.end("") == 0
t = Terminal("-c", program)
t.until("name: ")
t.type("\x04", "EOFError")
assert t.end("") == 1
t = Terminal("-c", """
import readline
words = ["alpha", "alphabet", "beta"]
readline.set_completer(lambda text, n: [w for w in words if w.startswith(text)][n])
readline.parse_and_bind("tab: complete")
readline.parse_and_bind('Control-o: "typed"')
readline.add_history("of old")
readline.set_startup_hook(lambda: readline.insert_text("<"))
while True:
    try:
        line = input("> ")
    except EOFError:
        break
    print([line], readline.get_current_history_length())
""")
t.until("> ")
t.type("b\t\r", "['<beta'] 2") if not cpython else t.type("eta\r", "['<eta'] 2")
t.until("> ")
t.type("\x0f\x01>\r", "['><typed'] 3")
t.until("> ")
t.type("\x1bOA\x05!\r", "!'] 4")
t.until("> ")
t.type("one two\x17three\x02\x0b\r", "['<one thre'] 5")
t.until("> ")
assert t.end("\x15\x04") == 0

folder.cleanup()
