/* Functions that are a method call or an operation on slots with another name. */
#include "cape.h"

/* --- sequences ------------------------------------------------------------------------------------ */

#define SLOT(op, protocol, name) \
    (Py_TYPE(op)->protocol == NULL ? NULL : Py_TYPE(op)->protocol->name)

/* Whether a type has a number's operation, plain or in place. */
#define HAS(op, name) \
    (SLOT(op, tp_as_number, nb_##name) != NULL || SLOT(op, tp_as_number, nb_inplace_##name) != NULL)

/* n * op through nb_multiply, for sequences of Python. */
static PyObject *
multiply(PyObject *op, Py_ssize_t count, int in_place)
{
    PyObject *times = PyLong_FromSsize_t(count);
    if (times == NULL) {
        return NULL;
    }
    PyObject *result = in_place ? PyNumber_InPlaceMultiply(op, times) : PyNumber_Multiply(op, times);
    Py_DECREF(times);
    return result;
}

PyObject *
PySequence_Repeat(PyObject *op, Py_ssize_t count)
{
    if (op == NULL) {
        return cape_null_error();
    }
    ssizeargfunc repeat = SLOT(op, tp_as_sequence, sq_repeat);
    if (repeat != NULL) {
        return repeat(op, count);
    }
    return PySequence_Check(op) && HAS(op, multiply) ? multiply(op, count, 0)
                                : cape_type_error("'%.200s' object can't be repeated", op);
}

PyObject *
PySequence_InPlaceRepeat(PyObject *op, Py_ssize_t count)
{
    if (op == NULL) {
        return cape_null_error();
    }
    ssizeargfunc repeat = SLOT(op, tp_as_sequence, sq_inplace_repeat);
    repeat = repeat != NULL ? repeat : SLOT(op, tp_as_sequence, sq_repeat);
    if (repeat != NULL) {
        return repeat(op, count);
    }
    return PySequence_Check(op) && HAS(op, multiply) ? multiply(op, count, 1)
                                : cape_type_error("'%.200s' object can't be repeated", op);
}

/* The builtin sequences add in one way only, by concatenation; their classes' slots do not tell them from numbers. */
static PyObject *
builtin_concat(PyObject *op, PyObject *other)
{
    PyTypeObject *const sequences[] = {&PyList_Type, &PyTuple_Type, &PyUnicode_Type, &PyBytes_Type, &PyByteArray_Type};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(sequences); i++) {
        if (PyObject_TypeCheck(op, sequences[i])) {
            PyObject *before = PyErr_GetRaisedException();
            PyObject *add = PyObject_GetAttrString((PyObject *)sequences[i], "__add__");
            PyObject *result = add == NULL ? NULL : PyObject_CallFunctionObjArgs(add, op, other, NULL);
            Py_XDECREF(add);
            if (before != NULL && result != NULL) {
                PyErr_SetRaisedException(before);
            }
            else {
                Py_XDECREF(before);
            }
            return result;
        }
    }
    return PyNumber_Add(op, other);
}

PyObject *
PySequence_Concat(PyObject *op, PyObject *other)
{
    if (op == NULL || other == NULL) {
        return cape_null_error();
    }
    binaryfunc concat = SLOT(op, tp_as_sequence, sq_concat);
    if (concat != NULL) {
        return concat(op, other);
    }
    int builtin = PyList_Check(op) || PyTuple_Check(op) || PyUnicode_Check(op) || PyBytes_Check(op) || PyByteArray_Check(op);
    return builtin || (PySequence_Check(op) && PySequence_Check(other) && (HAS(op, add) || HAS(other, add)))
           ? builtin_concat(op, other)
           : cape_type_error("'%.200s' object can't be concatenated", op);
}

PyObject *
PySequence_GetSlice(PyObject *op, Py_ssize_t from, Py_ssize_t to)
{
    if (op == NULL) {
        return cape_null_error();
    }
    binaryfunc subscript = SLOT(op, tp_as_mapping, mp_subscript);
    if (subscript == NULL) {
        return cape_type_error("'%.200s' object is unsliceable", op);
    }
    PyObject *slice = _PySlice_FromIndices(from, to);
    PyObject *result = slice == NULL ? NULL : subscript(op, slice);
    Py_XDECREF(slice);
    return result;
}

PyObject *
PySequence_InPlaceConcat(PyObject *op, PyObject *other)
{
    if (op == NULL || other == NULL) {
        return cape_null_error();
    }
    binaryfunc concat = SLOT(op, tp_as_sequence, sq_inplace_concat);
    concat = concat != NULL ? concat : SLOT(op, tp_as_sequence, sq_concat);
    if (concat != NULL) {
        return concat(op, other);
    }
    return PySequence_Check(op) && PySequence_Check(other) && (HAS(op, add) || HAS(other, add))
           ? PyNumber_InPlaceAdd(op, other)
           : cape_type_error("'%.200s' object can't be concatenated", op);
}

/* op[from:to] = value, or del; -1 with an exception. */
static int
assign_slice(PyObject *op, Py_ssize_t from, Py_ssize_t to, PyObject *value)
{
    if (op == NULL) {
        cape_null_error();
        return -1;
    }
    if (SLOT(op, tp_as_mapping, mp_ass_subscript) == NULL) {
        cape_type_error(value == NULL ? "'%.200s' object doesn't support slice deletion"
                                      : "'%.200s' object doesn't support slice assignment", op);
        return -1;
    }
    PyObject *slice = _PySlice_FromIndices(from, to);
    if (slice == NULL) {
        return -1;
    }
    int status = Py_TYPE(op)->tp_as_mapping->mp_ass_subscript(op, slice, value);
    Py_DECREF(slice);
    return status;
}

int
PySequence_SetSlice(PyObject *op, Py_ssize_t from, Py_ssize_t to, PyObject *value)
{
    return assign_slice(op, from, to, value);
}

int
PySequence_DelSlice(PyObject *op, Py_ssize_t from, Py_ssize_t to)
{
    return assign_slice(op, from, to, NULL);
}

/* Goes through the items that equal `value`: how many, or where the first is; -1 with an exception. */
static Py_ssize_t
search(PyObject *op, PyObject *value, int first)
{
    if (op == NULL || value == NULL) {
        cape_null_error();
        return -1;
    }
    PyObject *iterator = PyObject_GetIter(op);
    if (iterator == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) {
            cape_type_error("argument of type '%.200s' is not iterable", op);
        }
        return -1;
    }
    Py_ssize_t count = 0, result = -1;
    PyObject *item;
    for (Py_ssize_t i = 0; (item = PyIter_Next(iterator)) != NULL; i++) {
        int equal = PyObject_RichCompareBool(item, value, Py_EQ);
        Py_DECREF(item);
        if (equal < 0) {
            goto finish;
        }
        if (equal && first) {
            result = i;
            goto finish;
        }
        count += equal;
    }
    if (!PyErr_Occurred()) {
        if (first) {
            PyErr_SetString(PyExc_ValueError, "sequence.index(x): x not in sequence");
        }
        else {
            result = count;
        }
    }
finish:
    Py_DECREF(iterator);
    return result;
}

Py_ssize_t
PySequence_Count(PyObject *op, PyObject *value)
{
    return search(op, value, 0);
}

Py_ssize_t
PySequence_Index(PyObject *op, PyObject *value)
{
    return search(op, value, 1);
}

PyObject *
PyObject_GetAIter(PyObject *op)
{
    unaryfunc iter = SLOT(op, tp_as_async, am_aiter);
    if (iter == NULL) {
        return cape_type_error("'%.200s' object is not an async iterable", op);
    }
    PyObject *iterator = iter(op);
    if (iterator != NULL && !PyAIter_Check(iterator)) {
        cape_type_error("aiter() returned not an async iterator of type '%.100s'", iterator);
        Py_CLEAR(iterator);
    }
    return iterator;
}

/* --- mappings ------------------------------------------------------------------------------------- */

/* list(op.name()), or list(dict.name(op)), whatever the class of a dict makes of it. */
static PyObject *
listed(PyObject *op, const char *name, int of_dict)
{
    PyObject *view = of_dict ? PyObject_CallMethod((PyObject *)&PyDict_Type, name, "O", op)
                             : PyObject_CallMethod(op, name, NULL);
    if (view == NULL) {
        return NULL;
    }
    PyObject *iterator = PyObject_GetIter(view);
    if (iterator == NULL && PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Format(PyExc_TypeError, "%.200s.%s() returned a non-iterable (type %.200s)",
                     Py_TYPE(op)->tp_name, name, Py_TYPE(view)->tp_name);
    }
    Py_DECREF(view);
    if (iterator == NULL) {
        return NULL;
    }
    PyObject *list = PySequence_List(iterator);
    Py_DECREF(iterator);
    return list;
}

PyObject *
PyMapping_Keys(PyObject *op)
{
    return op == NULL ? cape_null_error() : listed(op, "keys", PyDict_CheckExact(op));
}

PyObject *
PyMapping_Values(PyObject *op)
{
    return op == NULL ? cape_null_error() : listed(op, "values", PyDict_CheckExact(op));
}

/* The same for dicts only. */
static PyObject *
dict_listed(PyObject *op, const char *name)
{
    if (op == NULL || !PyDict_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    return listed(op, name, 1);
}

PyObject *
PyDict_Items(PyObject *op)
{
    return dict_listed(op, "items");
}

PyObject *
PyDict_Values(PyObject *op)
{
    return dict_listed(op, "values");
}

int
PyDict_DelItemString(PyObject *op, const char *key)
{
    PyObject *name = PyUnicode_FromString(key);
    int status = name == NULL ? -1 : PyDict_DelItem(op, name);
    Py_XDECREF(name);
    return status;
}

int
PyDict_ContainsString(PyObject *op, const char *key)
{
    PyObject *name = PyUnicode_FromString(key);
    int status = name == NULL ? -1 : PyDict_Contains(op, name);
    Py_XDECREF(name);
    return status;
}

int
PyDict_PopString(PyObject *op, const char *key, PyObject **result)
{
    PyObject *name = PyUnicode_FromString(key);
    if (name == NULL) {
        if (result != NULL) {
            *result = NULL;
        }
        return -1;
    }
    int status = PyDict_Pop(op, name, result);
    Py_DECREF(name);
    return status;
}

/* op[key] = value, unless the key is there and override is false. */
static int
merge_one(PyObject *op, PyObject *key, PyObject *value, int override)
{
    int there = override ? 0 : PyDict_Contains(op, key);
    return there < 0 ? -1 : there ? 0 : PyDict_SetItem(op, key, value);
}

int
PyDict_Merge(PyObject *op, PyObject *other, int override)
{
    if (op == NULL || !PyDict_Check(op) || other == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (override) {
        return PyDict_Update(op, other);
    }
    PyObject *keys = PyDict_Check(other) ? PyDict_Keys(other) : PyMapping_Keys(other);
    if (keys == NULL) {
        return -1;
    }
    int status = 0;
    for (Py_ssize_t i = 0; status == 0 && i < PyList_GET_SIZE(keys); i++) {
        PyObject *key = PyList_GET_ITEM(keys, i);
        /* What a class of dicts makes of its keys is no matter. */
        PyObject *value = PyDict_Check(other) ? Py_XNewRef(PyDict_GetItemWithError(other, key)) : PyObject_GetItem(other, key);
        status = value == NULL ? (PyErr_Occurred() ? -1 : 0) : merge_one(op, key, value, override);
        Py_XDECREF(value);
    }
    Py_DECREF(keys);
    return status;
}

int
PyDict_MergeFromSeq2(PyObject *op, PyObject *pairs, int override)
{
    PyObject *iterator = PyObject_GetIter(pairs);
    if (iterator == NULL) {
        return -1;
    }
    int status = 0;
    PyObject *item;
    for (Py_ssize_t i = 0; status == 0 && (item = PyIter_Next(iterator)) != NULL; i++) {
        PyObject *pair = PySequence_Fast(item, "object is not iterable");
        Py_DECREF(item);
        if (pair == NULL) {
            status = -1;
            break;
        }
        if (PySequence_Fast_GET_SIZE(pair) != 2) {
            PyErr_Format(PyExc_ValueError,
                         "dictionary update sequence element #%zd has length %zd; 2 is required", i,
                         PySequence_Fast_GET_SIZE(pair));
            status = -1;
        }
        else {
            status = merge_one(op, PySequence_Fast_GET_ITEM(pair, 0), PySequence_Fast_GET_ITEM(pair, 1), override);
        }
        Py_DECREF(pair);
    }
    Py_DECREF(iterator);
    return status < 0 || PyErr_Occurred() ? -1 : 0;
}

Py_ssize_t
PySet_Size(PyObject *op)
{
    if (!PyAnySet_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return PyObject_Size(op);
}

PyObject *
PyDictProxy_New(PyObject *mapping)
{
    return PyObject_CallOneArg((PyObject *)&PyDictProxy_Type, mapping);
}

/* An OrderedDict is a dict: only deleting must know its order. */
PyObject *
PyODict_New(void)
{
    return PyObject_CallNoArgs((PyObject *)&PyODict_Type);
}

int
PyODict_SetItem(PyObject *op, PyObject *key, PyObject *value)
{
    return PyObject_SetItem(op, key, value);
}

int
PyODict_DelItem(PyObject *op, PyObject *key)
{
    return PyObject_DelItem(op, key);
}

/* --- str ------------------------------------------------------------------------------------------ */

/* Methods of str itself, whatever a subclass says. */
static PyObject *
str_method(PyObject *str, const char *name, PyObject *args)
{
    if (args == NULL) {
        return NULL;
    }
    PyObject *result = NULL;
    if (!PyUnicode_Check(str)) {
        PyErr_Format(PyExc_TypeError, "must be str, not %.100s", Py_TYPE(str)->tp_name);
    }
    else {
        PyObject *method = PyObject_GetAttrString((PyObject *)&PyUnicode_Type, name);
        if (method != NULL) {
            result = PyObject_Call(method, args, NULL);
            Py_DECREF(method);
        }
    }
    Py_DECREF(args);
    return result;
}

PyObject *
PyUnicode_Splitlines(PyObject *str, int keepends)
{
    return str_method(str, "splitlines", Py_BuildValue("(Op)", str, keepends));
}

PyObject *
PyUnicode_RSplit(PyObject *str, PyObject *sep, Py_ssize_t maxsplit)
{
    return str_method(str, "rsplit", Py_BuildValue("(OOn)", str, sep == NULL ? Py_None : sep, maxsplit));
}

PyObject *
PyUnicode_Partition(PyObject *str, PyObject *sep)
{
    return str_method(str, "partition", Py_BuildValue("(OO)", str, sep));
}

PyObject *
PyUnicode_RPartition(PyObject *str, PyObject *sep)
{
    return str_method(str, "rpartition", Py_BuildValue("(OO)", str, sep));
}

Py_ssize_t
PyUnicode_Count(PyObject *str, PyObject *substr, Py_ssize_t start, Py_ssize_t end)
{
    PyObject *count = str_method(str, "count", Py_BuildValue("(OOnn)", str, substr, start, end));
    if (count == NULL) {
        return -1;
    }
    Py_ssize_t result = PyLong_AsSsize_t(count);
    Py_DECREF(count);
    return result;
}

int
PyUnicode_IsIdentifier(PyObject *str)
{
    PyObject *answer = str_method(str, "isidentifier", Py_BuildValue("(O)", str));
    int result = answer == Py_True;
    if (answer == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(answer);
    return result;
}

/* Writes what the table says of the character at `i`; one without a mapping stays as it is. -1 with an
 * exception. */
static int
translate_one(PyUnicodeWriter *writer, PyObject *str, Py_ssize_t i, PyObject *table, const char *errors)
{
    Py_UCS4 ch = PyUnicode_READ_CHAR(str, i);
    PyObject *key = PyLong_FromLong((long)ch);
    PyObject *mapped = key == NULL ? NULL : PyObject_GetItem(table, key);
    Py_XDECREF(key);
    int status = -1;
    if (mapped == NULL) {
        if (PyErr_ExceptionMatches(PyExc_LookupError)) {
            PyErr_Clear();
            status = PyUnicodeWriter_WriteChar(writer, ch);
        }
        return status;
    }
    if (PyLong_Check(mapped)) {
        long value = PyLong_AsLong(mapped);
        if (value < 0 || value > 0x10ffff) {
            PyErr_Format(PyExc_ValueError, "character mapping must be in range(0x%x)", 0x110000);
        }
        else {
            status = PyUnicodeWriter_WriteChar(writer, (Py_UCS4)value);
        }
    }
    else if (PyUnicode_Check(mapped)) {
        status = PyUnicodeWriter_WriteStr(writer, mapped);
    }
    else if (mapped != Py_None) {
        PyErr_SetString(PyExc_TypeError, "character mapping must return integer, None or str");
    }
    else if (errors != NULL && strcmp(errors, "ignore") == 0) {
        status = 0;
    }
    else if (errors != NULL && strcmp(errors, "replace") == 0) {
        status = PyUnicodeWriter_WriteChar(writer, 0xfffd);
    }
    else {
        PyObject *exc = PyObject_CallFunction(PyExc_UnicodeTranslateError, "Onns", str, i, i + 1,
                                              "character maps to <undefined>");
        if (exc != NULL) {
            PyErr_SetObject(PyExc_UnicodeTranslateError, exc);
            Py_DECREF(exc);
        }
    }
    Py_DECREF(mapped);
    return status;
}

PyObject *
PyUnicode_Translate(PyObject *str, PyObject *table, const char *errors)
{
    if (!PyUnicode_Check(str)) {
        return cape_type_error("must be str, not %.100s", str);
    }
    PyUnicodeWriter *writer = PyUnicodeWriter_Create(0);
    if (writer == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(str); i++) {
        if (translate_one(writer, str, i, table, errors) < 0) {
            PyUnicodeWriter_Discard(writer);
            return NULL;
        }
    }
    return PyUnicodeWriter_Finish(writer);
}

PyObject *
PyUnicode_RichCompare(PyObject *left, PyObject *right, int op)
{
    if (!PyUnicode_Check(left) || !PyUnicode_Check(right)) {
        return Py_NewRef(Py_NotImplemented);
    }
    int order = PyUnicode_Compare(left, right);
    Py_RETURN_RICHCOMPARE(order, 0, op);
}

void
PyUnicode_InternImmortal(PyObject **p)
{
    PyUnicode_InternInPlace(p);
}

PyObject *
PyLong_FromUnicodeObject(PyObject *str, int base)
{
    return PyObject_CallFunction((PyObject *)&PyLong_Type, "Oi", str, base);
}

/* --- bytes ---------------------------------------------------------------------------------------- */

PyObject *
PyObject_Bytes(PyObject *op)
{
    if (op == NULL) {
        return PyBytes_FromString("<NULL>");
    }
    if (PyBytes_CheckExact(op)) {
        return Py_NewRef(op);
    }
    PyObject *method;
    if (PyObject_GetOptionalAttrString((PyObject *)Py_TYPE(op), "__bytes__", &method) < 0) {
        return NULL;
    }
    if (method == NULL) {
        return PyBytes_FromObject(op);
    }
    PyObject *result = PyObject_CallOneArg(method, op);
    Py_DECREF(method);
    if (result != NULL && !PyBytes_Check(result)) {
        cape_type_error("__bytes__ returned non-bytes (type %.200s)", result);
        Py_CLEAR(result);
    }
    return result;
}

PyObject *
PyBytes_FromObject(PyObject *op)
{
    if (op == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (PyBytes_CheckExact(op)) {
        return Py_NewRef(op);
    }
    if (PyObject_CheckBuffer(op)) {
        return PyObject_CallOneArg((PyObject *)&PyBytes_Type, op);
    }
    /* Not an int: bytes(3) would make zeros. */
    PyObject *iterator = PyUnicode_Check(op) ? NULL : PyObject_GetIter(op);
    if (iterator == NULL) {
        return PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_TypeError)
               ? NULL : cape_type_error("cannot convert '%.200s' object to bytes", op);
    }
    PyObject *result = PyObject_CallOneArg((PyObject *)&PyBytes_Type, iterator);
    Py_DECREF(iterator);
    return result;
}

/* With smartquotes, double quotes where that saves backslashes; otherwise single quotes always. */
PyObject *
PyBytes_Repr(PyObject *op, int smartquotes)
{
    if (smartquotes || memchr(PyBytes_AS_STRING(op), '\'', (size_t)PyBytes_GET_SIZE(op)) == NULL) {
        return PyObject_Repr(op);
    }
    PyUnicodeWriter *writer = PyUnicodeWriter_Create(PyBytes_GET_SIZE(op) + 3);
    int status = writer == NULL ? -1 : PyUnicodeWriter_WriteASCII(writer, "b'", 2);
    for (Py_ssize_t i = 0; status == 0 && i < PyBytes_GET_SIZE(op); i++) {
        unsigned char c = (unsigned char)PyBytes_AS_STRING(op)[i];
        const char *special = c == '\'' ? "\\'" : c == '\\' ? "\\\\" : c == '\t' ? "\\t" : c == '\n' ? "\\n"
                              : c == '\r' ? "\\r" : NULL;
        status = special != NULL ? PyUnicodeWriter_WriteASCII(writer, special, 2)
                 : c < 0x20 || c >= 0x7f ? PyUnicodeWriter_Format(writer, "\\x%02x", c)
                                         : PyUnicodeWriter_WriteChar(writer, c);
    }
    if (status < 0 || PyUnicodeWriter_WriteChar(writer, '\'') < 0) {
        PyUnicodeWriter_Discard(writer);
        return NULL;
    }
    return PyUnicodeWriter_Finish(writer);
}

PyObject *
PyByteArray_FromObject(PyObject *op)
{
    return PyObject_CallOneArg((PyObject *)&PyByteArray_Type, op);
}

PyObject *
PyByteArray_Concat(PyObject *left, PyObject *right)
{
    PyObject *result = NULL;
    Py_buffer a = {0}, b = {0};
    if (PyObject_GetBuffer(left, &a, PyBUF_SIMPLE) != 0 || PyObject_GetBuffer(right, &b, PyBUF_SIMPLE) != 0) {
        PyErr_Format(PyExc_TypeError, "can't concat %.100s to %.100s", Py_TYPE(right)->tp_name,
                     Py_TYPE(left)->tp_name);
    }
    else if (a.len > PY_SSIZE_T_MAX - b.len) {
        PyErr_NoMemory();
    }
    else {
        result = PyByteArray_FromStringAndSize(NULL, a.len + b.len);
        if (result != NULL) {
            memcpy(PyByteArray_AS_STRING(result), a.buf, (size_t)a.len);
            memcpy(PyByteArray_AS_STRING(result) + a.len, b.buf, (size_t)b.len);
        }
    }
    PyBuffer_Release(&a);
    PyBuffer_Release(&b);
    return result;
}

/* --- the rest --------------------------------------------------------------------------------------- */

PyObject *
PyType_FromSpecWithBases(PyType_Spec *spec, PyObject *bases)
{
    return PyType_FromMetaclass(NULL, NULL, spec, bases);
}

PyObject *
PyType_GetModuleName(PyTypeObject *type)
{
    return PyObject_GetAttrString((PyObject *)type, "__module__");
}

PyObject *
PyType_GetDict(PyTypeObject *type)
{
    return Py_XNewRef(type->tp_dict);
}

PyObject *
PyCallIter_New(PyObject *callable, PyObject *sentinel)
{
    return cape_call_module("builtins", "iter", Py_BuildValue("(OO)", callable, sentinel));
}

PyObject *
PyFloat_GetInfo(void)
{
    return PyImport_ImportModuleAttrString("sys", "float_info");
}

PyObject *
PyLong_GetInfo(void)
{
    return PyImport_ImportModuleAttrString("sys", "int_info");
}

/* NULL: delete. */
int
PySys_SetObject(const char *name, PyObject *value)
{
    PyObject *module = PyImport_ImportModule("sys");
    if (module == NULL) {
        return -1;
    }
    int status = value == NULL && !PyObject_HasAttrString(module, name)
                 ? 0 : PyObject_SetAttrString(module, name, value);
    Py_DECREF(module);
    return status;
}

const char *
PyEval_GetFuncName(PyObject *op)
{
    if (PyMethod_Check(op)) {
        return PyEval_GetFuncName(PyMethod_GET_FUNCTION(op));
    }
    if (PyFunction_Check(op)) {
        /* The function keeps its name, whose text this is. */
        PyObject *name = PyObject_GetAttrString(op, "__name__");
        const char *text = name == NULL ? NULL : PyUnicode_AsUTF8(name);
        Py_XDECREF(name);
        return text;
    }
    if (PyCFunction_Check(op)) {
        return ((PyCFunctionObject *)op)->m_ml->ml_name;
    }
    return Py_TYPE(op)->tp_name;
}

const char *
PyEval_GetFuncDesc(PyObject *op)
{
    return PyMethod_Check(op) || PyFunction_Check(op) || PyCFunction_Check(op) ? "()" : " object";
}
