# Structural pattern matching.
from dataclasses import dataclass


@dataclass
class Point:
    x: int
    y: int = 0


class Status:
    OK = 200


def describe(value):
    match value:
        case None:
            return "none"
        case True | False:
            return "bool"
        case Status.OK:
            return "ok"
        case 0 | 1 | 2 as small:
            return f"small {small}"
        case int(n) if n < 0:
            return f"negative {n}"
        case int():
            return "int"
        case -1.5:
            return "float"
        case "a" "b":
            return "ab"
        case str() as text:
            return f"str {text}"
        case Point(0, 0):
            return "origin"
        case Point(x=0, y=y):
            return f"on y at {y}"
        case Point(x, y):
            return f"point {x} {y}"
        case []:
            return "empty"
        case [x]:
            return f"one {x}"
        case [first, *middle, last]:
            return f"{first} {middle} {last}"
        case {"kind": "circle", "r": r, **rest}:
            return f"circle {r} {rest}"
        case {"kind": kind}:
            return f"kind {kind}"
        case {}:
            return "mapping"
        case _:
            return "other"


assert [describe(v) for v in (None, True, 200, 1, -7, 9, -1.5, "ab", "q")] == [
    "none", "bool", "ok", "small 1", "negative -7", "int", "float", "ab", "str q",
]
assert [describe(v) for v in (Point(0), Point(0, 5), Point(1, 2), [], (1,), range(4), {1: 2}, 5j)] == [
    "origin", "on y at 5", "point 1 2", "empty", "one 1", "0 [1, 2] 3", "mapping", "other",
]
assert describe({"kind": "circle", "r": 2, "c": 3}) == "circle 2 {'c': 3}"
assert describe({"kind": "square"}) == "kind square"

match (1, [2, {"k": [3, 4]}]):
    case (a, [b, {"k": [c, *d]}]):
        assert (a, b, c, d) == (1, 2, 3, [4])
    case _:
        raise AssertionError
try:
    match 5:
        case int(1, 2):
            pass
except TypeError as error:
    assert "accepts 1 positional sub-pattern (2 given)" in str(error)
