"""The native datetime and zoneinfo: what CPython's own tests leave open, messages above all."""

import gc
import io
import pickle
import struct
import time as time_module
import weakref
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo


def raises(error, text, function, *args, **kwargs):
    try:
        result = function(*args, **kwargs)
    except error as e:
        assert type(e) is error and str(e) == text, (type(e), str(e))
    else:
        raise AssertionError(f"{error.__name__} expected, not {result!r}")


class OwnDate(date):
    pass


class Own(datetime):
    def __new__(cls, *args, **kwargs):
        self = super().__new__(cls, *args, **kwargs)
        self.made = args
        return self


class OwnTime(time):
    __slots__ = ("extra",)


class OwnDelta(timedelta):
    pass


# Constructors.
raises(TypeError, "function missing required argument 'year' (pos 1)", date)
raises(TypeError, "function missing required argument 'month' (pos 2)", date, 1)
raises(TypeError, "function missing required argument 'day' (pos 3)", datetime, 1, 2)
raises(TypeError, "function takes at most 3 arguments (4 given)", date, 1, 2, 3, 4)
raises(TypeError, "function takes at most 3 arguments (4 given)", date, 1, 2, 3, day=4)
raises(TypeError, "function takes at most 8 positional arguments (9 given)", datetime, 1, 2, 3, 4, 5, 6, 7, None, 1)
raises(TypeError, "function takes at most 5 positional arguments (6 given)", time, 1, 2, 3, 4, None, 1)
raises(TypeError, "'str' object cannot be interpreted as an integer", date, "a", 1, 1)
raises(TypeError, "'float' object cannot be interpreted as an integer", datetime, 2000, 1, 1, 1.5)
raises(OverflowError, "signed integer is greater than maximum", date, 2**40, 1, 1)
raises(OverflowError, "Python int too large to convert to C long", time, 10**30)
raises(ValueError, "year must be in 1..9999, not 0", date, 0, 1, 1)
raises(ValueError, "month must be in 1..12, not 13", datetime, 2000, 13, 1)
raises(ValueError, "day 29 must be in range 1..28 for month 2 in year 2100", date, 2100, 2, 29)
raises(ValueError, "hour must be in 0..23, not 24", time, 24)
raises(ValueError, "minute must be in 0..59, not -1", datetime, 1, 1, 1, 0, -1)
raises(ValueError, "microsecond must be in 0..999999, not 1000000", time, 0, 0, 0, 1000000)
raises(ValueError, "fold must be either 0 or 1, not 2", datetime, 1, 1, 1, fold=2)
raises(TypeError, "tzinfo argument must be None or of a tzinfo subclass, not type 'int'", time, tzinfo=3)
raises(TypeError, "bad tzinfo state arg", time, bytes(6), 3)
raises(TypeError, "__new__() got an unexpected keyword argument 'foo'", timedelta, foo=1)
raises(TypeError, "__new__() takes at most 7 arguments (8 given)", timedelta, 1, 2, 3, 4, 5, 6, 7, 8)
raises(TypeError, "unsupported type for timedelta hours component: str", timedelta, hours="1")
raises(OverflowError, "days=1000000000; must have magnitude <= 999999999", timedelta, 10**9)
raises(OverflowError, "Python int too large to convert to C int", timedelta, 10**30)
raises(ValueError, "cannot convert float NaN to integer", timedelta, float("nan"))
raises(TypeError, "timezone() argument 1 must be datetime.timedelta, not int", timezone, 3)
raises(TypeError, "timezone() argument 2 must be str, not None", timezone, timedelta(), None)
raises(TypeError, "timezone() missing required argument 'offset' (pos 1)", timezone)
raises(TypeError, "datetime.date.__new__(datetime.datetime) is not safe, use datetime.datetime.__new__()", date.__new__, datetime, 1, 1, 1)
raises(TypeError, "datetime.date.__new__(X): X is not a type object (int)", date.__new__, 3)
assert date(True, True, True) == date(1, 1, 1)
assert datetime(2000, 1, 1, 1, 2, 3, 4, UTC) == datetime(year=2000, month=1, day=1, hour=1, minute=2, second=3, microsecond=4, tzinfo=UTC)

# timedelta: sums, rounding, one zero.
assert timedelta(0) is timedelta(0) and -timedelta(0) is timedelta() and OwnDelta() is not OwnDelta()
assert timedelta(microseconds=0.5) == timedelta(0) and timedelta(microseconds=1.5) == timedelta(microseconds=2)
assert timedelta(microseconds=2.5) == timedelta(microseconds=2) and timedelta(milliseconds=-0.0005) == timedelta()
assert timedelta(days=10**15, hours=-24 * 10**15, weeks=1) == timedelta(7)
raises(OverflowError, "Python int too large to convert to C int", lambda: timedelta(1) * 10**40)
assert timedelta() * 10**40 == timedelta() and timedelta(1) // 10**40 == timedelta() and timedelta(-1) // 10**40 == -timedelta.resolution
assert timedelta(1) / 10**40 == timedelta() and timedelta(microseconds=3) / 2 == timedelta(microseconds=2)
assert timedelta(microseconds=5) / 2 == timedelta(microseconds=2) and timedelta(1) // -7 == timedelta(-1, 74057, 142857)
assert divmod(timedelta.max, timedelta(microseconds=-7)) == (timedelta.max // timedelta(microseconds=-7), timedelta.max % timedelta(microseconds=-7))
assert timedelta.max.total_seconds() == 86399999999999.999999
assert timedelta.max / timedelta.resolution == 86399999999999999999.0 and timedelta(1) / timedelta(microseconds=7) == 12342857142.857143
raises(TypeError, "unsupported operand type(s) for //: 'datetime.timedelta' and 'float'", lambda: timedelta(1) // 1.5)
raises(AttributeError, "readonly attribute", setattr, timedelta(1), "days", 3)
assert repr(OwnDelta(1, 2, 3)) == "OwnDelta(days=1, seconds=2, microseconds=3)" and str(timedelta(-1, 5)) == "-1 day, 0:00:05"
assert hash(timedelta(1, 2, 3)) == hash((1, 2, 3)) == hash(OwnDelta(1, 2, 3))

# Zones.
assert timezone(timedelta()) is UTC and timezone.utc is UTC and repr(UTC) == "datetime.timezone.utc"
east = timezone(timedelta(hours=1, minutes=2, seconds=3, microseconds=4))
assert str(east) == "UTC+01:02:03.000004" and str(timezone(-timedelta(hours=1, seconds=1))) == "UTC-01:00:01"
assert datetime(2000, 1, 1, tzinfo=east).isoformat() == "2000-01-01T00:00:00+01:02:03.000004"
assert format(datetime(2000, 1, 1, tzinfo=east), "%z|%:z|%Z") == "+010203.000004|+01:02:03.000004|UTC+01:02:03.000004"
raises(ValueError, "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not datetime.timedelta(days=1)", timezone, timedelta(1))
raises(TypeError, "utcoffset(dt) argument must be a datetime instance or None, not int", UTC.utcoffset, 5)
raises(ValueError, "fromutc: dt.tzinfo is not self", UTC.fromutc, datetime(1, 1, 1))
raises(NotImplementedError, "a tzinfo subclass must implement dst()", tzinfo().dst, None)


class Bad(tzinfo):
    def __init__(self, result):
        self.result = result

    def utcoffset(self, when):
        return self.result

    dst = tzname = utcoffset


raises(TypeError, "tzinfo.utcoffset() must return None or timedelta, not 'int'", datetime(1, 1, 1, tzinfo=Bad(5)).utcoffset)
raises(ValueError, "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not datetime.timedelta(days=-1)", time(tzinfo=Bad(timedelta(-1))).dst)
raises(TypeError, "tzinfo.tzname() must return None or a string, not 'int'", time(tzinfo=Bad(5)).tzname)
raises(TypeError, "can't compare offset-naive and offset-aware times", lambda: time(1) < time(1, tzinfo=UTC))
raises(TypeError, "can't subtract offset-naive and offset-aware datetimes", lambda: datetime(1, 1, 1) - datetime(1, 1, 1, tzinfo=UTC))
assert time(1) != time(1, tzinfo=UTC) and time(1, tzinfo=Bad(None)) == time(1)

# Texts in and out.
for text, want in [
    ("2020-W01-1T00", datetime(2019, 12, 30)), ("2020W01112", datetime(2019, 12, 30, 12)), ("2020-01-01\ud80012:30", datetime(2020, 1, 1, 12, 30)),
    ("2020-01-01\U0001f40d24", datetime(2020, 1, 2)), ("20200101x123045,5+0100", datetime(2020, 1, 1, 12, 30, 45, 500000, timezone(timedelta(hours=1)))),
    ("2020-01-01T12:30:45.1234567Z", datetime(2020, 1, 1, 12, 30, 45, 123456, UTC)),
]:
    got = datetime.fromisoformat(text)
    assert got == want and got.tzinfo == want.tzinfo, (text, got)
for text in "2020-01-01T12:30.5", "2020-01-01T", "2020-0101", "2020-01-01T12:30:45Z0", "2020-01-01T12:3045", "2020-01-01T12\ud800", "2020-W54-1", "2020-1":
    raises(ValueError, f"Invalid isoformat string: {text!r}", datetime.fromisoformat, text)
raises(ValueError, "minute, second, and microsecond must be 0 when hour is 24", datetime.fromisoformat, "2020-01-01T24:00:00.5")
raises(TypeError, "fromisoformat: argument must be str", date.fromisoformat, 3)
raises(ValueError, "Invalid week: 53", date.fromisocalendar, 2021, 53, 1)
raises(ValueError, "ISO calendar component out of range", date.fromisocalendar, 10**30, 1, 1)
raises(TypeError, "isoformat() argument 1 must be a unicode character, not a string of length 2", datetime(1, 1, 1).isoformat, "ab")
raises(ValueError, "Unknown timespec value", time(1).isoformat, "x")
assert datetime(1, 2, 3, 4, 5, 6, 7).isoformat("\u1234", "milliseconds") == "0001-02-03\u123404:05:06.000"
assert date(1, 2, 3).strftime("%Y %G %C %F %y %j %A") == "0001 0001 00 0001-02-03 01 034 Saturday"
assert datetime(2000, 1, 1).strftime("%Y\ud800%m\0%d[%z%:z%Z%f%:x%") == "2000\ud80001\x0001[000000%:x%"
assert time(1, 2, 3, 4).strftime("%Y %H%M%S %f %%") == "1900 010203 000004 %"
assert date(2020, 1, 1).ctime() == "Wed Jan  1 00:00:00 2020"
assert repr(date(2020, 1, 1).isocalendar()) == "datetime.IsoCalendarDate(year=2020, week=1, weekday=3)"
assert date.strptime("2020 3", "%Y %m") == date(2020, 3, 1) and time.strptime("20", "%H") == time(20)

# Classes below.
own = Own(2020, 1, 31, 5, tzinfo=UTC, fold=1)
assert repr(own) == "Own(2020, 1, 31, 5, 0, fold=1, tzinfo=datetime.timezone.utc)" and own.made == (2020, 1, 31, 5)
later = own + timedelta(1)
assert type(later) is Own and later.made == (2020, 2, 1, 5, 0, 0, 0, UTC) and later.fold == 0
assert type(own.replace(fold=0)) is Own and type(own.date()) is date and type(own.astimezone(east)) is Own
assert type(OwnDate.today()) is OwnDate and type(OwnDate(1, 1, 1) + timedelta(1)) is OwnDate and OwnDate(1, 1, 1) == date(1, 1, 1)
assert type(OwnTime.fromisoformat("01:02")) is OwnTime and type(Own.combine(date(1, 1, 1), time(1))) is Own
raises(TypeError, "'<' not supported between instances of 'datetime.date' and 'datetime.datetime'", lambda: date(1, 1, 1) < datetime(1, 1, 1))
raises(TypeError, "multiple bases have instance lay-out conflict", type, "Both", (date, time), {})
raises(TypeError, "type 'datetime.timezone' is not an acceptable base type", type, "Below", (timezone,), {})
raises(AttributeError, "'datetime.date' object has no attribute 'foo' and no __dict__ for setting new attributes", setattr, date(1, 1, 1), "foo", 3)
raises(AttributeError, "attribute 'year' of 'datetime.date' objects is not writable", setattr, date(1, 1, 1), "year", 3)
raises(TypeError, "cannot set 'foo' attribute of immutable type 'datetime.datetime'", setattr, datetime, "foo", 3)
for o in date(1, 2, 3), own.replace(tzinfo=None), OwnTime(1, 2, 3, 4, east, fold=1), OwnDelta(5), timezone(timedelta(1) / 2, "x"), later:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        copy = pickle.loads(pickle.dumps(o, protocol))
        assert type(copy) is type(o) and copy == o and repr(copy) == repr(o) or protocol < 4, (o, copy)

# Timestamps.
raises(OverflowError, "timestamp out of range for platform time_t", datetime.fromtimestamp, 1e30)
raises(ValueError, "year must be in 1..9999, not 10000", datetime.fromtimestamp, 253402300800, UTC)
raises(TypeError, "argument must be int or float, not NoneType", datetime.fromtimestamp, None)
raises(TypeError, "'str' object cannot be interpreted as an integer", date.fromtimestamp, "x")
assert datetime.fromtimestamp(1.0000005, UTC).microsecond == 1 and datetime.fromtimestamp(0.9999996, UTC).second == 1
assert datetime.fromtimestamp(-0.25, UTC) == datetime(1969, 12, 31, 23, 59, 59, 750000, UTC)
assert datetime(9999, 12, 31, 23, 59, 59, 999999, UTC).timestamp() == 253402300799.999999
now = time_module.time()
assert abs(datetime.now(UTC).timestamp() - now) < 60 and abs(datetime.now().timestamp() - now) < 60

# Zones of the data base, made from a file.
def zone_of(rule, version=b"2"):
    head = b"TZif" + version + bytes(15)
    empty = head + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", 0, 0, 0) + b"UTC\0"
    types = struct.pack(">lbb", -18000, 0, 0) + struct.pack(">lbb", -14400, 1, 4)
    times = struct.pack(">2q", 0, 10000000) + b"\1\0"
    body = head + struct.pack(">6l", 0, 0, 0, 2, 2, 8) + times + types + b"EST\0EDT\0"
    return ZoneInfo.from_file(io.BytesIO(empty + body + b"\n" + rule + b"\n"), key="here")


zone = zone_of(b"EST5EDT,M3.2.0,M11.1.0")
assert repr(zone) == "zoneinfo.ZoneInfo(key='here')" and str(zone) == "here" and zone.key == "here"
first, second = (datetime(2024, 11, 3, 1, 30, tzinfo=zone, fold=fold) for fold in (0, 1))
assert (first.tzname(), second.tzname()) == ("EDT", "EST") and second.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=1)
assert datetime(2024, 11, 3, 6, 30, tzinfo=UTC).astimezone(zone).fold == 1 and first != second.astimezone(UTC)
assert datetime(2024, 7, 1, tzinfo=zone).dst() == timedelta(hours=1) and datetime(1970, 1, 2, tzinfo=zone).tzname() == "EDT"
assert datetime(1969, 1, 2, tzinfo=zone).tzname() == "EST" and time(tzinfo=zone).utcoffset() is None
for rule, text in [
    (b"<>5", "Invalid STD format in b'<>5'"), (b"A25", "Invalid STD offset in b'A25'"), (b"AA3,M1.1.1", "Invalid DST format in b'AA3,M1.1.1'"),
    (b"A3B", "Invalid DST offset in b'A3B'"), (b"A3B,M1.1.1", "Missing transition rules in TZ string: b'A3B,M1.1.1'"),
    (b"A3B,J0,J1", "Malformed transition rule in TZ string: b'A3B,J0,J1'"), (b"A3B,1,2x", "Extraneous characters at end of TZ string: b'A3B,1,2x'"),
]:
    raises(ValueError, text, zone_of, rule)
raises(TypeError, "fromutc: argument must be a datetime", zone.fromutc, 3)
raises(AttributeError, "'int' object has no attribute 'toordinal'", zone.utcoffset, 3)
raises(pickle.PicklingError, "Cannot pickle a ZoneInfo file from a file stream.", zone.__reduce__)


class OwnZone(ZoneInfo):
    pass


assert OwnZone._weak_cache is not ZoneInfo.__dict__.get("_weak_cache")
reference = weakref.ref(zone)
del zone, first, second
gc.collect()
assert reference() is None

# They survive being moved, with what they refer to.
kept = [(datetime(2000 + i % 50, 1, 1, tzinfo=timezone(timedelta(minutes=i % 700 + 1))), timedelta(i), OwnDate(2000, 1, i % 28 + 1)) for i in range(500)]
gc.collect()
for i, (dt, delta, day) in enumerate(kept):
    assert dt.year == 2000 + i % 50 and dt.utcoffset() == timedelta(minutes=i % 700 + 1) and delta.days == i and day.day == i % 28 + 1
assert (MINYEAR, MAXYEAR) == (1, 9999)
print("datetime_module: ok")
