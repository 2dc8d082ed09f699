/* The static types, as CPython 3.14 has them.
 *
 * C needs their addresses, sizes and flags before anything runs; Rust fills in the rest (slots, dictionary,
 * bases, MRO) when it starts, through _Cape_static_types, and sets Py_TPFLAGS_READY. */
#include "cape.h"

#define TYPE(SYMBOL, NAME, BASICSIZE, ITEMSIZE, VECTORCALL, WEAKLIST, DICT, BASE, DEALLOC, FLAGS) \
    PyTypeObject SYMBOL = { \
        PyVarObject_HEAD_INIT(&PyType_Type, 0) \
        .tp_name = NAME, \
        .tp_basicsize = BASICSIZE, \
        .tp_itemsize = ITEMSIZE, \
        .tp_vectorcall_offset = VECTORCALL, \
        .tp_weaklistoffset = WEAKLIST, \
        .tp_dictoffset = DICT, \
        .tp_base = BASE, \
        .tp_dealloc = DEALLOC, \
        .tp_flags = _Py_TPFLAGS_STATIC_BUILTIN | Py_TPFLAGS_DEFAULT | (FLAGS), \
    };

/* Exceptions differ in size and base only. */
#define EXCEPTION(NAME, TP_NAME, STRUCT, BASE) \
    static TYPE(cape_exc_##NAME, TP_NAME, sizeof(STRUCT), 0, 0, 0, \
                offsetof(PyBaseExceptionObject, dict), BASE, cape_exception_dealloc, \
                Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASE_EXC_SUBCLASS) \
    PyObject *PyExc_##NAME = (PyObject *)&cape_exc_##NAME;

/* symbol, name, basicsize, itemsize, offsets of vectorcall, weak references and dictionary, base,
 * deallocator, flags */
#define TYPES(TYPE) \
    TYPE(PyTuple_Type, "tuple", 32, 8, 0, 0, 0, &PyBaseObject_Type, cape_tuple_dealloc, \
         Py_TPFLAGS_SEQUENCE | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | _Py_TPFLAGS_MATCH_SELF | Py_TPFLAGS_TUPLE_SUBCLASS) \
    TYPE(PyUnicode_Type, "str", 64, 0, 0, 0, 0, &PyBaseObject_Type, cape_unicode_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | _Py_TPFLAGS_MATCH_SELF | Py_TPFLAGS_UNICODE_SUBCLASS) \
    TYPE(PyType_Type, "type", 936, 40, 400, 368, 264, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_ITEMS_AT_END | Py_TPFLAGS_TYPE_SUBCLASS) \
    TYPE(PyList_Type, "list", 40, 0, 0, 0, 0, &PyBaseObject_Type, cape_list_dealloc, \
         Py_TPFLAGS_SEQUENCE | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | _Py_TPFLAGS_MATCH_SELF | Py_TPFLAGS_LIST_SUBCLASS) \
    TYPE(PyFloat_Type, "float", 24, 0, 0, 0, 0, &PyBaseObject_Type, cape_float_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | _Py_TPFLAGS_MATCH_SELF) \
    TYPE(PyDict_Type, "dict", 48, 0, 0, 0, 0, &PyBaseObject_Type, cape_dict_dealloc, \
         Py_TPFLAGS_MAPPING | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | _Py_TPFLAGS_MATCH_SELF | Py_TPFLAGS_DICT_SUBCLASS) \
    TYPE(PyBaseObject_Type, "object", 16, 0, 0, 0, 0, NULL, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE) \
    TYPE(PyLong_Type, "int", 24, 4, 0, 0, 0, &PyBaseObject_Type, cape_long_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | _Py_TPFLAGS_MATCH_SELF | Py_TPFLAGS_LONG_SUBCLASS) \
    TYPE(PyByteArray_Type, "bytearray", 56, 0, 0, 0, 0, &PyBaseObject_Type, cape_bytearray_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | _Py_TPFLAGS_MATCH_SELF) \
    TYPE(PyBytes_Type, "bytes", 33, 1, 0, 0, 0, &PyBaseObject_Type, cape_bytes_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | _Py_TPFLAGS_MATCH_SELF | Py_TPFLAGS_BYTES_SUBCLASS) \
    TYPE(PyCFunction_Type, "builtin_function_or_method", 56, 0, 48, 40, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyBool_Type, "bool", 24, 4, 0, 0, 0, &PyLong_Type, cape_long_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | _Py_TPFLAGS_MATCH_SELF | Py_TPFLAGS_LONG_SUBCLASS) \
    TYPE(PyMethod_Type, "method", 48, 0, 40, 32, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyFrozenSet_Type, "frozenset", 200, 0, 0, 192, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | _Py_TPFLAGS_MATCH_SELF) \
    TYPE(PyMethodDescr_Type, "method_descriptor", 56, 0, 48, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_METHOD_DESCRIPTOR) \
    TYPE(PySet_Type, "set", 200, 0, 0, 192, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | _Py_TPFLAGS_MATCH_SELF) \
    TYPE(PySlice_Type, "slice", 40, 0, 0, 0, 0, &PyBaseObject_Type, cape_slice_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyTraceBack_Type, "traceback", 40, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyMemoryView_Type, "memoryview", 144, 8, 0, 136, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_SEQUENCE | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyModule_Type, "module", 56, 0, 0, 40, 16, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyCapsule_Type, "PyCapsule", 64, 0, 0, 0, 0, &PyBaseObject_Type, cape_capsule_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyRange_Type, "range", 48, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_SEQUENCE | Py_TPFLAGS_IMMUTABLETYPE) \
    TYPE(PyComplex_Type, "complex", 32, 0, 0, 0, 0, &PyBaseObject_Type, cape_complex_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE) \
    TYPE(PyGen_Type, "generator", 152, 8, 0, 16, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyWrapperDescr_Type, "wrapper_descriptor", 56, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_METHOD_DESCRIPTOR) \
    TYPE(PyCoro_Type, "coroutine", 152, 8, 0, 16, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyFunction_Type, "function", 152, 0, 136, 96, 88, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_METHOD_DESCRIPTOR) \
    TYPE(PyProperty_Type, "property", 64, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyStaticMethod_Type, "staticmethod", 32, 0, 0, 0, 24, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyDictValues_Type, "dict_values", 24, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyMemberDescr_Type, "member_descriptor", 48, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PySuper_Type, "super", 40, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyCode_Type, "code", 208, 2, 0, 144, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE) \
    TYPE(PyFrame_Type, "frame", 152, 8, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(_PyWeakref_RefType, "weakref.ReferenceType", 64, 0, 56, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyAsyncGen_Type, "async_generator", 152, 8, 0, 16, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyClassMethod_Type, "classmethod", 32, 0, 0, 0, 24, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyContext_Type, "_contextvars.Context", 48, 0, 0, 32, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyDictItems_Type, "dict_items", 24, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyDictKeys_Type, "dict_keys", 24, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyDictProxy_Type, "mappingproxy", 24, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_MAPPING | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyGetSetDescr_Type, "getset_descriptor", 48, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyReversed_Type, "reversed", 32, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(Py_GenericAliasType, "types.GenericAlias", 64, 0, 56, 40, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_HAVE_GC) \
    TYPE(_PyWeakref_CallableProxyType, "weakref.CallableProxyType", 64, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(_PyWeakref_ProxyType, "weakref.ProxyType", 64, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyByteArrayIter_Type, "bytearray_iterator", 32, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyBytesIter_Type, "bytes_iterator", 32, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyCMethod_Type, "builtin_method", 64, 0, 48, 40, 0, &PyCFunction_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyCallIter_Type, "callable_iterator", 32, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyCell_Type, "cell", 24, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyClassMethodDescr_Type, "classmethod_descriptor", 56, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyContextToken_Type, "_contextvars.Token", 48, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyContextVar_Type, "_contextvars.ContextVar", 64, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyDictIterItem_Type, "dict_itemiterator", 56, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyDictIterKey_Type, "dict_keyiterator", 56, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyDictIterValue_Type, "dict_valueiterator", 56, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyDictRevIterItem_Type, "dict_reverseitemiterator", 56, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyDictRevIterKey_Type, "dict_reversekeyiterator", 56, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyDictRevIterValue_Type, "dict_reversevalueiterator", 56, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyEllipsis_Type, "ellipsis", 16, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE) \
    TYPE(PyEnum_Type, "enumerate", 56, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyFilter_Type, "filter", 32, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyFrameLocalsProxy_Type, "FrameLocalsProxy", 24, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_MAPPING | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyListIter_Type, "list_iterator", 32, 0, 0, 0, 0, &PyBaseObject_Type, cape_iterator_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyListRevIter_Type, "list_reverseiterator", 32, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyLongRangeIter_Type, "longrange_iterator", 40, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE) \
    TYPE(PyMap_Type, "map", 40, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyModuleDef_Type, "moduledef", 104, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE) \
    TYPE(PyODictItems_Type, "odict_items", 24, 0, 0, 0, 0, &PyDictItems_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyODictIter_Type, "odict_iterator", 64, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyODictKeys_Type, "odict_keys", 24, 0, 0, 0, 0, &PyDictKeys_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyODictValues_Type, "odict_values", 24, 0, 0, 0, 0, &PyDictValues_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyODict_Type, "collections.OrderedDict", 112, 0, 0, 104, 96, &PyDict_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_MAPPING | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | _Py_TPFLAGS_MATCH_SELF | Py_TPFLAGS_DICT_SUBCLASS) \
    TYPE(PyPickleBuffer_Type, "pickle.PickleBuffer", 104, 0, 0, 96, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyRangeIter_Type, "range_iterator", 40, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE) \
    TYPE(PySeqIter_Type, "iterator", 32, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PySetIter_Type, "set_iterator", 48, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyStdPrinter_Type, "stderrprinter", 24, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE) \
    TYPE(PyTupleIter_Type, "tuple_iterator", 32, 0, 0, 0, 0, &PyBaseObject_Type, cape_iterator_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyUnicodeIter_Type, "str_iterator", 32, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(PyZip_Type, "zip", 48, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(_PyAsyncGenASend_Type, "async_generator_asend", 40, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC) \
    TYPE(_PyNone_Type, "NoneType", 16, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE) \
    TYPE(_PyNotImplemented_Type, "NotImplementedType", 16, 0, 0, 0, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_IMMUTABLETYPE) \
    TYPE(_PyUnion_Type, "typing.Union", 56, 0, 0, 48, 0, &PyBaseObject_Type, cape_mirror_dealloc, \
         Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE)

TYPES(TYPE)

/* name, tp_name, struct, base */
#define EXCEPTIONS(EXCEPTION) \
    EXCEPTION(BaseException, "BaseException", PyBaseExceptionObject, &PyBaseObject_Type) \
    EXCEPTION(Exception, "Exception", PyBaseExceptionObject, &cape_exc_BaseException) \
    EXCEPTION(TypeError, "TypeError", PyBaseExceptionObject, &cape_exc_Exception) \
    EXCEPTION(ValueError, "ValueError", PyBaseExceptionObject, &cape_exc_Exception) \
    EXCEPTION(RuntimeError, "RuntimeError", PyBaseExceptionObject, &cape_exc_Exception) \
    EXCEPTION(ArithmeticError, "ArithmeticError", PyBaseExceptionObject, &cape_exc_Exception) \
    EXCEPTION(OverflowError, "OverflowError", PyBaseExceptionObject, &cape_exc_ArithmeticError) \
    EXCEPTION(AttributeError, "AttributeError", PyAttributeErrorObject, &cape_exc_Exception) \
    EXCEPTION(SystemError, "SystemError", PyBaseExceptionObject, &cape_exc_Exception) \
    EXCEPTION(ImportError, "ImportError", PyImportErrorObject, &cape_exc_Exception) \
    EXCEPTION(LookupError, "LookupError", PyBaseExceptionObject, &cape_exc_Exception) \
    EXCEPTION(IndexError, "IndexError", PyBaseExceptionObject, &cape_exc_LookupError) \
    EXCEPTION(KeyError, "KeyError", PyBaseExceptionObject, &cape_exc_LookupError) \
    EXCEPTION(Warning, "Warning", PyBaseExceptionObject, &cape_exc_Exception) \
    EXCEPTION(RuntimeWarning, "RuntimeWarning", PyBaseExceptionObject, &cape_exc_Warning) \
    EXCEPTION(NotImplementedError, "NotImplementedError", PyBaseExceptionObject, &cape_exc_RuntimeError) \
    EXCEPTION(StopIteration, "StopIteration", PyStopIterationObject, &cape_exc_Exception) \
    EXCEPTION(NameError, "NameError", PyNameErrorObject, &cape_exc_Exception) \
    EXCEPTION(DeprecationWarning, "DeprecationWarning", PyBaseExceptionObject, &cape_exc_Warning) \
    EXCEPTION(MemoryError, "MemoryError", PyBaseExceptionObject, &cape_exc_Exception) \
    EXCEPTION(AssertionError, "AssertionError", PyBaseExceptionObject, &cape_exc_Exception) \
    EXCEPTION(BufferError, "BufferError", PyBaseExceptionObject, &cape_exc_Exception) \
    EXCEPTION(UnboundLocalError, "UnboundLocalError", PyNameErrorObject, &cape_exc_NameError) \
    EXCEPTION(GeneratorExit, "GeneratorExit", PyBaseExceptionObject, &cape_exc_BaseException) \
    EXCEPTION(OSError, "OSError", PyOSErrorObject, &cape_exc_Exception) \
    EXCEPTION(ZeroDivisionError, "ZeroDivisionError", PyBaseExceptionObject, &cape_exc_ArithmeticError) \
    EXCEPTION(UserWarning, "UserWarning", PyBaseExceptionObject, &cape_exc_Warning) \
    EXCEPTION(UnicodeError, "UnicodeError", PyBaseExceptionObject, &cape_exc_ValueError) \
    EXCEPTION(UnicodeDecodeError, "UnicodeDecodeError", PyUnicodeErrorObject, &cape_exc_UnicodeError) \
    EXCEPTION(ModuleNotFoundError, "ModuleNotFoundError", PyImportErrorObject, &cape_exc_ImportError) \
    EXCEPTION(UnicodeEncodeError, "UnicodeEncodeError", PyUnicodeErrorObject, &cape_exc_UnicodeError) \
    EXCEPTION(KeyboardInterrupt, "KeyboardInterrupt", PyBaseExceptionObject, &cape_exc_BaseException) \
    EXCEPTION(PermissionError, "PermissionError", PyOSErrorObject, &cape_exc_OSError) \
    EXCEPTION(SystemExit, "SystemExit", PySystemExitObject, &cape_exc_BaseException) \
    EXCEPTION(FileNotFoundError, "FileNotFoundError", PyOSErrorObject, &cape_exc_OSError) \
    EXCEPTION(FutureWarning, "FutureWarning", PyBaseExceptionObject, &cape_exc_Warning) \
    EXCEPTION(TimeoutError, "TimeoutError", PyOSErrorObject, &cape_exc_OSError) \
    EXCEPTION(SyntaxError, "SyntaxError", PySyntaxErrorObject, &cape_exc_Exception) \
    EXCEPTION(ConnectionError, "ConnectionError", PyOSErrorObject, &cape_exc_OSError) \
    EXCEPTION(ConnectionResetError, "ConnectionResetError", PyOSErrorObject, &cape_exc_ConnectionError) \
    EXCEPTION(FileExistsError, "FileExistsError", PyOSErrorObject, &cape_exc_OSError) \
    EXCEPTION(StopAsyncIteration, "StopAsyncIteration", PyBaseExceptionObject, &cape_exc_Exception) \
    EXCEPTION(EOFError, "EOFError", PyBaseExceptionObject, &cape_exc_Exception) \
    EXCEPTION(BlockingIOError, "BlockingIOError", PyOSErrorObject, &cape_exc_OSError) \
    EXCEPTION(ConnectionAbortedError, "ConnectionAbortedError", PyOSErrorObject, &cape_exc_ConnectionError) \
    EXCEPTION(ConnectionRefusedError, "ConnectionRefusedError", PyOSErrorObject, &cape_exc_ConnectionError) \
    EXCEPTION(RecursionError, "RecursionError", PyBaseExceptionObject, &cape_exc_RuntimeError) \
    EXCEPTION(BrokenPipeError, "BrokenPipeError", PyOSErrorObject, &cape_exc_ConnectionError) \
    EXCEPTION(ImportWarning, "ImportWarning", PyBaseExceptionObject, &cape_exc_Warning) \
    EXCEPTION(InterruptedError, "InterruptedError", PyOSErrorObject, &cape_exc_OSError) \
    EXCEPTION(IsADirectoryError, "IsADirectoryError", PyOSErrorObject, &cape_exc_OSError) \
    EXCEPTION(ResourceWarning, "ResourceWarning", PyBaseExceptionObject, &cape_exc_Warning) \
    EXCEPTION(BaseExceptionGroup, "BaseExceptionGroup", PyBaseExceptionGroupObject, &cape_exc_BaseException) \
    EXCEPTION(FloatingPointError, "FloatingPointError", PyBaseExceptionObject, &cape_exc_ArithmeticError) \
    EXCEPTION(NotADirectoryError, "NotADirectoryError", PyOSErrorObject, &cape_exc_OSError) \
    EXCEPTION(ProcessLookupError, "ProcessLookupError", PyOSErrorObject, &cape_exc_OSError) \
    EXCEPTION(ReferenceError, "ReferenceError", PyBaseExceptionObject, &cape_exc_Exception) \
    EXCEPTION(BytesWarning, "BytesWarning", PyBaseExceptionObject, &cape_exc_Warning) \
    EXCEPTION(ChildProcessError, "ChildProcessError", PyOSErrorObject, &cape_exc_OSError) \
    EXCEPTION(EncodingWarning, "EncodingWarning", PyBaseExceptionObject, &cape_exc_Warning) \
    EXCEPTION(IndentationError, "IndentationError", PySyntaxErrorObject, &cape_exc_SyntaxError) \
    EXCEPTION(PendingDeprecationWarning, "PendingDeprecationWarning", PyBaseExceptionObject, &cape_exc_Warning) \
    EXCEPTION(PythonFinalizationError, "PythonFinalizationError", PyBaseExceptionObject, &cape_exc_RuntimeError) \
    EXCEPTION(SyntaxWarning, "SyntaxWarning", PyBaseExceptionObject, &cape_exc_Warning) \
    EXCEPTION(TabError, "TabError", PySyntaxErrorObject, &cape_exc_IndentationError) \
    EXCEPTION(UnicodeTranslateError, "UnicodeTranslateError", PyUnicodeErrorObject, &cape_exc_UnicodeError) \
    EXCEPTION(UnicodeWarning, "UnicodeWarning", PyBaseExceptionObject, &cape_exc_Warning)

EXCEPTIONS(EXCEPTION)
PyObject *PyExc_EnvironmentError = (PyObject *)&cape_exc_OSError;
PyObject *PyExc_IOError = (PyObject *)&cape_exc_OSError;

#define LIST_TYPE(SYMBOL, ...) {#SYMBOL, &SYMBOL},
#define LIST_EXCEPTION(NAME, ...) {"PyExc_" #NAME, &cape_exc_##NAME},
const CapeStaticType _Cape_static_types[] = {
    TYPES(LIST_TYPE)
    EXCEPTIONS(LIST_EXCEPTION)
    {NULL, NULL},
};

/* The singletons. */
PyObject _Py_NoneStruct = {{_Py_STATIC_IMMORTAL_INITIAL_REFCNT}, &_PyNone_Type};
PyObject _Py_NotImplementedStruct = {{_Py_STATIC_IMMORTAL_INITIAL_REFCNT}, &_PyNotImplemented_Type};
PyObject _Py_EllipsisObject = {{_Py_STATIC_IMMORTAL_INITIAL_REFCNT}, &PyEllipsis_Type};
PyLongObject _Py_FalseStruct = {PyObject_HEAD_INIT(&PyBool_Type) {1, {0}}};
PyLongObject _Py_TrueStruct = {PyObject_HEAD_INIT(&PyBool_Type) {1 << _PyLong_NON_SIZE_BITS, {1}}};
