/* The C API of the module datetime: its types, whose classes are native ones (interp/datetime), and its capsule. */
#include "cape.h"

#define _PY_DATETIME_IMPL
#include "datetime.h"

typedef struct {
    PyObject_HEAD
    PyObject *offset;
    PyObject *name;
} PyDateTime_TimeZone;

#define DATETIME_TYPE(INDEX, NAME, STRUCT, BASE, FLAGS) \
    [INDEX] = { \
        PyVarObject_HEAD_INIT(&PyType_Type, 0) \
        .tp_name = NAME, \
        .tp_basicsize = sizeof(STRUCT), \
        .tp_base = BASE, \
        .tp_dealloc = cape_mirror_dealloc, \
        .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | (FLAGS), \
    },

/* In the order of `CLASSES` (mirror/datetime.rs), which completes them when they are first asked for. */
PyTypeObject cape_datetime_types[] = {
    DATETIME_TYPE(0, "datetime.date", PyDateTime_Date, &PyBaseObject_Type, Py_TPFLAGS_BASETYPE)
    DATETIME_TYPE(1, "datetime.datetime", PyDateTime_DateTime, &cape_datetime_types[0], Py_TPFLAGS_BASETYPE)
    DATETIME_TYPE(2, "datetime.time", PyDateTime_Time, &PyBaseObject_Type, Py_TPFLAGS_BASETYPE)
    DATETIME_TYPE(3, "datetime.timedelta", PyDateTime_Delta, &PyBaseObject_Type, Py_TPFLAGS_BASETYPE)
    DATETIME_TYPE(4, "datetime.tzinfo", PyDateTime_TZInfo, &PyBaseObject_Type, Py_TPFLAGS_BASETYPE)
    DATETIME_TYPE(5, "datetime.timezone", PyDateTime_TimeZone, &cape_datetime_types[4], 0)
};

static PyObject *
datetime_with_fold(int year, int month, int day, int hour, int minute, int second, int usecond, PyObject *tzinfo,
                   int fold, PyTypeObject *type)
{
    int fields[] = {year, month, day, hour, minute, second, usecond, fold};
    return _Cape_NewDateTime(fields, tzinfo, type);
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
    int fields[] = {hour, minute, second, usecond, fold};
    return _Cape_NewTime(fields, tzinfo, type);
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
    return _Cape_NewDelta(days, seconds, useconds, type);
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
    .Date_FromDate = _Cape_NewDate,
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
