"""Importing this module enables command line editing."""

# The interface is that of GNU readline's module; the editor is `_pyrepl`, of the library. This keeps what programs set, and makes a
# reader when a line is asked for: `_read_line` is what `input` and the prompt call while standard input and output are a terminal.

import os as _os
import sys as _sys

backend = "readline"

# The version of the interface.
_READLINE_LIBRARY_VERSION = "8.2"
_READLINE_VERSION = _READLINE_RUNTIME_VERSION = 0x0802

_history = []
_limit = None  # how many lines the history may have: "set history-size"
_file_limit = -1  # how many lines a history file may have
_auto_history = True
_delims = " \t\n`~!@#$%^&*()-=+[{]}\\|;:'\",<>/?"
_completer = None
_startup_hook = None
_pre_input_hook = None
_display_hook = None
_variables = {}
_bindings = []  # key specifications and names of commands; some may be wrong
_macros = {}  # names of commands and the text that they type
_reader = None
_completing = (0, 0, 0)  # begin, end and type of the completion that was last tried
_inserted = ""  # what was inserted while no line was being read

# Functions of GNU readline, and the commands of `_pyrepl` that do the same.
_FUNCTIONS = {
    "abort": "cancel",
    "accept-line": "accept",
    "backward-char": "left",
    "backward-delete-char": "backspace",
    "backward-kill-word": "backward-kill-word",
    "backward-word": "backward-word",
    "beginning-of-history": "first-history",
    "beginning-of-line": "beginning-of-line",
    "bracketed-paste-begin": "perform-bracketed-paste",
    "capitalize-word": "capitalize-word",
    "clear-screen": "clear-screen",
    "complete": "complete",
    "delete-char": "delete",
    "digit-argument": "digit-arg",
    "downcase-word": "downcase-word",
    "end-of-history": "last-history",
    "end-of-line": "end-of-line",
    "forward-char": "right",
    "forward-search-history": "forward-history-isearch",
    "forward-word": "forward-word",
    "history-search-backward": "history-search-backward",
    "history-search-forward": "history-search-forward",
    "kill-line": "kill-line",
    "kill-word": "kill-word",
    "menu-complete": "complete",
    "next-history": "next-history",
    "operate-and-get-next": "operate-and-get-next",
    "possible-completions": "complete",
    "previous-history": "previous-history",
    "redraw-current-line": "refresh",
    "reverse-search-history": "reverse-history-isearch",
    "revert-line": "restore-history",
    "rl_complete": "complete",
    "self-insert": "self-insert",
    "transpose-chars": "transpose-characters",
    "transpose-words": "transpose-words",
    "unix-line-discard": "unix-line-discard",
    "unix-word-rubout": "unix-word-rubout",
    "upcase-word": "upcase-word",
    "yank": "yank",
    "yank-last-arg": "yank-arg",
    "yank-pop": "yank-pop",
}

# Names of keys in front of a colon.
_KEYS = {
    "del": r"\<backspace>",
    "esc": r"\e",
    "escape": r"\e",
    "lfd": r"\n",
    "newline": r"\n",
    "ret": r"\<return>",
    "return": r"\<return>",
    "rubout": r"\<backspace>",
    "space": " ",
    "spc": " ",
    "tab": r"\t",
}


def _text(string):
    if not isinstance(string, (str, bytes)):
        raise TypeError("bad argument type for built-in operation")
    return _os.fsdecode(string)


def _function(function, name):
    if function is not None and not callable(function):
        raise TypeError(f"{name}(func): argument not callable")
    return function


def _index(pos):
    if pos < 0:
        raise ValueError("History index cannot be negative")
    if pos >= len(_history):
        raise ValueError(f"No history item at position {pos}")
    return pos


def _trim():
    if _limit is not None and len(_history) > _limit:
        del _history[: len(_history) - _limit]


# Bindings

def parse_and_bind(string, /):
    """Execute the init line provided in the string argument."""
    global _limit
    line = _text(string).strip()
    if not line or line[0] in "#$":
        return
    words = line.split(None, 2)
    if words[0] == "set":
        if len(words) > 1:
            name, value = words[1].lower(), words[2].strip() if len(words) > 2 else ""
            _variables[name] = value
            if name == "history-size":
                try:
                    size = int(value)
                except ValueError:
                    return
                _limit = size if size >= 0 else None
                _trim()
        return
    if (parsed := _keys(line)) is None:
        return
    keys, action = parsed
    if action[:1] in "\"'" and action:
        command = f"macro-{len(_macros)}"
        _macros[command] = _unescaped(action[1:].partition(action[0])[0])
    else:
        command = _FUNCTIONS.get(action.split()[0].lower() if action else "")
        if command is None:
            return
    _bindings.append((keys, command))
    if _reader is not None:
        _with_editor(_reader.add_bindings)


def _keys(line):
    """The key specification and what is bound to it; None when the line is wrong."""
    if line[0] == '"':
        end = 1
        while end < len(line) and line[end] != '"':
            end += 2 if line[end] == "\\" else 1
        keys, rest = line[1:end], line[end + 1 :].lstrip()
        if not rest.startswith(":"):
            return None
        action = rest[1:].strip()
    else:
        name, colon, action = line.partition(":")
        if not colon:
            return None
        prefix, action = "", action.strip()
        *modifiers, key = name.strip().replace("--", "-\0").split("-")
        key = key.replace("\0", "-")
        for modifier in modifiers:
            if modifier.lower() in ("control", "ctrl", "c"):
                prefix += r"\C-"
            elif modifier.lower() in ("meta", "m"):
                prefix = r"\M-" + prefix
            else:
                return None
        key = _KEYS.get(key.lower(), key[:1])
        keys = prefix + (r"\\" if key == "\\" else key)
    return keys, action


def _unescaped(text):
    escapes = {"a": "\a", "b": "\b", "d": "\x7f", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
    out, i = [], 0
    while i < len(text):
        if text[i] != "\\" or i + 1 == len(text):
            out.append(text[i])
            i += 1
        elif text[i + 1] in "CM" and text[i + 2 : i + 3] == "-" and i + 3 < len(text):
            key = text[i + 3]
            out.append(chr(ord(key.upper()) & 0x1F) if text[i + 1] == "C" else "\x1b" + key)
            i += 4
        else:
            out.append(escapes.get(text[i + 1], text[i + 1]))
            i += 2
    return "".join(out)


def _holds(condition):
    """Whether the condition of an `$if` in an init file is met."""
    name, equals, value = condition.partition("=")
    match name.strip().lower():
        case "mode":
            return value.strip() == "emacs"
        case "term":
            terminal = _os.environ.get("TERM", "")
            return value.strip() in (terminal, terminal.partition("-")[0])
        case "python":
            return not equals
    return False


def read_init_file(filename=None, /):
    """Execute a readline initialization file.

    The default filename is the last filename used."""
    if filename is None:
        _sys.audit("open", "<readline_init_file>", "r", 0)
        filename = _os.environ.get("INPUTRC") or _os.path.expanduser("~/.inputrc")
    with open(_os.fspath(filename), encoding="utf-8", errors="surrogateescape") as file:
        lines = file.readlines()
    active = [True]
    for line in lines:
        directive, _, rest = line.strip().partition(" ")
        if directive == "$if":
            active.append(active[-1] and _holds(rest))
        elif directive == "$else" and len(active) > 1:
            active[-1] = active[-2] and not active[-1]
        elif directive == "$endif" and len(active) > 1:
            active.pop()
        elif active[-1]:
            if directive == "$include":
                try:
                    read_init_file(_os.path.expanduser(rest.strip()))
                except OSError:
                    pass
            else:
                parse_and_bind(line)


# The line that is being edited

def get_line_buffer():
    """Return the current contents of the line buffer."""
    return _reader.get_unicode() if _reader is not None and _reader.reading else _inserted


def insert_text(string, /):
    """Insert text into the line buffer at the cursor position."""
    global _inserted
    if _reader is not None and _reader.reading:
        _reader.insert(_text(string))
    else:
        _inserted += _text(string)


def redisplay():
    """Change what's displayed on the screen to reflect contents of the line buffer."""
    if _reader is not None and _reader.reading:
        _reader.refresh()


# History

def _path(filename, mode):
    _sys.audit("open", "~/.history" if filename is None else filename, mode, 0)
    return _os.path.expanduser("~/.history") if filename is None else _os.fspath(filename)


def read_history_file(filename=None, /):
    """Load a readline history file.

    The default filename is ~/.history."""
    with open(_path(filename, "r"), "rb") as file:
        lines = file.read().split(b"\n")
    _history.extend(_os.fsdecode(line.removesuffix(b"\r")) for line in lines if line)
    _trim()


def write_history_file(filename=None, /):
    """Save a readline history file.

    The default filename is ~/.history."""
    _write(_path(filename, "w"), "wb", _history)


def append_history_file(nelements, filename=None, /):
    """Append the last nelements items of the history list to file.

    The default filename is ~/.history."""
    if nelements < 0:
        raise ValueError("nelements must be non-negative")
    path = _path(filename, "a")
    _os.stat(path)  # it must be there
    _write(path, "ab", _history[max(0, len(_history) - nelements) :])


def _write(path, mode, items):
    with open(path, mode) as file:
        file.writelines(_os.fsencode(item) + b"\n" for item in items)
    if _file_limit >= 0:
        with open(path, "rb") as file:
            lines = file.readlines()
        if len(lines) > _file_limit:
            with open(path, "wb") as file:
                file.writelines(lines[len(lines) - _file_limit :])


def get_history_length():
    """Return the maximum number of lines that will be written to the history file."""
    return _file_limit


def set_history_length(length, /):
    """Set the maximal number of lines which will be written to the history file.

    A negative length is used to inhibit history truncation."""
    global _file_limit
    _file_limit = length.__index__() if not isinstance(length, str) else _not_a_number(length)


def _not_a_number(value):
    raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as an integer")


def get_current_history_length():
    """Return the current (not the maximum) length of history."""
    return len(_history)


def get_history_item(index, /):
    """Return the current contents of history item at one-based index."""
    return _history[index - 1] if 1 <= index <= len(_history) else None


def remove_history_item(pos, /):
    """Remove history item given by its zero-based position."""
    del _history[_index(pos)]


def replace_history_item(pos, line, /):
    """Replaces history item given by its position with contents of line.

    pos is zero-based."""
    line = _text(line)
    _history[_index(pos)] = line


def add_history(string, /):
    """Add an item to the history buffer."""
    _history.append(_text(string))
    _trim()


def set_auto_history(enabled, /):
    """Enables or disables automatic history."""
    global _auto_history
    _auto_history = bool(enabled)


def clear_history():
    """Clear the current readline history."""
    _history.clear()


# Completion

def set_completer(function=None, /):
    """Set or remove the completer function.

    The function is called as function(text, state),
    for state in 0, 1, 2, ..., until it returns a non-string.
    It should return the next possible completion starting with 'text'."""
    global _completer
    _completer = _function(function, "set_completer")


def get_completer():
    """Get the current completer function."""
    return _completer


def get_completion_type():
    """Get the type of completion being attempted."""
    return _completing[2]


def get_begidx():
    """Get the beginning index of the completion scope."""
    return _completing[0]


def get_endidx():
    """Get the ending index of the completion scope."""
    return _completing[1]


def set_completer_delims(string, /):
    """Set the word delimiters for completion."""
    global _delims
    _delims = _text(string)


def get_completer_delims():
    """Get the word delimiters for completion."""
    return _delims


def set_completion_display_matches_hook(function=None, /):
    """Set or remove the completion display function.

    The function is called as
      function(substitution, [matches], longest_match_length)
    once each time matches need to be displayed."""
    global _display_hook
    _display_hook = _function(function, "set_completion_display_matches_hook")


# Hooks

def set_startup_hook(function=None, /):
    """Set or remove the function invoked by the rl_startup_hook callback.

    The function is called with no arguments just
    before readline prints the first prompt."""
    global _startup_hook
    _startup_hook = _function(function, "set_startup_hook")


def set_pre_input_hook(function=None, /):
    """Set or remove the function invoked by the rl_pre_input_hook callback.

    The function is called with no arguments after the first prompt
    has been printed and just before readline starts reading input
    characters."""
    global _pre_input_hook
    _pre_input_hook = _function(function, "set_pre_input_hook")


# The editor

_modules = {}  # what was imported of it


def _with_editor(function):
    """Calls a function that imports parts of the editor. The program did not ask for them, and may have a `_pyrepl` of its own."""

    def taken_out():
        names = [name for name in _sys.modules if name.partition(".")[0] == "_pyrepl"]
        return {name: _sys.modules.pop(name) for name in names}

    theirs = taken_out()
    _sys.modules.update(_modules)
    try:
        return function()
    finally:
        _modules.update(taken_out())
        _sys.modules.update(theirs)


def _on(variable, default):
    """Whether a variable that is on or off is on."""
    return _variables.get(variable, default).lower() in ("on", "1")


def _make_reader():
    """The reader of lines; raises when the terminal cannot be used for one."""
    import contextlib
    import termios

    completer = _completer
    from _pyrepl import base_eventqueue, commands, completing_reader, input, keymap
    from _pyrepl.readline import ReadlineAlikeReader, ReadlineConfig
    from _pyrepl.unix_console import UnixConsole
    from _pyrepl.unix_eventqueue import get_terminal_keycodes

    set_completer(completer)  # the first import of `rlcompleter` sets its own

    class Terminal(UnixConsole):
        """As plain as GNU readline treats it: what is typed at the end of a line is echoed, and nothing else is written."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self._civis = self._cnorm = self.ich1 = None
            keys = get_terminal_keycodes(self.terminfo)
            if not _on("enable-keypad", "off"):
                self._smkx = self._rmkx = None
                # What the keys of the keypad send while it is not enabled.
                keys |= {b"\x1b[" + code[2:]: key for code, key in keys.items() if code.startswith(b"\x1bO")}
            keys[termios.tcgetattr(self.input_fd)[6][termios.VERASE]] = "backspace"
            self.event_queue = base_eventqueue.BaseEventQueue(self.encoding, keys)

        # Called by `prepare` and `restore`.
        def _UnixConsole__enable_bracketed_paste(self):
            if _on("enable-bracketed-paste", "off"):
                super()._UnixConsole__enable_bracketed_paste()

        def _UnixConsole__disable_bracketed_paste(self):
            if _on("enable-bracketed-paste", "off"):
                super()._UnixConsole__disable_bracketed_paste()

    class complete(completing_reader.complete):
        def do(self):
            global _completing
            reader = self.reader
            again = reader.last_command_is(self.__class__)
            stem = reader.get_stem()
            begin, end = reader.pos - len(stem), reader.pos
            _completing = begin, end, ord("?" if again else "\t")
            found = reader.matches(stem)
            # A completer may insert text by itself.
            begin, end = reader.pos - len(stem), reader.pos
            if not found:
                reader.console.beep()
                return
            common = found[0] if len(found) == 1 else completing_reader.prefix(found)
            if len(found) == 1 or common.startswith(stem):
                reader.buffer[begin:end] = list(common)
                reader.pos = begin + len(common)
                reader.dirty = True
            if len(found) == 1:
                return
            if not again and not _on("show-all-if-ambiguous", "off"):
                reader.console.beep()
            elif _display_hook is not None:
                with reader.usual_output():
                    _display_hook(common, found, max(map(len, found)))
                reader.console.repaint()
                reader.dirty = True
            else:
                reader.cmpltn_menu_choices = found
                reader.cmpltn_menu_visible = True
                reader.cmpltn_menu, reader.cmpltn_menu_end = completing_reader.build_menu(
                    reader.console, found, reader.cmpltn_menu_end, reader.use_brackets, reader.sort_in_column
                )
                reader.dirty = True

    def well_formed(binding):
        try:
            keymap.parse_keys(binding[0])
        except keymap.KeySpecError:
            return False
        return True

    def macro(text):
        class typed(commands.Command):
            def do(self):
                for byte in text.encode(self.reader.console.encoding, "surrogateescape"):
                    self.reader.console.push_char(byte)

        return typed

    class Reader(ReadlineAlikeReader):
        reading = False

        def __post_init__(self):
            super().__post_init__()
            self.can_colorize = False
            self.commands["complete"] = complete
            self.add_bindings()

        def add_bindings(self):
            for name, text in _macros.items():
                self.commands[name] = macro(text)
            self.keymap = self.collect_keymap()
            self.input_trans = input.KeymapTranslator(
                self.keymap, invalid_cls="invalid-key", character_cls="self-insert"
            )

        def collect_keymap(self):
            return super().collect_keymap() + tuple(filter(well_formed, _bindings))

        def get_stem(self):
            begin = self.pos
            while begin > 0 and self.buffer[begin - 1] not in _delims:
                begin -= 1
            return "".join(self.buffer[begin : self.pos])

        def get_completions(self, stem):
            return self.matches(stem)

        def matches(self, stem):
            found = []
            if _completer is None:
                return found
            with self.usual_output():
                while True:
                    try:
                        match = _completer(stem, len(found))
                    except Exception:
                        break
                    if not isinstance(match, str):
                        break
                    found.append(match)
            return sorted(set(found))

        @contextlib.contextmanager
        def usual_output(self):
            """What Python code prints meanwhile has its lines ended as ever."""
            fd = self.console.output_fd
            before = termios.tcgetattr(fd)
            during = before.copy()
            during[1] |= termios.OPOST
            termios.tcsetattr(fd, termios.TCSADRAIN, during)
            try:
                yield
            finally:
                termios.tcsetattr(fd, termios.TCSADRAIN, before)

        def finish(self):
            line = self.get_unicode()
            if line and _auto_history and (not _history or _history[-1] != line):
                _history.append(line)
                _trim()

        def begin(self):
            self.reading = True
            self.history = _history
            if _startup_hook is not None:
                with contextlib.suppress(Exception):
                    _startup_hook()
            if _pre_input_hook is not None:
                self.refresh()
                with self.usual_output(), contextlib.suppress(Exception):
                    _pre_input_hook()

        def read(self, prompt):
            self.ps1 = prompt
            try:
                return self.readline(startup_hook=self.begin)
            finally:
                self.reading = False

    console = Terminal(0, 1, encoding="utf-8")
    return Reader(console=console, config=ReadlineConfig(), history=_history)


def _read_line(prompt):
    """A line with its newline; None where there can be no editor: on terminals that cannot move their cursor, in other threads than the
    main one, which alone is told of signals."""
    global _reader, _inserted
    import _thread

    if _thread.get_ident() != _thread._get_main_thread_ident():
        return None
    if _reader is None:
        try:
            _reader = _with_editor(_make_reader)
        except Exception:
            return None
    if _reader.reading:
        return None
    _inserted = ""
    return _reader.read(prompt) + "\n"


try:
    read_init_file()
except OSError:
    pass
