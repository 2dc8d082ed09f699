"""A module without a statement runs on line 0."""

import sys

for source in ["", "\n\n", "# nothing\n"]:
    code = compile(source, "empty", "exec")
    assert {line for _, _, line in code.co_lines()} == {0}, list(code.co_lines())
    events = []

    def trace(frame, event, arg):
        events.append((event, frame.f_lineno))
        return trace

    sys.settrace(trace)
    exec(code)
    sys.settrace(None)
    assert events == [("call", 0), ("line", 0), ("return", 0)], events

assert {line for _, _, line in compile("pass", "one", "exec").co_lines()} == {0, 1}
