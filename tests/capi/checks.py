"""What the scripts of this folder check with."""


def raises(exception, text, function, *args):
    try:
        function(*args)
    except exception as e:
        assert text in str(e), e
    else:
        raise AssertionError(f"{function} did not raise")


def outcome(function):
    try:
        return repr(function())
    except Exception as e:
        return repr(e)


def case(label, function):
    print(label, outcome(function), sep="\t")
