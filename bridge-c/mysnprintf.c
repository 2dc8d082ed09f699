/* snprintf that always ends its text with a zero, and small things about C strings. */
#include "cape.h"

int
PyOS_vsnprintf(char *str, size_t size, const char *format, va_list vargs)
{
    if (size > INT_MAX - 512) {
        if (size > 0) {
            str[0] = 0;
        }
        return -666;
    }
    int length = vsnprintf(str, size, format, vargs);
    if (size > 0) {
        str[size - 1] = 0;
    }
    return length;
}

int
PyOS_snprintf(char *str, size_t size, const char *format, ...)
{
    va_list vargs;
    va_start(vargs, format);
    int length = PyOS_vsnprintf(str, size, format, vargs);
    va_end(vargs);
    return length;
}

int
PyOS_mystrnicmp(const char *s1, const char *s2, Py_ssize_t size)
{
    if (size == 0) {
        return 0;
    }
    while (--size > 0 && Py_TOLOWER(*s1) == Py_TOLOWER(*s2)) {
        if (!*s1++ || !*s2++) {
            break;
        }
    }
    return Py_TOLOWER(*s1) - Py_TOLOWER(*s2);
}

int
PyOS_mystricmp(const char *s1, const char *s2)
{
    while (*s1 && Py_TOLOWER(*s1) == Py_TOLOWER(*s2)) {
        s1++;
        s2++;
    }
    return Py_TOLOWER(*s1) - Py_TOLOWER(*s2);
}

/* strtoul that knows 0b and 0o, and wants 0x, 0o or 0b when base is 0 and the text starts with 0. */
unsigned long
PyOS_strtoul(const char *str, char **end, int base)
{
    while (*str && Py_ISSPACE(*str)) {
        str++;
    }
    const char *digits = str;
    if (str[0] == '0') {
        int marked = Py_TOLOWER(str[1]) == 'x' ? 16 : Py_TOLOWER(str[1]) == 'o' ? 8
                     : Py_TOLOWER(str[1]) == 'b' ? 2 : 0;
        if (marked != 0 && (base == 0 || base == marked)) {
            base = marked;
            digits = str + 2;
            unsigned int first = Py_ISDIGIT(*digits) ? (unsigned int)(*digits - '0')
                                 : Py_ISALPHA(*digits) ? (unsigned int)(Py_TOLOWER(*digits) - 'a' + 10)
                                                       : 99;
            if (first >= (unsigned int)base) {
                if (end != NULL) {
                    *end = (char *)str + 1;
                }
                return 0;
            }
        }
        else if (base == 0) {
            /* Only zeros may follow. */
            while (*digits == '0') {
                digits++;
            }
            while (Py_ISSPACE(*digits)) {
                digits++;
            }
            if (end != NULL) {
                *end = (char *)digits;
            }
            return 0;
        }
    }
    if (base == 0) {
        base = 10;
    }
    if (!Py_ISALNUM(*digits) || base < 2 || base > 36) {
        if (end != NULL) {
            *end = (char *)digits;
        }
        return 0;
    }
    return strtoul(digits, end, base);
}

long
PyOS_strtol(const char *str, char **end, int base)
{
    while (*str && Py_ISSPACE(*str)) {
        str++;
    }
    char sign = *str;
    if (sign == '+' || sign == '-') {
        str++;
    }
    unsigned long magnitude = PyOS_strtoul(str, end, base);
    if (magnitude <= LONG_MAX) {
        return sign == '-' ? -(long)magnitude : (long)magnitude;
    }
    if (sign == '-' && magnitude == (unsigned long)LONG_MAX + 1) {
        return LONG_MIN;
    }
    errno = ERANGE;
    return LONG_MAX;
}
