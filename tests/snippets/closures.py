# Scopes: cells, nonlocal, global, class bodies, comprehensions, late binding.
def counter():
    n = 0

    def up(by=1):
        nonlocal n
        n += by
        return n

    return up, lambda: n


up, read = counter()
assert (up(), up(5), read()) == (1, 6, 6)
other, _ = counter()
assert other() == 1 and read() == 6
assert up.__closure__[0].cell_contents == 6 and up.__code__.co_freevars == ("n",)

assert [f() for f in [lambda: i for i in range(3)]] == [2, 2, 2]
assert [f() for f in [lambda i=i: i for i in range(3)]] == [0, 1, 2]

x = "module"


class Scope:
    x = "class"
    seen = [x for _ in range(1)]
    direct = x

    def method(self):
        return x


assert Scope.direct == "class" and Scope.seen == ["module"] or Scope.seen == ["class"]
assert Scope().method() == "module"


def unbound():
    try:
        print(value)
    except UnboundLocalError as error:
        assert "cannot access local variable 'value'" in str(error)
    else:
        raise AssertionError
    value = 1
    del value
    try:
        value
    except UnboundLocalError:
        return True


assert unbound()


def free():
    def inner():
        return later

    try:
        inner()
    except NameError as error:
        assert "cannot access free variable 'later'" in str(error)
    later = 5
    return inner()


assert free() == 5


def make_global():
    global made
    made = 1


make_global()
assert made == 1
try:
    missing
except NameError as error:
    assert str(error) == "name 'missing' is not defined" and error.name == "missing"


def walrus():
    if any((hit := v) > 2 for v in [1, 2, 3, 4]):
        return hit
    return None


assert walrus() == 3
assert [y := 1, y + 1] == [1, 2]


def annotated(a: int, *, b: "str" = "") -> list[int]:
    local: int = a
    return [local]


assert annotated(1) == [1]
assert annotated.__annotations__ == {"a": int, "b": "str", "return": list[int]}


class Meta(type):
    def __prepare__(name, bases):
        return {"prepared": True}


class Prepared(metaclass=Meta):
    assert prepared


def outer():
    class Inner:
        def me(self):
            return __class__

    return Inner


assert outer()().me().__name__ == "Inner"
assert locals() is globals()
