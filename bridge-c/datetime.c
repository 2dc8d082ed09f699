/* The C API of the module datetime. The module is written in Python: its constructors are called as Python code calls
 * them; the structs of its objects are the bridge's (mirror/datetime.rs). */
#include "cape.h"

#define _PY_DATETIME_IMPL
#include "datetime.h"

/* base.__new__(...): the format is that of the arguments, of which the first is the class to make one of. */
static PyObject *
make(const char *base, PyObject *kwargs, const char *format, ...)
{
    PyObject *module = PyImport_ImportModule("datetime");
    PyObject *class = module == NULL ? NULL : PyObject_GetAttrString(module, base);
    PyObject *constructor = class == NULL ? NULL : PyObject_GetAttrString(class, "__new__");
    va_list va;
    va_start(va, format);
    PyObject *args = constructor == NULL ? NULL : Py_VaBuildValue(format, va);
    va_end(va);
    PyObject *result = args == NULL ? NULL : PyObject_Call(constructor, args, kwargs);
    Py_XDECREF(args);
    Py_XDECREF(constructor);
    Py_XDECREF(class);
    Py_XDECREF(module);
    return result;
}

static PyObject *
date(int year, int month, int day, PyTypeObject *type)
{
    return make("date", NULL, "(Oiii)", type, year, month, day);
}

/* {"fold": fold}; a new reference. */
static PyObject *
fold_argument(int fold)
{
    return Py_BuildValue("{si}", "fold", fold);
}

static PyObject *
datetime_with_fold(int year, int month, int day, int hour, int minute, int second, int usecond, PyObject *tzinfo,
                   int fold, PyTypeObject *type)
{
    PyObject *kwargs = fold_argument(fold);
    PyObject *result = kwargs == NULL ? NULL
        : make("datetime", kwargs, "(OiiiiiiiO)", type, year, month, day, hour, minute, second, usecond, tzinfo);
    Py_XDECREF(kwargs);
    return result;
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
    PyObject *kwargs = fold_argument(fold);
    PyObject *result = kwargs == NULL ? NULL
        : make("time", kwargs, "(OiiiiO)", type, hour, minute, second, usecond, tzinfo);
    Py_XDECREF(kwargs);
    return result;
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
    return make("timedelta", NULL, "(Oiii)", type, days, seconds, useconds);
}

static PyObject *
timezone_(PyObject *offset, PyObject *name)
{
    PyObject *module = PyImport_ImportModule("datetime");
    PyObject *class = module == NULL ? NULL : PyObject_GetAttrString(module, "timezone");
    PyObject *result = class == NULL ? NULL : PyObject_CallFunctionObjArgs(class, offset, name, NULL);
    Py_XDECREF(class);
    Py_XDECREF(module);
    return result;
}

static PyObject *
datetime_from_timestamp(PyObject *class, PyObject *args, PyObject *kwargs)
{
    PyObject *method = PyObject_GetAttrString(class, "fromtimestamp");
    PyObject *result = method == NULL ? NULL : PyObject_Call(method, args, kwargs);
    Py_XDECREF(method);
    return result;
}

static PyObject *
date_from_timestamp(PyObject *class, PyObject *args)
{
    PyObject *timestamp;
    if (!PyArg_UnpackTuple(args, "fromtimestamp", 1, 1, &timestamp)) {
        return NULL;
    }
    return PyObject_CallMethod(class, "fromtimestamp", "(O)", timestamp);
}

/* The attribute of the module as a class, a new reference, for ever: C keeps what it finds in the capsule. */
static PyTypeObject *
class(PyObject *module, const char *name)
{
    return (PyTypeObject *)PyObject_GetAttrString(module, name);
}

static PyDateTime_CAPI *
new_api(PyObject *module)
{
    PyDateTime_CAPI *api = PyMem_Calloc(1, sizeof(*api));
    if (api == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    *api = (PyDateTime_CAPI){
        .Date_FromDate = date,
        .DateTime_FromDateAndTime = datetime,
        .Time_FromTime = time_,
        .Delta_FromDelta = delta,
        .TimeZone_FromTimeZone = timezone_,
        .DateTime_FromTimestamp = datetime_from_timestamp,
        .Date_FromTimestamp = date_from_timestamp,
        .DateTime_FromDateAndTimeAndFold = datetime_with_fold,
        .Time_FromTimeAndFold = time_with_fold,
    };
    PyObject *timezone = NULL;
    if ((api->DateType = class(module, "date")) == NULL || (api->DateTimeType = class(module, "datetime")) == NULL
        || (api->TimeType = class(module, "time")) == NULL || (api->DeltaType = class(module, "timedelta")) == NULL
        || (api->TZInfoType = class(module, "tzinfo")) == NULL
        || (timezone = PyObject_GetAttrString(module, "timezone")) == NULL
        || (api->TimeZone_UTC = PyObject_GetAttrString(timezone, "utc")) == NULL) {
        Py_XDECREF(timezone);
        return NULL;
    }
    Py_DECREF(timezone);
    return api;
}

int
cape_datetime_ready(void)
{
    PyObject *module = PyImport_ImportModule("datetime");
    if (module == NULL) {
        return -1;
    }
    int result = PyObject_HasAttrStringWithError(module, "datetime_CAPI");
    if (result == 0) {
        PyDateTime_CAPI *api = new_api(module);
        PyObject *capsule = api == NULL ? NULL : PyCapsule_New(api, PyDateTime_CAPSULE_NAME, NULL);
        result = capsule == NULL ? -1 : PyObject_SetAttrString(module, "datetime_CAPI", capsule);
        Py_XDECREF(capsule);
    }
    Py_DECREF(module);
    return result < 0 ? -1 : 0;
}
