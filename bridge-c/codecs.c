/* Codecs: the registry, and the encodings that have functions of their own; all through the module codecs
 * and the general functions. */
#include "cape.h"

/* --- the registry --------------------------------------------------------------------------------- */

/* Drops a result whose value says nothing; -1 when it is NULL. */
static int
done(PyObject *result)
{
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

int
PyCodec_Register(PyObject *search_function)
{
    return done(cape_call_module("codecs", "register", Py_BuildValue("(O)", search_function)));
}

int
PyCodec_Unregister(PyObject *search_function)
{
    return done(cape_call_module("codecs", "unregister", Py_BuildValue("(O)", search_function)));
}

int
PyCodec_RegisterError(const char *name, PyObject *error)
{
    return done(cape_call_module("codecs", "register_error", Py_BuildValue("(sO)", name, error)));
}

PyObject *
PyCodec_LookupError(const char *name)
{
    return cape_call_module("codecs", "lookup_error", Py_BuildValue("(s)", name == NULL ? "strict" : name));
}

/* The CodecInfo of an encoding. */
static PyObject *
lookup(const char *encoding)
{
    if (encoding == NULL) {
        PyErr_BadArgument();
        return NULL;
    }
    return cape_call_module("codecs", "lookup", Py_BuildValue("(s)", encoding));
}

int
PyCodec_KnownEncoding(const char *encoding)
{
    PyObject *info = lookup(encoding);
    if (info == NULL) {
        PyErr_Clear();
        return 0;
    }
    Py_DECREF(info);
    return 1;
}

PyObject *
PyCodec_Encode(PyObject *object, const char *encoding, const char *errors)
{
    if (encoding == NULL) {
        PyErr_BadArgument();
        return NULL;
    }
    return cape_call_module("codecs", "encode",
                            errors == NULL ? Py_BuildValue("(Os)", object, encoding)
                                           : Py_BuildValue("(Oss)", object, encoding, errors));
}

PyObject *
PyCodec_Decode(PyObject *object, const char *encoding, const char *errors)
{
    if (encoding == NULL) {
        PyErr_BadArgument();
        return NULL;
    }
    return cape_call_module("codecs", "decode",
                            errors == NULL ? Py_BuildValue("(Os)", object, encoding)
                                           : Py_BuildValue("(Oss)", object, encoding, errors));
}

/* An attribute of an encoding's CodecInfo; called with `args`, which it takes, unless that is NULL. */
static PyObject *
part(const char *encoding, const char *name, int call, PyObject *args)
{
    PyObject *result = NULL;
    PyObject *info = call && args == NULL ? NULL : lookup(encoding);
    if (info != NULL) {
        result = PyObject_GetAttrString(info, name);
        Py_DECREF(info);
    }
    if (result != NULL && call) {
        Py_SETREF(result, PyObject_Call(result, args, NULL));
    }
    Py_XDECREF(args);
    return result;
}

PyObject *
PyCodec_Encoder(const char *encoding)
{
    return part(encoding, "encode", 0, NULL);
}

PyObject *
PyCodec_Decoder(const char *encoding)
{
    return part(encoding, "decode", 0, NULL);
}

PyObject *
PyCodec_IncrementalEncoder(const char *encoding, const char *errors)
{
    return part(encoding, "incrementalencoder", 1, errors == NULL ? PyTuple_New(0) : Py_BuildValue("(s)", errors));
}

PyObject *
PyCodec_IncrementalDecoder(const char *encoding, const char *errors)
{
    return part(encoding, "incrementaldecoder", 1, errors == NULL ? PyTuple_New(0) : Py_BuildValue("(s)", errors));
}

PyObject *
PyCodec_StreamReader(const char *encoding, PyObject *stream, const char *errors)
{
    return part(encoding, "streamreader", 1,
                errors == NULL ? Py_BuildValue("(O)", stream) : Py_BuildValue("(Os)", stream, errors));
}

PyObject *
PyCodec_StreamWriter(const char *encoding, PyObject *stream, const char *errors)
{
    return part(encoding, "streamwriter", 1,
                errors == NULL ? Py_BuildValue("(O)", stream) : Py_BuildValue("(Os)", stream, errors));
}

#define HANDLER(NAME, FUNCTION) \
    PyObject * \
    PyCodec_##NAME##Errors(PyObject *exc) \
    { \
        return cape_call_module("codecs", FUNCTION, Py_BuildValue("(O)", exc)); \
    }

HANDLER(Strict, "strict_errors")
HANDLER(Ignore, "ignore_errors")
HANDLER(Replace, "replace_errors")
HANDLER(XMLCharRefReplace, "xmlcharrefreplace_errors")
HANDLER(BackslashReplace, "backslashreplace_errors")
HANDLER(NameReplace, "namereplace_errors")

/* --- str and particular encodings ------------------------------------------------------------------- */

/* What a function for str answers to another object. */
static PyObject *
encoded(PyObject *op, const char *encoding)
{
    if (!PyUnicode_Check(op)) {
        PyErr_BadArgument();
        return NULL;
    }
    return PyUnicode_AsEncodedString(op, encoding, NULL);
}

PyObject *PyUnicode_AsUTF16String(PyObject *op) { return encoded(op, "utf-16"); }
PyObject *PyUnicode_AsUTF32String(PyObject *op) { return encoded(op, "utf-32"); }
PyObject *PyUnicode_AsUnicodeEscapeString(PyObject *op) { return encoded(op, "unicode-escape"); }
PyObject *PyUnicode_AsRawUnicodeEscapeString(PyObject *op) { return encoded(op, "raw-unicode-escape"); }

PyObject *
PyUnicode_DecodeUTF7(const char *s, Py_ssize_t size, const char *errors)
{
    return PyUnicode_Decode(s, size, "utf-7", errors);
}

PyObject *
PyUnicode_DecodeUnicodeEscape(const char *s, Py_ssize_t size, const char *errors)
{
    return PyUnicode_Decode(s, size, "unicode-escape", errors);
}

PyObject *
PyUnicode_DecodeRawUnicodeEscape(const char *s, Py_ssize_t size, const char *errors)
{
    return PyUnicode_Decode(s, size, "raw-unicode-escape", errors);
}

/* codecs.utf_N_ex_decode(data, errors, byteorder, final): (text, consumed, byteorder). */
static PyObject *
decode_wide(const char *function, const char *s, Py_ssize_t size, const char *errors, int *byteorder,
            Py_ssize_t *consumed)
{
    PyObject *result = cape_call_module("_codecs", function,
                                        Py_BuildValue("(y#zii)", s, size, errors,
                                                      byteorder == NULL ? 0 : *byteorder, consumed == NULL));
    if (result == NULL) {
        return NULL;
    }
    PyObject *text = NULL;
    Py_ssize_t used;
    int order;
    if (PyArg_ParseTuple(result, "Uni", &text, &used, &order)) {
        Py_INCREF(text);
        if (byteorder != NULL) {
            *byteorder = order;
        }
        if (consumed != NULL) {
            *consumed = used;
        }
    }
    Py_DECREF(result);
    return text;
}

#define WIDE(BITS) \
    PyObject * \
    PyUnicode_DecodeUTF##BITS##Stateful(const char *s, Py_ssize_t size, const char *errors, int *byteorder, \
                                        Py_ssize_t *consumed) \
    { \
        return decode_wide("utf_" #BITS "_ex_decode", s, size, errors, byteorder, consumed); \
    } \
    PyObject * \
    PyUnicode_DecodeUTF##BITS(const char *s, Py_ssize_t size, const char *errors, int *byteorder) \
    { \
        return PyUnicode_DecodeUTF##BITS##Stateful(s, size, errors, byteorder, NULL); \
    }

WIDE(16)
WIDE(32)

/* codecs.X_decode(data, errors, final): (text, consumed). */
static PyObject *
decode_partly(const char *function, const char *s, Py_ssize_t size, const char *errors, Py_ssize_t *consumed)
{
    PyObject *result = cape_call_module("_codecs", function, Py_BuildValue("(y#zi)", s, size, errors, 0));
    if (result == NULL) {
        return NULL;
    }
    PyObject *text = NULL;
    if (PyArg_ParseTuple(result, "Un", &text, consumed)) {
        Py_INCREF(text);
    }
    Py_DECREF(result);
    return text;
}

PyObject *
PyUnicode_DecodeUTF8Stateful(const char *s, Py_ssize_t size, const char *errors, Py_ssize_t *consumed)
{
    Py_UCS4 max_char;
    if (consumed == NULL) {
        return PyUnicode_DecodeUTF8(s, size, errors);
    }
    if (cape_utf8_measure((const unsigned char *)s, size, &max_char) >= 0) {
        *consumed = size;
        return PyUnicode_DecodeUTF8(s, size, errors);
    }
    return decode_partly("utf_8_decode", s, size, errors, consumed);
}

PyObject *
PyUnicode_DecodeUTF7Stateful(const char *s, Py_ssize_t size, const char *errors, Py_ssize_t *consumed)
{
    return consumed == NULL ? PyUnicode_DecodeUTF7(s, size, errors)
                            : decode_partly("utf_7_decode", s, size, errors, consumed);
}

int
PyUnicodeWriter_DecodeUTF8Stateful(PyUnicodeWriter *writer, const char *s, Py_ssize_t size,
                                   const char *errors, Py_ssize_t *consumed)
{
    if (size < 0) {
        size = (Py_ssize_t)strlen(s);
    }
    PyObject *text = PyUnicode_DecodeUTF8Stateful(s, size, errors, consumed);
    if (text == NULL) {
        if (consumed != NULL) {
            *consumed = 0;
        }
        return -1;
    }
    int status = _PyUnicodeWriter_WriteStr((_PyUnicodeWriter *)writer, text);
    Py_DECREF(text);
    return status;
}

PyObject *
PyUnicode_FromEncodedObject(PyObject *op, const char *encoding, const char *errors)
{
    if (op == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (PyUnicode_Check(op)) {
        PyErr_SetString(PyExc_TypeError, "decoding str is not supported");
        return NULL;
    }
    Py_buffer view;
    if (PyObject_GetBuffer(op, &view, PyBUF_SIMPLE) < 0) {
        return cape_type_error("decoding to str: need a bytes-like object, %.80s found", op);
    }
    PyObject *text = view.len == 0 ? cape_empty_str() : PyUnicode_Decode(view.buf, view.len, encoding, errors);
    PyBuffer_Release(&view);
    return text;
}

const char *
PyUnicode_GetDefaultEncoding(void)
{
    return "utf-8";
}

/* The general functions of Python 2's codecs: any object to any object. */
static PyObject *
recode(PyObject *op, const char *encoding, const char *errors, int encode)
{
    if (!PyUnicode_Check(op)) {
        PyErr_BadArgument();
        return NULL;
    }
    encoding = encoding == NULL ? "utf-8" : encoding;
    return encode ? PyCodec_Encode(op, encoding, errors) : PyCodec_Decode(op, encoding, errors);
}

/* The same, with a str as the result. */
static PyObject *
recode_text(PyObject *op, const char *encoding, const char *errors, int encode)
{
    PyObject *text = recode(op, encoding, errors, encode);
    if (text != NULL && !PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError,
                     "'%.400s' %s returned '%.400s' instead of 'str'; use codecs.%s() to %s to "
                     "arbitrary types",
                     encoding == NULL ? "utf-8" : encoding, encode ? "encoder" : "decoder",
                     Py_TYPE(text)->tp_name, encode ? "encode" : "decode", encode ? "encode" : "decode");
        Py_CLEAR(text);
    }
    return text;
}

#define RECODE(NAME, FUNCTION, ENCODE) \
    PyObject * \
    PyUnicode_##NAME(PyObject *op, const char *encoding, const char *errors) \
    { \
        return FUNCTION(op, encoding, errors, ENCODE); \
    }

RECODE(AsDecodedObject, recode, 0)
RECODE(AsEncodedObject, recode, 1)
RECODE(AsDecodedUnicode, recode_text, 0)
RECODE(AsEncodedUnicode, recode_text, 1)

/* A converter: str from str, bytes or PathLike into *address; NULL lets go of it. */
int
PyUnicode_FSDecoder(PyObject *arg, void *address)
{
    if (arg == NULL) {
        Py_CLEAR(*(PyObject **)address);
        return 1;
    }
    PyObject *path = PyOS_FSPath(arg);
    if (path == NULL) {
        return 0;
    }
    if (!PyUnicode_Check(path)) {
        Py_SETREF(path, PyUnicode_DecodeFSDefaultAndSize(PyBytes_AS_STRING(path), PyBytes_GET_SIZE(path)));
        if (path == NULL) {
            return 0;
        }
    }
    if (PyUnicode_FindChar(path, 0, 0, PyUnicode_GET_LENGTH(path), 1) >= 0) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        Py_DECREF(path);
        return 0;
    }
    *(PyObject **)address = path;
    return Py_CLEANUP_SUPPORTED;
}
