/* datetimes: the C API of the module datetime. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <datetime.h>

/* parts(object): what the macros read of it. */
static PyObject *
parts(PyObject *Py_UNUSED(module), PyObject *o)
{
    if (PyDateTime_Check(o)) {
        return Py_BuildValue("(s(iiiiiiii)O)", PyDateTime_CheckExact(o) ? "datetime" : "below datetime", PyDateTime_GET_YEAR(o),
                             PyDateTime_GET_MONTH(o), PyDateTime_GET_DAY(o), PyDateTime_DATE_GET_HOUR(o),
                             PyDateTime_DATE_GET_MINUTE(o), PyDateTime_DATE_GET_SECOND(o),
                             PyDateTime_DATE_GET_MICROSECOND(o), PyDateTime_DATE_GET_FOLD(o),
                             PyDateTime_DATE_GET_TZINFO(o));
    }
    if (PyDate_Check(o)) {
        return Py_BuildValue("(s(iii))", PyDate_CheckExact(o) ? "date" : "below date", PyDateTime_GET_YEAR(o),
                             PyDateTime_GET_MONTH(o), PyDateTime_GET_DAY(o));
    }
    if (PyTime_Check(o)) {
        return Py_BuildValue("(s(iiiii)O)", PyTime_CheckExact(o) ? "time" : "below time", PyDateTime_TIME_GET_HOUR(o),
                             PyDateTime_TIME_GET_MINUTE(o), PyDateTime_TIME_GET_SECOND(o),
                             PyDateTime_TIME_GET_MICROSECOND(o), PyDateTime_TIME_GET_FOLD(o),
                             PyDateTime_TIME_GET_TZINFO(o));
    }
    if (PyDelta_Check(o)) {
        return Py_BuildValue("(s(iii))", PyDelta_CheckExact(o) ? "timedelta" : "below timedelta", PyDateTime_DELTA_GET_DAYS(o),
                             PyDateTime_DELTA_GET_SECONDS(o), PyDateTime_DELTA_GET_MICROSECONDS(o));
    }
    return PyUnicode_FromString(PyTZInfo_CheckExact(o) ? "tzinfo" : PyTZInfo_Check(o) ? "below tzinfo" : "none of them");
}

/* sizes(): of the structs, and the names. */
static PyObject *
sizes(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyDateTime_CAPI *api = PyDateTimeAPI;
    return Py_BuildValue("((sn)(sn)(sn)(sn)(sn))", api->DateType->tp_name, api->DateType->tp_basicsize,
                         api->DateTimeType->tp_name, api->DateTimeType->tp_basicsize, api->TimeType->tp_name,
                         api->TimeType->tp_basicsize, api->DeltaType->tp_name, api->DeltaType->tp_basicsize,
                         api->TZInfoType->tp_name, api->TZInfoType->tp_basicsize);
}

/* flags(): what the types say of themselves. */
static PyObject *
flags(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyDateTime_CAPI *api = PyDateTimeAPI;
    PyTypeObject *types[] = {api->DateType, api->DateTimeType, api->TimeType, api->DeltaType, api->TZInfoType,
                             Py_TYPE(api->TimeZone_UTC)};
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < sizeof(types) / sizeof(*types); i++) {
        unsigned long all = types[i]->tp_flags;
        PyObject *row = Py_BuildValue("(siiiii)", types[i]->tp_name, (all & Py_TPFLAGS_HEAPTYPE) != 0,
                                      (all & Py_TPFLAGS_HAVE_GC) != 0, (all & Py_TPFLAGS_BASETYPE) != 0,
                                      (all & Py_TPFLAGS_IMMUTABLETYPE) != 0, types[i]->tp_base == types[0]);
        if (row == NULL || PyList_Append(list, row) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
    }
    return list;
}

/* filled(class, zone): an instance that tp_alloc made and that is filled in here. */
static PyObject *
filled(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyTypeObject *type;
    PyObject *zone;
    if (!PyArg_ParseTuple(args, "O!O", &PyType_Type, &type, &zone)) {
        return NULL;
    }
    PyDateTime_CAPI *api = PyDateTimeAPI;
    PyObject *op = type->tp_alloc(type, zone != Py_None);
    if (op == NULL) {
        return NULL;
    }
    static const unsigned char data[] = {2024 >> 8, 2024 & 0xff, 2, 29, 23, 59, 58, 1, 0xe2, 0x40};
    if (PyType_IsSubtype(type, api->DateTimeType)) {
        PyDateTime_DateTime *dt = (PyDateTime_DateTime *)op;
        dt->hashcode = -1;
        memcpy(dt->data, data, sizeof(dt->data));
        dt->fold = 1;
        dt->hastzinfo = zone != Py_None;
        if (dt->hastzinfo) {
            dt->tzinfo = Py_NewRef(zone);
        }
    }
    else if (PyType_IsSubtype(type, api->DateType)) {
        PyDateTime_Date *d = (PyDateTime_Date *)op;
        d->hashcode = -1;
        memcpy(d->data, data, sizeof(d->data));
    }
    else if (PyType_IsSubtype(type, api->TimeType)) {
        PyDateTime_Time *t = (PyDateTime_Time *)op;
        t->hashcode = -1;
        memcpy(t->data, data + 4, sizeof(t->data));
        t->fold = 0;
        t->hastzinfo = zone != Py_None;
        if (t->hastzinfo) {
            t->tzinfo = Py_NewRef(zone);
        }
    }
    else {
        PyDateTime_Delta *d = (PyDateTime_Delta *)op;
        d->hashcode = -1;
        d->days = -3;
        d->seconds = 86399;
        d->microseconds = 999999;
    }
    return op;
}

/* A time zone of C's. */
typedef struct {
    PyDateTime_TZInfo tzinfo;
    int minutes;
} Minutes;

static int
minutes_init(PyObject *op, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"minutes", NULL};
    return PyArg_ParseTupleAndKeywords(args, kwargs, "i", names, &((Minutes *)op)->minutes) ? 0 : -1;
}

static PyObject *
minutes_utcoffset(PyObject *op, PyObject *Py_UNUSED(when))
{
    return PyDelta_FromDSU(0, 60 * ((Minutes *)op)->minutes, 0);
}

static PyObject *
minutes_dst(PyObject *Py_UNUSED(op), PyObject *Py_UNUSED(when))
{
    return PyDelta_FromDSU(0, 0, 0);
}

static PyObject *
minutes_tzname(PyObject *op, PyObject *Py_UNUSED(when))
{
    return PyUnicode_FromFormat("%d minutes", ((Minutes *)op)->minutes);
}

static PyMethodDef minutes_methods[] = {
    {"utcoffset", minutes_utcoffset, METH_O, NULL},
    {"dst", minutes_dst, METH_O, NULL},
    {"tzname", minutes_tzname, METH_O, NULL},
    {NULL},
};

static PyType_Slot minutes_slots[] = {
    {Py_tp_init, minutes_init},
    {Py_tp_methods, minutes_methods},
    {0, NULL},
};

static PyType_Spec minutes_spec = {"datetimes.Minutes", sizeof(Minutes), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                   minutes_slots};

/* make(what, numbers, object or None, class or None) by the functions of the capsule. */
static PyObject *
make(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *what;
    int n[8] = {0};
    PyObject *object, *class;
    if (!PyArg_ParseTuple(args, "s(iiiiiiii)OO", &what, n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7, &object, &class)) {
        return NULL;
    }
    PyDateTime_CAPI *api = PyDateTimeAPI;
    PyTypeObject *type = class == Py_None ? NULL : (PyTypeObject *)class;
    if (strcmp(what, "date") == 0) {
        return type == NULL ? PyDate_FromDate(n[0], n[1], n[2]) : api->Date_FromDate(n[0], n[1], n[2], type);
    }
    if (strcmp(what, "datetime") == 0) {
        return type == NULL ? PyDateTime_FromDateAndTime(n[0], n[1], n[2], n[3], n[4], n[5], n[6])
            : api->DateTime_FromDateAndTime(n[0], n[1], n[2], n[3], n[4], n[5], n[6], object, type);
    }
    if (strcmp(what, "datetime and fold") == 0) {
        return type == NULL ? PyDateTime_FromDateAndTimeAndFold(n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7])
            : api->DateTime_FromDateAndTimeAndFold(n[0], n[1], n[2], n[3], n[4], n[5], n[6], object, n[7], type);
    }
    if (strcmp(what, "time") == 0) {
        return type == NULL ? PyTime_FromTime(n[0], n[1], n[2], n[3])
            : api->Time_FromTime(n[0], n[1], n[2], n[3], object, type);
    }
    if (strcmp(what, "time and fold") == 0) {
        return type == NULL ? PyTime_FromTimeAndFold(n[0], n[1], n[2], n[3], n[4])
            : api->Time_FromTimeAndFold(n[0], n[1], n[2], n[3], object, n[4], type);
    }
    if (strcmp(what, "timedelta") == 0) {
        return type == NULL ? PyDelta_FromDSU(n[0], n[1], n[2]) : api->Delta_FromDelta(n[0], n[1], n[2], 1, type);
    }
    if (strcmp(what, "timezone") == 0) {
        return PyTimeZone_FromOffset(object);
    }
    if (strcmp(what, "timezone and name") == 0) {
        return PyTimeZone_FromOffsetAndName(object, class);
    }
    if (strcmp(what, "datetime from timestamp") == 0) {
        return PyDateTime_FromTimestamp(object);
    }
    if (strcmp(what, "date from timestamp") == 0) {
        return PyDate_FromTimestamp(object);
    }
    return Py_NewRef(PyDateTime_TimeZone_UTC);
}

/* A class of C below datetime, with a field of its own. */
typedef struct {
    PyDateTime_DateTime datetime;
    long extra;
} Stamp;

static PyObject *
stamp_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *op = PyDateTimeAPI->DateTimeType->tp_new(type, args, kwargs);
    if (op != NULL) {
        ((Stamp *)op)->extra = 10000 * PyDateTime_GET_YEAR(op) + 100 * PyDateTime_GET_MONTH(op) + PyDateTime_GET_DAY(op);
    }
    return op;
}

static PyObject *
stamp_extra(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromLong(((Stamp *)op)->extra);
}

static PyGetSetDef stamp_getset[] = {
    {"extra", stamp_extra, NULL, NULL, NULL},
    {NULL},
};

static PyType_Slot stamp_slots[] = {
    {Py_tp_new, stamp_new},
    /* CPython's allocates what a datetime needs. */
    {Py_tp_alloc, PyType_GenericAlloc},
    {Py_tp_getset, stamp_getset},
    {0, NULL},
};

static PyType_Spec stamp_spec = {"datetimes.Stamp", sizeof(Stamp), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, stamp_slots};

static PyMethodDef methods[] = {
    {"parts", parts, METH_O, NULL},
    {"sizes", sizes, METH_NOARGS, NULL},
    {"flags", flags, METH_NOARGS, NULL},
    {"filled", filled, METH_VARARGS, NULL},
    {"make", make, METH_VARARGS, NULL},
    {NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "datetimes", NULL, -1, methods};

PyMODINIT_FUNC
PyInit_datetimes(void)
{
    PyDateTime_IMPORT;
    PyObject *module = PyDateTimeAPI == NULL ? NULL : PyModule_Create(&definition);
    PyObject *bases = module == NULL ? NULL : PyTuple_Pack(1, PyDateTimeAPI->DateTimeType);
    if (bases == NULL || PyModule_Add(module, "Stamp", PyType_FromSpecWithBases(&stamp_spec, bases)) < 0) {
        return NULL;
    }
    Py_DECREF(bases);
    bases = PyTuple_Pack(1, PyDateTimeAPI->TZInfoType);
    if (bases == NULL || PyModule_Add(module, "Minutes", PyType_FromSpecWithBases(&minutes_spec, bases)) < 0) {
        return NULL;
    }
    Py_DECREF(bases);
    return module;
}
