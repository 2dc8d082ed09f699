"""The lines that frames are left on by exceptions: `f_lineno` of frames that are gone."""


def left(f):
    """For each frame below this one: where it raised, and where it was left, counted from its `def`."""
    try:
        f()
    except Exception as e:
        t = e.__traceback__.tb_next
    out = []
    while t:
        first = t.tb_frame.f_code.co_firstlineno
        out.append((t.tb_lineno - first, t.tb_frame.f_lineno - first))
        t = t.tb_next
    return out


def finally_body():
    try:
        1 / 0
    finally:
        try:
            [].x
        except AttributeError:
            pass
        done = 1


def no_clause():
    try:
        1 / 0
    except TypeError:
        pass
    except (ValueError, KeyError):
        pass


class Manager:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        try:
            [][1]
        except IndexError:
            pass


def manager():
    with Manager():
        entered = 1
        1 / 0


def bare_raise():
    for i in (1, 2):
        try:
            1 / 0
        except ZeroDivisionError as e:
            if i == 2:
                raise


def generator():
    yield 1
    try:
        1 / 0
    finally:
        pass


for _ in range(40):
    assert left(finally_body) == [(2, 8)]
    assert left(no_clause) == [(2, 5)]
    assert left(manager) == [(3, 3)]
    assert left(bare_raise) == [(3, 6)]
    assert left(lambda: list(generator())) == [(0, 0), (3, 5)]

print("left_lines: ok")
