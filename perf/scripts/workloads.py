"""Ten pure-Python workloads, one per corner of the language. Each returns something that depends on
all of its work."""


def calls():
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    def scaled(value, factor=3, *, offset=0):
        return value * factor + offset

    def spread(*args, **kwargs):
        return len(args) + len(kwargs)

    total = fib(18)
    for i in range(3000):
        total += scaled(i) + scaled(i, 2, offset=5) + spread(i, total, key=i)
    return total


class Particle:
    def __init__(self, x, speed):
        self.x = x
        self.speed = speed
        self.bounces = 0

    def step(self, width):
        self.x += self.speed
        if self.x < 0 or self.x > width:
            self.speed = -self.speed
            self.bounces += 1

    @property
    def energy(self):
        return self.speed * self.speed


class Heavy(Particle):
    mass = 5

    def step(self, width):
        super().step(width)
        self.mass = self.bounces + Heavy.mass


def attributes():
    particles = [(Heavy if i % 4 == 0 else Particle)(i * 7 % 100, i % 5 + 1) for i in range(40)]
    for _ in range(150):
        for particle in particles:
            particle.step(100)
    return sum(particle.bounces + particle.energy + particle.x for particle in particles)


def floats():
    bodies = [[0.0, 0.0, 0.0, 0.0, 40.0], [5.0, 0.5, 0.0, 2.4, 0.04], [8.0, -4.0, 1.0, 1.8, 0.01], [12.0, 3.0, -0.2, 1.6, 0.002]]
    for _ in range(700):
        for i, first in enumerate(bodies):
            for second in bodies[i + 1 :]:
                dx, dy = first[0] - second[0], first[1] - second[1]
                pull = 0.001 / (dx * dx + dy * dy) ** 1.5
                first[2] -= dx * second[4] * pull
                first[3] -= dy * second[4] * pull
                second[2] += dx * first[4] * pull
                second[3] += dy * first[4] * pull
        for body in bodies:
            body[0] += 0.001 * body[2]
            body[1] += 0.001 * body[3]
    return tuple(body[0] + body[1] for body in bodies)


def ints():
    sieve = [True] * 8000
    for i in range(2, 90):
        if sieve[i]:
            for j in range(i * i, 8000, i):
                sieve[j] = False
    longest = 0
    for start in range(1, 250):
        steps, n = 0, start
        while n != 1:
            n = n // 2 if n & 1 == 0 else 3 * n + 1
            steps += 1
        longest = max(longest, steps)
    power, checksum = 1, 0
    for i in range(1, 300):
        power = power * 1103515245 + i
        checksum ^= power % 1000003
    return sum(sieve), longest, checksum


def strings():
    words = [f"{'ab' * (i % 5)}{i:03d}" for i in range(300)]
    text = " ".join(words)
    found = 0
    for i in range(0, 300, 3):
        found += text.find(f"{i:03d} ") + text.count(str(i))
    lines = text.replace("ab", "cd").upper().split(" ")
    out = []
    for line in lines:
        if line.startswith("CD") and not line.endswith("7"):
            out.append(line[2:].strip("C").lower() + "-" + line[::-1])
    joined = "".join(out)
    letters = 0
    for character in joined:
        if character.isalpha():
            letters += ord(character)
    return found, len(joined), letters


def dicts():
    counts = {}
    for i in range(6000):
        key = (i * i) % 257
        counts[key] = counts.get(key, 0) + 1
    names = {f"name{i}": i for i in range(400)}
    total = 0
    for name, number in names.items():
        if name in names and number in counts:
            total += counts[number]
    groups = {}
    for number in range(3000):
        groups.setdefault(number % 31, []).append(number)
    merged = {**counts, **{key: len(value) for key, value in groups.items()}}
    for key in list(merged):
        if key % 3 == 0:
            del merged[key]
    seen = set(range(0, 500, 7)) | {key for key in merged}
    return total, sum(merged.values()), len(seen)


def generators():
    def numbers(n):
        for i in range(n):
            yield i

    def odd(items):
        for item in items:
            if item % 2:
                yield item

    def tree(depth):
        if depth:
            yield from tree(depth - 1)
            yield depth
            yield from tree(depth - 1)

    def averaging():
        total = count = 0
        while True:
            total += yield total / max(count, 1)
            count += 1

    average = averaging()
    next(average)
    for item in odd(numbers(5000)):
        average.send(item)
    pairs = sum(a * b for a, b in zip(numbers(3000), odd(numbers(6000))))
    return average.send(1), pairs, sum(tree(9))


class Problem(Exception):
    def __init__(self, depth):
        super().__init__("problem", depth)
        self.depth = depth


def exceptions():
    def dive(depth):
        if depth == 0:
            raise Problem(depth)
        try:
            dive(depth - 1)
        except KeyError:
            return None
        finally:
            visited[0] += 1

    visited = [0]
    caught = 0
    for i in range(400):
        try:
            dive(i % 5)
        except Problem as problem:
            caught += problem.depth + 1
    table = {i: i for i in range(0, 1000, 2)}
    for i in range(1000):
        try:
            caught += table[i]
        except LookupError:
            caught -= 1
    for i in range(1500):
        try:
            caught += 1
        finally:
            visited[0] += 1
    return caught, visited[0]


def sorting():
    state, numbers = 12345, []
    for _ in range(3000):
        state = (state * 1103515245 + 12345) % 2147483648
        numbers.append(state)
    ordered = sorted(numbers)
    floats = sorted(number / 7.0 for number in numbers)
    pairs = [(number % 50, str(number)) for number in numbers[:1000]]
    pairs.sort()
    last = sorted(pairs, key=lambda pair: (-pair[0], pair[1]))[-1]
    words = sorted((pair[1] for pair in pairs), key=len, reverse=True)
    return ordered[1500], floats[10], last, words[0]


def comprehensions():
    squares = [i * i for i in range(4000)]
    even = [x for x in squares if x % 2 == 0]
    table = {x: y for x, y in zip(even, squares)}
    matrix = [[row * column for column in range(40)] for row in range(40)]
    turned = [[matrix[row][column] for row in range(40)] for column in range(40)]
    flat = [cell for row in turned for cell in row if cell % 3]
    return len(table), sum(flat), len({cell for cell in flat}), sum(x + 1 for x in squares), max(map(abs, flat))
