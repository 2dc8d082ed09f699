/* PyBytes_FromFormat: printf into bytes; no objects. */
#include "cape.h"

/* A growing buffer. */
typedef struct {
    char *data;
    size_t size, room;
} Buffer;

static int
append(Buffer *b, const char *text, size_t length)
{
    if (length > b->room - b->size) {
        size_t room = (b->size + length) * 2 + 64;
        char *data = PyMem_Realloc(b->data, room);
        if (data == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        b->data = data;
        b->room = room;
    }
    memcpy(b->data + b->size, text, length);
    b->size += length;
    return 0;
}

/* One conversion, f behind the %: the character behind it, NULL on error; `rest` when it is unknown, in
 * which case the rest of the format is text. */
static const char *
convert(Buffer *b, const char *f, va_list *vargs, int *unknown)
{
    char text[32];
    int length = 0;
    Py_ssize_t precision = 0;
    while (Py_ISDIGIT(*f)) {
        f++;  /* the width is ignored */
    }
    if (*f == '.') {
        f++;
        for (; Py_ISDIGIT(*f); f++) {
            precision = precision * 10 + (*f - '0');
        }
    }
    while (*f && *f != '%' && !Py_ISALPHA(*f)) {
        f++;
    }
    int is_long = *f == 'l' && (f[1] == 'd' || f[1] == 'u');
    int is_size = *f == 'z' && (f[1] == 'd' || f[1] == 'u');
    f += is_long || is_size;
    switch (*f) {
    case 'c': {
        int c = va_arg(*vargs, int);
        if (c < 0 || c > 255) {
            PyErr_SetString(PyExc_OverflowError,
                            "PyBytes_FromFormatV(): %c format expects an integer in range [0; 255]");
            return NULL;
        }
        text[0] = (char)c;
        length = 1;
        break;
    }
    case 'd':
        length = is_long ? sprintf(text, "%ld", va_arg(*vargs, long))
                 : is_size ? sprintf(text, "%zd", va_arg(*vargs, Py_ssize_t))
                           : sprintf(text, "%d", va_arg(*vargs, int));
        break;
    case 'u':
        length = is_long ? sprintf(text, "%lu", va_arg(*vargs, unsigned long))
                 : is_size ? sprintf(text, "%zu", va_arg(*vargs, size_t))
                           : sprintf(text, "%u", va_arg(*vargs, unsigned int));
        break;
    case 'i':
        length = sprintf(text, "%i", va_arg(*vargs, int));
        break;
    case 'x':
        length = sprintf(text, "%x", va_arg(*vargs, int));
        break;
    case 's': {
        const char *s = va_arg(*vargs, const char *);
        size_t size = precision > 0 ? strnlen(s, (size_t)precision) : strlen(s);
        return append(b, s, size) < 0 ? NULL : f + 1;
    }
    case 'p':
        length = sprintf(text, "%p", va_arg(*vargs, void *));
        if (text[1] != 'x') {
            memmove(text + 2, text, (size_t)length);
            memcpy(text, "0x", 2);
            length += 2;
        }
        break;
    case '%':
        text[0] = '%';
        length = 1;
        break;
    default:
        *unknown = 1;
        return f;
    }
    return append(b, text, (size_t)length) < 0 ? NULL : f + 1;
}

PyObject *
PyBytes_FromFormatV(const char *format, va_list vargs)
{
    Buffer b = {NULL, 0, 0};
    PyObject *result = NULL;
    va_list args;
    int unknown = 0;
    cape_va_copy(args, vargs);
    for (const char *f = format; *f != 0;) {
        const char *start = f;
        if (*f != '%') {
            if (append(&b, f++, 1) < 0) {
                goto done;
            }
            continue;
        }
        f = convert(&b, f + 1, &args, &unknown);
        if (f == NULL) {
            goto done;
        }
        if (unknown) {
            if (append(&b, start, strlen(start)) < 0) {
                goto done;
            }
            break;
        }
    }
    result = PyBytes_FromStringAndSize(b.data, (Py_ssize_t)b.size);
done:
    va_end(args);
    PyMem_Free(b.data);
    return result;
}

PyObject *
PyBytes_FromFormat(const char *format, ...)
{
    va_list vargs;
    va_start(vargs, format);
    PyObject *result = PyBytes_FromFormatV(format, vargs);
    va_end(vargs);
    return result;
}
