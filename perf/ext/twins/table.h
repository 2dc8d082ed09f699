/* The twins: see twins.c. */

/* numbers */
TWIN(PyLong_FromLong, PyObject *, (long), NEW(f(1234567)))
TWIN(PyLong_AsLong, long, (PyObject *), USE(f(number)))
TWIN(PyLong_AsLongLong, long long, (PyObject *), USE(f(number)))
TWIN(PyLong_AsSsize_t, Py_ssize_t, (PyObject *), USE(f(number)))
TWIN(PyLong_AsDouble, double, (PyObject *), USE((long)f(number)))
TWIN(PyFloat_FromDouble, PyObject *, (double), NEW(f(1.5)))
TWIN(PyFloat_AsDouble, double, (PyObject *), USE((long)f(real)))
TWIN(PyNumber_Index, PyObject *, (PyObject *), NEW(f(number)))

/* bytes and str */
TWIN(PyBytes_Size, Py_ssize_t, (PyObject *), USE(f(bytes)))
TWIN(PyBytes_AsString, char *, (PyObject *), USE(f(bytes)))
TWIN(PyBytes_FromStringAndSize, PyObject *, (const char *, Py_ssize_t), NEW(f("hello, world", 12)))
TWIN(PyUnicode_GetLength, Py_ssize_t, (PyObject *), USE(f(text)))
TWIN(PyUnicode_ReadChar, Py_UCS4, (PyObject *, Py_ssize_t), USE(f(text, 3)))
TWIN(PyUnicode_AsUTF8AndSize, const char *, (PyObject *, Py_ssize_t *), Py_ssize_t n; USE(f(text, &n)))
TWIN(PyUnicode_FromString, PyObject *, (const char *), NEW(f("hello, world")))
TWIN(PyUnicode_FromStringAndSize, PyObject *, (const char *, Py_ssize_t), NEW(f("hello, world", 12)))
TWIN(PyUnicode_InternFromString, PyObject *, (const char *), NEW(f("one")))
TWIN(PyUnicode_Concat, PyObject *, (PyObject *, PyObject *), NEW(f(text, key)))
TWIN(PyUnicode_Substring, PyObject *, (PyObject *, Py_ssize_t, Py_ssize_t), NEW(f(text, 2, 8)))
TWIN(PyUnicode_Compare, int, (PyObject *, PyObject *), USE(f(text, key)))
TWIN(PyUnicode_CompareWithASCIIString, int, (PyObject *, const char *), USE(f(text, "hello, world")))

/* tuples and lists */
TWIN(PyTuple_New, PyObject *, (Py_ssize_t), NEW(f(3)))
TWIN(PyTuple_Size, Py_ssize_t, (PyObject *), USE(f(tuple)))
TWIN(PyTuple_GetItem, PyObject *, (PyObject *, Py_ssize_t), USE(f(tuple, 3)))
TWIN(PyTuple_GetSlice, PyObject *, (PyObject *, Py_ssize_t, Py_ssize_t), NEW(f(tuple, 2, 5)))
TWIN(PyList_New, PyObject *, (Py_ssize_t), NEW(f(3)))
TWIN(PyList_Size, Py_ssize_t, (PyObject *), USE(f(list)))
TWIN(PyList_GetItem, PyObject *, (PyObject *, Py_ssize_t), USE(f(list, 3)))
TWIN(PyList_GetItemRef, PyObject *, (PyObject *, Py_ssize_t), NEW(f(list, 3)))
TWIN(PyList_GetSlice, PyObject *, (PyObject *, Py_ssize_t, Py_ssize_t), NEW(f(list, 2, 5)))
TWIN(PyList_AsTuple, PyObject *, (PyObject *), NEW(f(list)))
TWIN(PyList_SetItem, int, (PyObject *, Py_ssize_t, PyObject *), Py_INCREF(text); USE(f(list, 3, text)))
/* The growing list is cut now and then, which costs both sides the same little. */
TWIN(PyList_Append, int, (PyObject *, PyObject *), USE(f(growing, text)); cut())
TWIN(PyList_Insert, int, (PyObject *, Py_ssize_t, PyObject *), USE(f(growing, PyList_GET_SIZE(growing) - 1, text)); cut())

/* objects. Functions that go to a slot are in C for the sake of objects whose slots are an extension's: `native` is one. What is
 * Python's goes through Rust from either side. */
TWIN(PyObject_Type, PyObject *, (PyObject *), NEW(f(list)))
TWIN(PyType_IsSubtype, int, (PyTypeObject *, PyTypeObject *), USE(f(&PyBool_Type, &PyLong_Type)))
TWIN(PyObject_GetAttr, PyObject *, (PyObject *, PyObject *), NEW(f(native, value_name)))
TWIN(PyObject_GetAttrString, PyObject *, (PyObject *, const char *), NEW(f(native, "value")))
TWIN(PyObject_SetAttr, int, (PyObject *, PyObject *, PyObject *), USE(f(native, value_name, Py_None)))
TWIN(PyObject_IsTrue, int, (PyObject *), USE(f(list)))
TWIN(PyObject_Hash, Py_hash_t, (PyObject *), USE(f(text)))
TWIN(PyObject_RichCompare, PyObject *, (PyObject *, PyObject *, int), NEW(f(text, key, Py_EQ)))
TWIN(PyObject_RichCompareBool, int, (PyObject *, PyObject *, int), USE(f(text, key, Py_EQ)))
TWIN(PyObject_Size, Py_ssize_t, (PyObject *), USE(f(dict)))
TWIN(PySequence_Size, Py_ssize_t, (PyObject *), USE(f(tuple)))
TWIN(PyObject_GetItem, PyObject *, (PyObject *, PyObject *), NEW(f(native, key)))
TWIN(PyObject_SetItem, int, (PyObject *, PyObject *, PyObject *), USE(f(native, key, Py_None)))
TWIN(PySequence_GetItem, PyObject *, (PyObject *, Py_ssize_t), NEW(f(list, 3)))
TWIN(PySequence_Tuple, PyObject *, (PyObject *), NEW(f(list)))
TWIN(PyObject_GetIter, PyObject *, (PyObject *), NEW(f(native)))
TWIN(PyIter_Next, PyObject *, (PyObject *), NEW(f(native)))

/* calls */
TWIN(PyObject_Call, PyObject *, (PyObject *, PyObject *, PyObject *), NEW(f(takes_one, one_argument, NULL)))
TWIN(PyObject_Vectorcall, PyObject *, (PyObject *, PyObject *const *, size_t, PyObject *),
     NEW(f(takes_one, &text, 1, NULL)))
TWIN(PyObject_CallNoArgs, PyObject *, (PyObject *), NEW(f(takes_none)))
TWIN(PyObject_CallOneArg, PyObject *, (PyObject *, PyObject *), NEW(f(takes_one, text)))
