# Names: cells, globals, class namespaces, comprehensions, annotations.
def outer(x):
    y = 1

    def inner(z=x):
        nonlocal y
        y += x
        return lambda: (y, z)

    return inner, [x for x in y if x], [lambda: i for i in x], (i for i in x)


class C(Base, metaclass=Meta):
    """Doc."""

    attribute: int = 1
    if attribute:
        conditional: str

    def method(self, a: int, *args, key: str = "k", **kw) -> None:
        self.__private = super().method(a)
        return __class__

    squares = [i * attribute for i in range(3)]


class Generic[T: int, *Ts, **P](Base):
    def f[U = T](self, u: U = 1) -> U: ...


type Alias[A] = list[A]
