/* C calls Python: each function does one thing TIMES times. */
#include "crossing.h"

/* ---- Calls ---- */

static PyObject *
call_with_int(PyObject *callable, long i)
{
    PyObject *number = PyLong_FromLong(100000 + i);
    PyObject *result = number == NULL ? NULL : PyObject_CallFunctionObjArgs(callable, number, NULL);
    Py_XDECREF(number);
    return result;
}

static PyObject *
call_vector(PyObject *callable)
{
    PyObject *arguments[] = {Py_None, Py_True};
    return PyObject_Vectorcall(callable, arguments, 2, NULL);
}

static PyObject *names, *arguments, *keywords, *method_name, *value_name;

/* What the steps use, made once; -1 with an exception. */
static int
ready(void)
{
    if (value_name == NULL) {
        names = Py_BuildValue("(s)", "y");
        arguments = Py_BuildValue("(OO)", Py_None, Py_True);
        keywords = Py_BuildValue("{s:O}", "y", Py_True);
        method_name = PyUnicode_InternFromString("method");
        value_name = PyUnicode_InternFromString("value");
    }
    return value_name == NULL ? -1 : 0;
}

/* REPEATED for steps that use what ready() makes. */
#define PREPARED(name, step)                                                   \
    REPEATED(name##_steps, step)                                               \
    static PyObject *name(PyObject *module, PyObject *object)                  \
    {                                                                          \
        return ready() < 0 ? NULL : name##_steps(module, object);              \
    }

static PyObject *
call_vector_keywords(PyObject *callable)
{
    PyObject *values[] = {Py_None, Py_True};
    return PyObject_Vectorcall(callable, values, 1, names);
}

static PyObject *
call_vector_dict(PyObject *callable)
{
    PyObject *values[] = {Py_None};
    return PyObject_VectorcallDict(callable, values, 1, keywords);
}

static PyObject *
call_vector_method(PyObject *object)
{
    PyObject *values[] = {object};
    return PyObject_VectorcallMethod(method_name, values, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

static PyObject *
call_with_keywords(PyObject *callable)
{
    PyObject *one = PyTuple_Pack(1, Py_None);
    PyObject *result = one == NULL ? NULL : PyObject_Call(callable, one, keywords);
    Py_XDECREF(one);
    return result;
}

REPEATED(call_none, PyObject_CallNoArgs(object))
REPEATED(call_one, PyObject_CallOneArg(object, Py_None))
REPEATED(call_object, PyObject_CallFunctionObjArgs(object, Py_None, NULL))
REPEATED(call_int, call_with_int(object, i))
REPEATED(call_two, call_vector(object))
REPEATED(call_format, PyObject_CallFunction(object, "ls", i, "text"))
REPEATED(call_callobject_none, PyObject_CallObject(object, NULL))
PREPARED(call_callobject, PyObject_CallObject(object, arguments))
PREPARED(call_tuple, PyObject_Call(object, arguments, NULL))
PREPARED(call_keywords, call_with_keywords(object))
PREPARED(call_names, call_vector_keywords(object))
PREPARED(call_dict, call_vector_dict(object))
REPEATED(call_method, PyObject_CallMethod(object, "method", NULL))
REPEATED(call_method_format, PyObject_CallMethod(object, "method_one", "l", i))
PREPARED(call_method_noargs, PyObject_CallMethodNoArgs(object, method_name))
PREPARED(call_method_objargs, PyObject_CallMethodObjArgs(object, method_name, NULL))
PREPARED(call_method_vector, call_vector_method(object))

/* ---- Attributes ---- */

static PyObject *
set_attribute(PyObject *object)
{
    return PyObject_SetAttrString(object, "value", Py_None) < 0 ? NULL : kept(Py_None);
}

REPEATED(get_attribute, PyObject_GetAttrString(object, "value"))
PREPARED(get_attribute_named, PyObject_GetAttr(object, value_name))
REPEATED(set_attributes, set_attribute(object))
PREPARED(set_attribute_named, PyObject_SetAttr(object, value_name, Py_None) < 0 ? NULL : kept(Py_None))
REPEATED(has_attribute, PyBool_FromLong(PyObject_HasAttrString(object, "missing")))

/* ---- Operators and protocols ---- */

static int
positive(Py_hash_t hash)
{
    return hash == -1 ? -1 : 0;
}

REPEATED(add_numbers, PyNumber_Add(object, object))
REPEATED(subtract_in_place, PyNumber_InPlaceSubtract(object, object))
REPEATED(negative, PyNumber_Negative(object))
REPEATED(to_int, PyNumber_Long(object))
REPEATED(to_float, PyNumber_Float(object))
REPEATED(to_str, PyObject_Str(object))
REPEATED(to_repr, PyObject_Repr(object))
REPEATED(compare, PyObject_RichCompare(object, Py_None, Py_LT))
REPEATED_INT(equal, PyObject_RichCompareBool(object, Py_None, Py_EQ))
REPEATED_INT(truth, PyObject_IsTrue(object))
REPEATED_INT(hash, positive(PyObject_Hash(object)))
REPEATED_INT(size, PyObject_Size(object))
REPEATED(get_item, PyObject_GetItem(object, Py_None))
REPEATED_INT(set_item, PyObject_SetItem(object, Py_None, Py_None))
REPEATED(get_index, PySequence_GetItem(object, 1))
REPEATED_INT(contains, PySequence_Contains(object, Py_None))
REPEATED_INT(is_instance, PyObject_IsInstance(Py_None, object))
REPEATED(get_iter, PyObject_GetIter(object))
REPEATED(take_next, PyIter_Next(object))

PyMethodDef callback_functions[] = {
    {"call_none", call_none, METH_O, NULL},
    {"call_one", call_one, METH_O, NULL},
    {"call_object", call_object, METH_O, NULL},
    {"call_int", call_int, METH_O, NULL},
    {"call_two", call_two, METH_O, NULL},
    {"call_format", call_format, METH_O, NULL},
    {"call_callobject_none", call_callobject_none, METH_O, NULL},
    {"call_callobject", call_callobject, METH_O, NULL},
    {"call_tuple", call_tuple, METH_O, NULL},
    {"call_keywords", call_keywords, METH_O, NULL},
    {"call_names", call_names, METH_O, NULL},
    {"call_dict", call_dict, METH_O, NULL},
    {"call_method", call_method, METH_O, NULL},
    {"call_method_format", call_method_format, METH_O, NULL},
    {"call_method_noargs", call_method_noargs, METH_O, NULL},
    {"call_method_objargs", call_method_objargs, METH_O, NULL},
    {"call_method_vector", call_method_vector, METH_O, NULL},
    {"get_attribute", get_attribute, METH_O, NULL},
    {"get_attribute_named", get_attribute_named, METH_O, NULL},
    {"set_attributes", set_attributes, METH_O, NULL},
    {"set_attribute_named", set_attribute_named, METH_O, NULL},
    {"has_attribute", has_attribute, METH_O, NULL},
    {"add_numbers", add_numbers, METH_O, NULL},
    {"subtract_in_place", subtract_in_place, METH_O, NULL},
    {"negative", negative, METH_O, NULL},
    {"to_int", to_int, METH_O, NULL},
    {"to_float", to_float, METH_O, NULL},
    {"to_str", to_str, METH_O, NULL},
    {"to_repr", to_repr, METH_O, NULL},
    {"compare", compare, METH_O, NULL},
    {"equal", equal, METH_O, NULL},
    {"truth", truth, METH_O, NULL},
    {"hash", hash, METH_O, NULL},
    {"size", size, METH_O, NULL},
    {"get_item", get_item, METH_O, NULL},
    {"set_item", set_item, METH_O, NULL},
    {"get_index", get_index, METH_O, NULL},
    {"contains", contains, METH_O, NULL},
    {"is_instance", is_instance, METH_O, NULL},
    {"get_iter", get_iter, METH_O, NULL},
    {"take_next", take_next, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
