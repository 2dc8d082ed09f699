"""Which name was meant."""

import traceback

from _suggestions import _generate_suggestions as closest

assert closest(["abc", "abd"], "abx") == "abc" and closest(["abx"], "abx") is None is closest([], "a")
assert closest(["zzzzz"], "ab") is None and closest(["x"] * 749 + ["abd"], "abc") is None
assert closest(["ab" * 30], "ab" * 30 + "c") == "ab" * 30
for arguments, message in (
    ((1, "a"), "candidates must be a list"),
    (([1], "a"), "all elements in 'candidates' must be strings"),
    ((["a"], 1), "_generate_suggestions() argument 2 must be str, not int"),
):
    try:
        closest(*arguments)
    except TypeError as e:
        assert str(e) == message, e
    else:
        raise AssertionError(message)

try:
    compile("[\nx for x\nin range(3)\nof x\n]", "<string>", "exec")
except SyntaxError as e:
    text = "".join(traceback.TracebackException.from_exception(e).format())
    assert text.endswith("SyntaxError: invalid syntax\n") or "Did you mean 'if'?" in text, text
