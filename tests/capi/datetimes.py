"""Prints what the C API of datetime makes and reads.

usage: datetimes.py FOLDER_OF_THE_EXTENSION"""

import datetime
import gc
import pickle
import re
import sys
from datetime import date, time, timedelta, timezone, tzinfo

sys.path.insert(0, sys.argv[1])
import datetimes


def without_addresses(text):
    return re.sub("0x[0-9a-f]+", "0x", text)


def case(label, function, *args):
    try:
        text = repr(function(*args))
    except Exception as e:
        text = f"{type(e).__name__}: {e}"
    print(without_addresses(label), without_addresses(text).replace("\t", " "), sep="\t")


class Own(datetime.datetime):
    def __init__(self, *args, **kwargs):
        self.made = True


class OwnDate(date):
    pass


class OwnTime(time):
    __slots__ = "extra",


class Zone(tzinfo):
    def utcoffset(self, when):
        return timedelta(hours=1)

    def __repr__(self):
        return "Zone()"


zone = timezone(timedelta(hours=-3, minutes=-30), "there")
case("sizes", datetimes.sizes)
for o in (
    date(1, 1, 1), date.max, OwnDate(2024, 2, 29), datetime.datetime.min, datetime.datetime.max,
    datetime.datetime(2024, 10, 27, 1, 30, 59, 123456, timezone.utc, fold=1), Own(300, 4, 5, 6, tzinfo=zone),
    datetime.datetime(2025, 1, 2, tzinfo=Zone()), time(), time.max, time(1, 2, 3, 456789, zone, fold=1), OwnTime(23, 59),
    timedelta(), timedelta.min, timedelta.max, timedelta(microseconds=-1), timezone.utc, Zone(), tzinfo(), 5, "date",
):
    case(f"parts {o!r}", datetimes.parts, o)
    case(f"again {o!r}", datetimes.parts, o)


def make(what, numbers=(), o=None, cls=None):
    return datetimes.make(what, tuple(numbers) + (0,) * (8 - len(numbers)), o, cls)


def made(what, numbers=(), o=None, cls=None):
    result = make(what, numbers, o, cls)
    return type(result).__name__, result, datetimes.parts(result), getattr(result, "made", None)


for row in (
    ("date", (2024, 2, 29)), ("date", (2023, 2, 29)), ("date", (0, 1, 1)), ("date", (2024, 2, 29), None, OwnDate),
    ("datetime", (2024, 2, 29, 23, 59, 59, 999999)), ("datetime", (2024, 2, 29, 24)), ("datetime", (1, 2, 3, 4), zone, Own),
    ("datetime", (1, 2, 3, 4), 5, Own), ("datetime and fold", (2024, 2, 29, 1, 2, 3, 4, 1)), ("datetime and fold", (2024, 2, 29, 1, 2, 3, 4, 2)),
    ("datetime and fold", (2024, 2, 29, 1, 2, 3, 4, 1), timezone.utc, Own), ("time", (1, 2, 3, 4)), ("time", (1, 60)),
    ("time", (1, 2, 3, 4), zone, OwnTime), ("time and fold", (1, 2, 3, 4, 1)), ("time and fold", (1, 2, 3, 4, 1), zone, OwnTime),
    ("timedelta", (1, 100000, -5)), ("timedelta", (1000000000,)), ("timedelta", (1, 2, 3), None, timedelta),
    ("timezone", (), timedelta(hours=2)), ("timezone", (), timedelta(0)), ("timezone and name", (), timedelta(hours=2), "two"),
    ("utc",),
    # What C makes by itself.
    ("date", (2023, 12, 31), None, date), ("date", (2023, 4, 31), None, date), ("date", (10000, 1, 1)),
    ("datetime", (2023, 12, 31, 23, 59, 59, 999999), zone, datetime.datetime), ("datetime", (2023, 12, 31, 23, 59, 60), zone, datetime.datetime),
    ("datetime", (2023, 12, 31), 5, datetime.datetime), ("datetime and fold", (2023, 12, 31, 0, 0, 0, 0, 1), Zone(), datetime.datetime),
    ("time", (23, 59, 59, 999999), zone, time), ("time", (0, 0, 0, -1)), ("time and fold", (1, 2, 3, 4, 1), Zone(), time),
    ("time", (1,), 5, time), ("timedelta", (-1, 86399, 999999)), ("timedelta", (0, 0, 0)), ("timedelta", (-1, 86399, 1000000)),
):
    case(f"make {row}", made, *row)
several = [make("datetime", (2000 + i, 1, 1), timezone(timedelta(minutes=i)), datetime.datetime) for i in range(50)]
several += [make("time", (i % 24,), timezone(timedelta(minutes=i)), time) for i in range(50)]
gc.collect()
case("made and kept", lambda: [o.utcoffset() // timedelta(minutes=1) for o in several])
case("the same zero", lambda: make("timedelta") is timedelta(0))
for what in ("datetime from timestamp", "date from timestamp"):
    for args in ((86400 * 365,), ("x",), ()):
        case(f"{what} {args}", lambda: make(what, (), args).year)
case("with zone", lambda: make("datetime from timestamp", (), (86400 * 365 + 0.25, timezone.utc)))
case("the same utc", lambda: make("utc") is timezone.utc)
case("the capsule", lambda: type(datetime.datetime_CAPI).__name__)

# A class of C below datetime.
stamp = datetimes.Stamp(2024, 10, 27, 1, 30, 59, 123456, zone, fold=1)
case("stamp", lambda: (stamp, stamp.extra, stamp.tzinfo is zone, stamp.isoformat()))
case("stamp parts", datetimes.parts, stamp)
case("stamp made", made, "datetime and fold", (2024, 2, 29, 1, 2, 3, 4, 1), zone, datetimes.Stamp)
case("stamp arithmetic", lambda: (stamp - datetime.datetime(2024, 1, 1, tzinfo=timezone.utc), stamp + timedelta(days=1)))
case("stamp compared", lambda: (stamp == stamp.replace(fold=1), stamp < datetimes.Stamp(2025, 1, 1, tzinfo=zone)))
case("stamp bad", datetimes.Stamp, 2024, 13, 1)


class Below(datetimes.Stamp):
    pass


case("below stamp", lambda: (Below(2020, 5, 6).extra, datetimes.parts(Below(2020, 5, 6, 7, 8, tzinfo=zone))))
kept = [datetimes.Stamp(2000 + i, 1, 1, tzinfo=timezone(timedelta(minutes=i))) for i in range(50)]
del stamp
gc.collect()
case("kept", lambda: [datetimes.parts(s)[1:] for s in kept[::7]])
case("flags", datetimes.flags)

# Structs that C fills in itself.
for cls in (date, OwnDate, datetime.datetime, Own, time, OwnTime, timedelta, datetimes.Stamp):
    for tz in (None, zone, Zone()):
        if tz is None or not issubclass(cls, timedelta) and (cls not in (date, OwnDate)):
            case(f"filled {cls.__name__} {tz!r}", lambda: (lambda o: (o, type(o).__name__, datetimes.parts(o), o == pickle.loads(pickle.dumps(o)) if tz is not zone else None))(datetimes.filled(cls, tz)))
several = [datetimes.filled(datetime.datetime, timezone(timedelta(minutes=i))) for i in range(50)]
gc.collect()
case("filled and kept", lambda: [d.utcoffset() // timedelta(minutes=1) for d in several])

# A time zone of C's.
minutes = datetimes.Minutes(90)


class BelowMinutes(datetimes.Minutes):
    def __new__(cls, *args):
        self = super().__new__(cls)
        self.args = args
        return self


case("minutes", lambda: (minutes.utcoffset(None), minutes.tzname(None), datetimes.parts(minutes)))
case("minutes of a datetime", lambda: datetime.datetime(2024, 1, 1, tzinfo=minutes).isoformat())
case("to minutes", lambda: datetime.datetime(2024, 1, 1, tzinfo=timezone.utc).astimezone(minutes).strftime("%F %T %Z %z"))
case("below minutes", lambda: (BelowMinutes(5).args, time(1, tzinfo=BelowMinutes(-61)).isoformat()))
case("minutes by tzinfo", lambda: tzinfo.__new__(datetimes.Minutes).utcoffset(None))
case("minutes bad", datetimes.Minutes, "x")
case("results", lambda: [datetimes.parts(o) for o in (date(2024, 1, 31) + timedelta(1), datetime.datetime(2024, 1, 31, tzinfo=minutes) - timedelta(microseconds=1), timedelta(1) / 7, datetime.datetime.combine(date.max, time.max))])
