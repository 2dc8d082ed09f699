/* The C API of the module datetime: its types, whose classes are native ones (interp/datetime), and its capsule. */
#include "cape.h"

#define _PY_DATETIME_IMPL
#include "datetime.h"

typedef struct {
    PyObject_HEAD
    PyObject *offset;
    PyObject *name;
} PyDateTime_TimeZone;

/* In hastzinfo: what C made here, and the managed side has not seen, owns its zone. */
#define OWNED 2

static void
dealloc_datetime(PyObject *op)
{
    if (_PyDateTime_HAS_TZINFO(op) == OWNED) {
        Py_DECREF(((PyDateTime_DateTime *)op)->tzinfo);
    }
    cape_mirror_dealloc(op);
}

static void
dealloc_time(PyObject *op)
{
    if (_PyDateTime_HAS_TZINFO(op) == OWNED) {
        Py_DECREF(((PyDateTime_Time *)op)->tzinfo);
    }
    cape_mirror_dealloc(op);
}

#define DATETIME_TYPE(INDEX, NAME, STRUCT, BASE, DEALLOC, FLAGS) \
    [INDEX] = { \
        PyVarObject_HEAD_INIT(&PyType_Type, 0) \
        .tp_name = NAME, \
        .tp_basicsize = sizeof(STRUCT), \
        .tp_base = BASE, \
        .tp_dealloc = DEALLOC, \
        .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | (FLAGS), \
    },

/* In the order of `CLASSES` (mirror/datetime.rs), which completes them when they are first asked for. */
PyTypeObject cape_datetime_types[] = {
    DATETIME_TYPE(0, "datetime.date", PyDateTime_Date, &PyBaseObject_Type, cape_mirror_dealloc, Py_TPFLAGS_BASETYPE)
    DATETIME_TYPE(1, "datetime.datetime", PyDateTime_DateTime, &cape_datetime_types[0], dealloc_datetime,
                  Py_TPFLAGS_BASETYPE)
    DATETIME_TYPE(2, "datetime.time", PyDateTime_Time, &PyBaseObject_Type, dealloc_time, Py_TPFLAGS_BASETYPE)
    DATETIME_TYPE(3, "datetime.timedelta", PyDateTime_Delta, &PyBaseObject_Type, cape_mirror_dealloc,
                  Py_TPFLAGS_BASETYPE)
    DATETIME_TYPE(4, "datetime.tzinfo", PyDateTime_TZInfo, &PyBaseObject_Type, cape_mirror_dealloc,
                  Py_TPFLAGS_BASETYPE)
    DATETIME_TYPE(5, "datetime.timezone", PyDateTime_TimeZone, &cape_datetime_types[4], cape_mirror_dealloc, 0)
};

/* --- constructors: structs alone, where nothing is wrong or unusual ------------------------------ */

static int
is_usual_day(int year, int month, int day)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

static int
is_time(int hour, int minute, int second, int usecond, int fold)
{
    return (unsigned)hour < 24 && (unsigned)minute < 60 && (unsigned)second < 60 && (unsigned)usecond < 1000000
           && (unsigned)fold < 2;
}

static int
is_zone(PyObject *tzinfo)
{
    return tzinfo == Py_None || PyObject_TypeCheck(tzinfo, &cape_datetime_types[4]);
}

static void
write_day(unsigned char *data, int year, int month, int day)
{
    data[0] = year >> 8;
    data[1] = year & 0xff;
    data[2] = month;
    data[3] = day;
}

static void
write_time(unsigned char *data, int hour, int minute, int second, int usecond)
{
    data[0] = hour;
    data[1] = minute;
    data[2] = second;
    data[3] = usecond >> 16;
    data[4] = usecond >> 8 & 0xff;
    data[5] = usecond & 0xff;
}

static void *
new_object(PyTypeObject *type)
{
    PyObject *op = PyObject_Malloc(type->tp_basicsize);
    if (op == NULL) {
        return PyErr_NoMemory();
    }
    cape_init(op, type);
    return op;
}

static PyObject *
date(int year, int month, int day, PyTypeObject *type)
{
    if (type != &cape_datetime_types[0] || !is_usual_day(year, month, day)) {
        return _Cape_NewDate(year, month, day, type);
    }
    PyDateTime_Date *op = new_object(type);
    if (op != NULL) {
        op->hashcode = -1;
        op->hastzinfo = 0;
        write_day(op->data, year, month, day);
    }
    return (PyObject *)op;
}

static PyObject *
datetime_with_fold(int year, int month, int day, int hour, int minute, int second, int usecond, PyObject *tzinfo,
                   int fold, PyTypeObject *type)
{
    if (type != &cape_datetime_types[1] || !is_usual_day(year, month, day)
        || !is_time(hour, minute, second, usecond, fold) || !is_zone(tzinfo)) {
        int fields[] = {year, month, day, hour, minute, second, usecond, fold};
        return _Cape_NewDateTime(fields, tzinfo, type);
    }
    PyDateTime_DateTime *op = new_object(type);
    if (op != NULL) {
        op->hashcode = -1;
        write_day(op->data, year, month, day);
        write_time(op->data + 4, hour, minute, second, usecond);
        op->fold = fold;
        op->hastzinfo = tzinfo == Py_None ? 0 : OWNED;
        op->tzinfo = tzinfo == Py_None ? NULL : Py_NewRef(tzinfo);
    }
    return (PyObject *)op;
}

static PyObject *
datetime(int year, int month, int day, int hour, int minute, int second, int usecond, PyObject *tzinfo,
         PyTypeObject *type)
{
    return datetime_with_fold(year, month, day, hour, minute, second, usecond, tzinfo, 0, type);
}

static PyObject *
time_with_fold(int hour, int minute, int second, int usecond, PyObject *tzinfo, int fold, PyTypeObject *type)
{
    if (type != &cape_datetime_types[2] || !is_time(hour, minute, second, usecond, fold) || !is_zone(tzinfo)) {
        int fields[] = {hour, minute, second, usecond, fold};
        return _Cape_NewTime(fields, tzinfo, type);
    }
    PyDateTime_Time *op = new_object(type);
    if (op != NULL) {
        op->hashcode = -1;
        write_time(op->data, hour, minute, second, usecond);
        op->fold = fold;
        op->hastzinfo = tzinfo == Py_None ? 0 : OWNED;
        op->tzinfo = tzinfo == Py_None ? NULL : Py_NewRef(tzinfo);
    }
    return (PyObject *)op;
}

static PyObject *
time_(int hour, int minute, int second, int usecond, PyObject *tzinfo, PyTypeObject *type)
{
    return time_with_fold(hour, minute, second, usecond, tzinfo, 0, type);
}

/* What is normal already stays as it is, so `normalize` makes no difference. */
static PyObject *
delta(int days, int seconds, int useconds, int Py_UNUSED(normalize), PyTypeObject *type)
{
    /* (There is one zero.) */
    if (type != &cape_datetime_types[3] || (unsigned)seconds >= 86400 || (unsigned)useconds >= 1000000
        || days < -999999999 || days > 999999999 || (days | seconds | useconds) == 0) {
        return _Cape_NewDelta(days, seconds, useconds, type);
    }
    PyDateTime_Delta *op = new_object(type);
    if (op != NULL) {
        op->hashcode = -1;
        op->days = days;
        op->seconds = seconds;
        op->microseconds = useconds;
    }
    return (PyObject *)op;
}

static PyObject *
date_from_timestamp(PyObject *class, PyObject *args)
{
    PyObject *timestamp;
    if (!PyArg_UnpackTuple(args, "fromtimestamp", 1, 1, &timestamp)) {
        return NULL;
    }
    return _Cape_DateFromTimestamp(class, timestamp);
}

static PyDateTime_CAPI api = {
    .DateType = &cape_datetime_types[0],
    .DateTimeType = &cape_datetime_types[1],
    .TimeType = &cape_datetime_types[2],
    .DeltaType = &cape_datetime_types[3],
    .TZInfoType = &cape_datetime_types[4],
    .Date_FromDate = date,
    .DateTime_FromDateAndTime = datetime,
    .Time_FromTime = time_,
    .Delta_FromDelta = delta,
    .TimeZone_FromTimeZone = _Cape_NewTimeZone,
    .DateTime_FromTimestamp = _Cape_DateTimeFromTimestamp,
    .Date_FromTimestamp = date_from_timestamp,
    .DateTime_FromDateAndTimeAndFold = datetime_with_fold,
    .Time_FromTimeAndFold = time_with_fold,
};

PyObject *
cape_datetime_capsule(PyObject *utc)
{
    api.TimeZone_UTC = utc;
    return PyCapsule_New(&api, PyDateTime_CAPSULE_NAME, NULL);
}

/* The capsule is made when C first asks for it, which is after the module has taken what _datetime had. */
int
cape_datetime_ready(void)
{
    PyObject *module = PyImport_ImportModule("datetime");
    int result = module == NULL ? -1 : PyObject_HasAttrStringWithError(module, "datetime_CAPI");
    if (result == 0) {
        PyObject *native = PyImport_ImportModule("_datetime");
        PyObject *capsule = native == NULL ? NULL : PyObject_GetAttrString(native, "datetime_CAPI");
        result = capsule == NULL ? -1 : PyObject_SetAttrString(module, "datetime_CAPI", capsule);
        Py_XDECREF(capsule);
        Py_XDECREF(native);
    }
    Py_XDECREF(module);
    return result < 0 ? -1 : 0;
}
