/* fulltext: a full-text index, as an extension that knows only CPython's C API.
 *
 *     index = fulltext.Index(fold=None)     fold(word) gives the word to store, or None to skip it
 *     index.add("name", "some text", weight=1)
 *     index["text"]                         (("name", 1),)
 *     index.search("some text", limit=10)   [("name", score), ...], best first
 *     len(index), "text" in index, for word, count in index
 *
 * A word is a run of ASCII letters, digits and underscores, in lower case. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

typedef struct {
    Py_ssize_t document;
    Py_ssize_t count;
} Posting;

typedef struct {
    char *word; /* NULL: a free place of the table */
    Py_ssize_t length;
    Py_ssize_t total;
    Py_ssize_t used, allocated;
    Posting *postings;
} Term;

typedef struct {
    PyObject_HEAD
    PyObject *fold;      /* a callable, or NULL */
    PyObject *documents; /* list of str */
    Py_ssize_t *lengths; /* words of each document */
    Py_ssize_t lengths_allocated;
    Term *table; /* open addressing; its size is a power of two */
    Py_ssize_t size, used;
    Py_ssize_t words; /* of all documents */
    Py_ssize_t changes;
} Index;

typedef struct {
    PyObject_HEAD
    Index *index;
    Py_ssize_t position, changes;
} Iterator;

typedef struct {
    PyObject *query_error;
    PyTypeObject *index_type;
    PyTypeObject *iterator_type;
} State;

static struct PyModuleDef definition;

static State *
state_of(PyTypeObject *type)
{
    PyObject *module = PyType_GetModuleByDef(type, &definition);
    return module == NULL ? NULL : PyModule_GetState(module);
}

/* ---- words ---- */

static int
in_word(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The next word at or after *position: its start, with *length; NULL at the end of the text. */
static const char *
next_word(const char *text, Py_ssize_t size, Py_ssize_t *position, Py_ssize_t *length)
{
    Py_ssize_t start = *position;
    while (start < size && !in_word((unsigned char)text[start])) {
        start++;
    }
    Py_ssize_t end = start;
    while (end < size && in_word((unsigned char)text[end])) {
        end++;
    }
    *position = end;
    *length = end - start;
    return end > start ? text + start : NULL;
}

static void
lower(char *to, const char *from, Py_ssize_t length)
{
    for (Py_ssize_t i = 0; i < length; i++) {
        char c = from[i];
        to[i] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
    }
}

/* A buffer for one word in lower case; long words go to the heap. */
typedef struct {
    char inside[64];
    char *data;
} Lowered;

static int
lowered_set(Lowered *buffer, const char *word, Py_ssize_t length)
{
    buffer->data = buffer->inside;
    if (length > (Py_ssize_t)sizeof(buffer->inside)) {
        buffer->data = PyMem_Malloc((size_t)length);
        if (buffer->data == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    lower(buffer->data, word, length);
    return 0;
}

static void
lowered_clear(Lowered *buffer)
{
    if (buffer->data != buffer->inside) {
        PyMem_Free(buffer->data);
    }
}

/* ---- the table of terms ---- */

static size_t
hash_word(const char *word, Py_ssize_t length)
{
    size_t hash = 14695981039346656037u;
    for (Py_ssize_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)word[i]) * 1099511628211u;
    }
    return hash ^ (hash >> 29);
}

/* The place of a word in the table: its term, or the free place where it would go. */
static Term *
find(Term *table, Py_ssize_t size, const char *word, Py_ssize_t length)
{
    size_t i = hash_word(word, length);
    for (;; i++) {
        Term *term = &table[i & (size_t)(size - 1)];
        if (term->word == NULL || (term->length == length && memcmp(term->word, word, (size_t)length) == 0)) {
            return term;
        }
    }
}

static int
grow(Index *self)
{
    Py_ssize_t size = self->size * 2;
    Term *table = PyMem_Calloc((size_t)size, sizeof(Term));
    if (table == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < self->size; i++) {
        Term *term = &self->table[i];
        if (term->word != NULL) {
            *find(table, size, term->word, term->length) = *term;
        }
    }
    PyMem_Free(self->table);
    self->table = table;
    self->size = size;
    return 0;
}

static int
count_word(Index *self, const char *word, Py_ssize_t length, Py_ssize_t document, Py_ssize_t weight)
{
    if (self->used * 3 >= self->size * 2 && grow(self) < 0) {
        return -1;
    }
    Term *term = find(self->table, self->size, word, length);
    if (term->word == NULL) {
        char *copy = PyMem_Malloc((size_t)length + 1);
        if (copy == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        memcpy(copy, word, (size_t)length);
        copy[length] = 0;
        *term = (Term){.word = copy, .length = length};
        self->used++;
    }
    if (term->used == 0 || term->postings[term->used - 1].document != document) {
        if (term->used == term->allocated) {
            Py_ssize_t allocated = term->allocated * 2 + 2;
            Posting *postings = PyMem_Realloc(term->postings, (size_t)allocated * sizeof(Posting));
            if (postings == NULL) {
                PyErr_NoMemory();
                return -1;
            }
            term->postings = postings;
            term->allocated = allocated;
        }
        term->postings[term->used++] = (Posting){.document = document};
    }
    term->postings[term->used - 1].count += weight;
    term->total += weight;
    return 0;
}

/* The term of a str, NULL without an exception when there is none; *error is set to -1 with one. */
static Term *
lookup(Index *self, PyObject *word, int *error)
{
    *error = 0;
    if (!PyUnicode_Check(word)) {
        PyErr_Format(PyExc_TypeError, "a word must be str, not %.100s", Py_TYPE(word)->tp_name);
        *error = -1;
        return NULL;
    }
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(word, &length);
    if (text == NULL) {
        *error = -1;
        return NULL;
    }
    Term *term = find(self->table, self->size, text, length);
    return term->word == NULL ? NULL : term;
}

static PyObject *
term_word(const Term *term)
{
    return PyUnicode_FromStringAndSize(term->word, term->length);
}

/* ---- life and death ---- */

static void
forget(Index *self)
{
    for (Py_ssize_t i = 0; i < self->size; i++) {
        PyMem_Free(self->table[i].word);
        PyMem_Free(self->table[i].postings);
        self->table[i] = (Term){0};
    }
    self->used = 0;
    self->words = 0;
    self->changes++;
}

static PyObject *
Index_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"fold", NULL};
    PyObject *fold = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:Index", names, &fold)) {
        return NULL;
    }
    if (fold != Py_None && !PyCallable_Check(fold)) {
        PyErr_Format(PyExc_TypeError, "fold must be callable or None, not %R", fold);
        return NULL;
    }
    Index *self = (Index *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->fold = fold == Py_None ? NULL : Py_NewRef(fold);
    self->documents = PyList_New(0);
    self->size = 64;
    self->table = PyMem_Calloc((size_t)self->size, sizeof(Term));
    if (self->table == NULL) {
        self->size = 0;
        PyErr_NoMemory();
    }
    if (self->documents == NULL || self->table == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static int
Index_traverse(Index *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->fold);
    Py_VISIT(self->documents);
    return 0;
}

static int
Index_clear(Index *self)
{
    Py_CLEAR(self->fold);
    return 0;
}

static void
Index_dealloc(Index *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    forget(self);
    Py_CLEAR(self->fold);
    Py_CLEAR(self->documents);
    PyMem_Free(self->table);
    PyMem_Free(self->lengths);
    type->tp_free(self);
    Py_DECREF(type);
}

/* ---- methods ---- */

/* Gives one word to fold() and counts what comes back. Returns what was counted, -1 for an exception. */
static Py_ssize_t
add_folded(Index *self, const char *word, Py_ssize_t length, Py_ssize_t document, Py_ssize_t weight)
{
    PyObject *argument = PyUnicode_FromStringAndSize(word, length);
    if (argument == NULL) {
        return -1;
    }
    Py_ssize_t changes = self->changes;
    PyObject *result = PyObject_CallOneArg(self->fold, argument);
    Py_DECREF(argument);
    if (result == NULL) {
        return -1;
    }
    if (self->changes != changes) {
        Py_DECREF(result);
        PyErr_SetString(PyExc_RuntimeError, "index changed during add()");
        return -1;
    }
    Py_ssize_t counted = 0;
    if (result != Py_None) {
        const char *text = PyUnicode_AsUTF8AndSize(result, &length);
        counted = text != NULL && count_word(self, text, length, document, weight) == 0 ? 1 : -1;
    }
    Py_DECREF(result);
    return counted;
}

static Py_ssize_t
add_text(Index *self, const char *text, Py_ssize_t size, Py_ssize_t document, Py_ssize_t weight)
{
    Py_ssize_t position = 0, length, words = 0;
    const char *word;
    while ((word = next_word(text, size, &position, &length)) != NULL) {
        Lowered buffer;
        if (lowered_set(&buffer, word, length) < 0) {
            return -1;
        }
        Py_ssize_t counted;
        if (self->fold != NULL) {
            counted = add_folded(self, buffer.data, length, document, weight);
        } else {
            counted = count_word(self, buffer.data, length, document, weight) < 0 ? -1 : 1;
        }
        lowered_clear(&buffer);
        if (counted < 0) {
            return -1;
        }
        words += counted;
    }
    return words;
}

static PyObject *
Index_add(Index *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    Py_ssize_t weight = 1;
    if (nargs != 2) {
        PyErr_Format(PyExc_TypeError, "add() takes 2 positional arguments (%zd given)", nargs);
        return NULL;
    }
    Py_ssize_t keywords = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    for (Py_ssize_t i = 0; i < keywords; i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        if (PyUnicode_CompareWithASCIIString(name, "weight") != 0) {
            PyErr_Format(PyExc_TypeError, "add() got an unexpected keyword argument '%U'", name);
            return NULL;
        }
        weight = PyLong_AsSsize_t(args[nargs + i]);
        if (weight == -1 && PyErr_Occurred()) {
            return NULL;
        }
    }
    Py_ssize_t size;
    if (!PyUnicode_Check(args[0]) || !PyUnicode_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "add() takes a name and a text, both str");
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8AndSize(args[1], &size);
    if (text == NULL) {
        return NULL;
    }
    Py_ssize_t document = PyList_GET_SIZE(self->documents);
    if (document >= self->lengths_allocated) {
        Py_ssize_t allocated = self->lengths_allocated * 2 + 16;
        Py_ssize_t *lengths = PyMem_Realloc(self->lengths, (size_t)allocated * sizeof(Py_ssize_t));
        if (lengths == NULL) {
            return PyErr_NoMemory();
        }
        self->lengths = lengths;
        self->lengths_allocated = allocated;
    }
    if (PyList_Append(self->documents, args[0]) < 0) {
        return NULL;
    }
    self->lengths[document] = 0;
    self->changes++;
    Py_ssize_t words = add_text(self, text, size, document, weight);
    if (words < 0) {
        return NULL;
    }
    self->lengths[document] = words;
    self->words += words;
    return PyLong_FromSsize_t(words);
}

static PyObject *
Index_count(Index *self, PyObject *word)
{
    int error;
    Term *term = lookup(self, word, &error);
    if (error < 0) {
        return NULL;
    }
    return PyLong_FromSsize_t(term == NULL ? 0 : term->total);
}

static PyObject *
Index_frequencies(Index *self, PyObject *Py_UNUSED(ignored))
{
    PyObject *dict = PyDict_New();
    for (Py_ssize_t i = 0; dict != NULL && i < self->size; i++) {
        Term *term = &self->table[i];
        if (term->word == NULL) {
            continue;
        }
        PyObject *word = term_word(term);
        PyObject *count = PyLong_FromSsize_t(term->total);
        if (word == NULL || count == NULL || PyDict_SetItem(dict, word, count) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(word);
        Py_XDECREF(count);
    }
    return dict;
}

static PyObject *
Index_reset(Index *self, PyObject *Py_UNUSED(ignored))
{
    forget(self);
    if (PyList_SetSlice(self->documents, 0, PyList_GET_SIZE(self->documents), NULL) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* select(predicate): the words for which predicate(word, count) is true. */
static PyObject *
Index_select(Index *self, PyObject *predicate)
{
    PyObject *list = PyList_New(0);
    Py_ssize_t changes = self->changes;
    for (Py_ssize_t i = 0; list != NULL && i < self->size; i++) {
        if (self->table[i].word == NULL) {
            continue;
        }
        PyObject *arguments[2] = {term_word(&self->table[i]), PyLong_FromSsize_t(self->table[i].total)};
        PyObject *answer = NULL;
        int chosen = -1;
        if (arguments[0] != NULL && arguments[1] != NULL) {
            answer = PyObject_Vectorcall(predicate, arguments, 2, NULL);
        }
        if (answer != NULL) {
            chosen = PyObject_IsTrue(answer);
            Py_DECREF(answer);
        }
        if (chosen > 0) {
            chosen = PyList_Append(list, arguments[0]);
        }
        if (chosen >= 0 && self->changes != changes) {
            PyErr_SetString(PyExc_RuntimeError, "index changed during select()");
            chosen = -1;
        }
        Py_XDECREF(arguments[0]);
        Py_XDECREF(arguments[1]);
        if (chosen < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

typedef struct {
    Py_ssize_t document;
    double score;
} Hit;

static int
better(const void *left, const void *right)
{
    const Hit *a = left, *b = right;
    if (a->score != b->score) {
        return a->score < b->score ? 1 : -1;
    }
    return a->document < b->document ? -1 : a->document > b->document;
}

/* Adds to each document's score its share of the word times the word's rarity. */
static void
score_word(Index *self, const char *word, Py_ssize_t length, Hit *hits, Py_ssize_t documents)
{
    Term *term = find(self->table, self->size, word, length);
    if (term->word == NULL) {
        return;
    }
    double rarity = log((double)documents / (double)term->used) + 1.0;
    for (Py_ssize_t i = 0; i < term->used; i++) {
        const Posting *posting = &term->postings[i];
        Py_ssize_t words = self->lengths[posting->document];
        if (words > 0) {
            hits[posting->document].score += (double)posting->count / (double)words * rarity;
        }
    }
}

static PyObject *
best(Index *self, Hit *hits, Py_ssize_t documents, Py_ssize_t limit)
{
    qsort(hits, (size_t)documents, sizeof(Hit), better);
    Py_ssize_t found = 0;
    while (found < documents && found < limit && hits[found].score > 0.0) {
        found++;
    }
    PyObject *list = PyList_New(found);
    for (Py_ssize_t i = 0; list != NULL && i < found; i++) {
        PyObject *name = PyList_GetItem(self->documents, hits[i].document);
        PyObject *pair = name == NULL ? NULL : Py_BuildValue("(Od)", name, hits[i].score);
        if (pair == NULL) {
            Py_CLEAR(list);
        } else {
            PyList_SET_ITEM(list, i, pair);
        }
    }
    return list;
}

static PyObject *
Index_search(Index *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"query", "limit", NULL};
    const char *query;
    Py_ssize_t size, limit = 10;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s#|n:search", names, &query, &size, &limit)) {
        return NULL;
    }
    Py_ssize_t documents = PyList_GET_SIZE(self->documents);
    Hit *hits = PyMem_Calloc((size_t)documents + 1, sizeof(Hit));
    if (hits == NULL) {
        return PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < documents; i++) {
        hits[i].document = i;
    }
    Py_ssize_t position = 0, length, words = 0;
    const char *word;
    PyObject *result = NULL;
    while ((word = next_word(query, size, &position, &length)) != NULL) {
        Lowered buffer;
        if (lowered_set(&buffer, word, length) < 0) {
            goto done;
        }
        score_word(self, buffer.data, length, hits, documents);
        lowered_clear(&buffer);
        words++;
    }
    if (words == 0) {
        State *state = state_of(Py_TYPE(self));
        if (state != NULL) {
            PyErr_Format(state->query_error, "no word in the query '%s'", query);
        }
        goto done;
    }
    result = best(self, hits, documents, limit);
done:
    PyMem_Free(hits);
    return result;
}

/* ---- slots ---- */

static Py_ssize_t
Index_length(Index *self)
{
    return self->used;
}

static PyObject *
Index_subscript(Index *self, PyObject *key)
{
    int error;
    Term *term = lookup(self, key, &error);
    if (error < 0) {
        return NULL;
    }
    if (term == NULL) {
        PyErr_SetObject(PyExc_KeyError, key);
        return NULL;
    }
    PyObject *result = PyTuple_New(term->used);
    for (Py_ssize_t i = 0; result != NULL && i < term->used; i++) {
        PyObject *name = PyList_GetItem(self->documents, term->postings[i].document);
        PyObject *pair = name == NULL ? NULL : Py_BuildValue("(On)", name, term->postings[i].count);
        if (pair == NULL) {
            Py_CLEAR(result);
        } else {
            PyTuple_SET_ITEM(result, i, pair);
        }
    }
    return result;
}

static int
Index_contains(Index *self, PyObject *word)
{
    int error;
    Term *term = lookup(self, word, &error);
    return error < 0 ? -1 : term != NULL;
}

static PyObject *
Index_repr(Index *self)
{
    return PyUnicode_FromFormat("<%s of %zd documents, %zd words, %zd of them different>", Py_TYPE(self)->tp_name,
                                PyList_GET_SIZE(self->documents), self->words, self->used);
}

static PyObject *
Index_iter(Index *self)
{
    State *state = state_of(Py_TYPE(self));
    if (state == NULL) {
        return NULL;
    }
    Iterator *iterator = PyObject_GC_New(Iterator, state->iterator_type);
    if (iterator == NULL) {
        return NULL;
    }
    iterator->index = (Index *)Py_NewRef(self);
    iterator->position = 0;
    iterator->changes = self->changes;
    PyObject_GC_Track(iterator);
    return (PyObject *)iterator;
}

static PyObject *
Index_get_documents(Index *self, void *Py_UNUSED(closure))
{
    return PyList_AsTuple(self->documents);
}

static PyObject *
Index_get_words(Index *self, void *Py_UNUSED(closure))
{
    return PyLong_FromSsize_t(self->words);
}

static PyMethodDef Index_methods[] = {
    {"add", (PyCFunction)(void (*)(void))Index_add, METH_FASTCALL | METH_KEYWORDS,
     "add($self, name, text, /, *, weight=1)\n--\n\nAdd a document; how many words it has."},
    {"count", (PyCFunction)Index_count, METH_O, "count($self, word, /)\n--\n\nHow often a word occurs."},
    {"frequencies", (PyCFunction)Index_frequencies, METH_NOARGS,
     "frequencies($self, /)\n--\n\nA dict of all words with their counts."},
    {"reset", (PyCFunction)Index_reset, METH_NOARGS, "reset($self, /)\n--\n\nForget everything."},
    {"search", (PyCFunction)(void (*)(void))Index_search, METH_VARARGS | METH_KEYWORDS,
     "search($self, query, limit=10)\n--\n\nThe documents that fit the query best, with their scores."},
    {"select", (PyCFunction)Index_select, METH_O,
     "select($self, predicate, /)\n--\n\nThe words for which predicate(word, count) is true."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef Index_getset[] = {
    {"documents", (getter)Index_get_documents, NULL, "Names of the documents.", NULL},
    {"words", (getter)Index_get_words, NULL, "How many words all documents have.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot Index_slots[] = {
    {Py_tp_doc, "Index(fold=None)\n--\n\nA full-text index."},
    {Py_tp_new, Index_new},
    {Py_tp_dealloc, Index_dealloc},
    {Py_tp_traverse, Index_traverse},
    {Py_tp_clear, Index_clear},
    {Py_tp_methods, Index_methods},
    {Py_tp_getset, Index_getset},
    {Py_tp_repr, Index_repr},
    {Py_tp_iter, Index_iter},
    {Py_mp_length, Index_length},
    {Py_mp_subscript, Index_subscript},
    {Py_sq_contains, Index_contains},
    {0, NULL},
};

static PyType_Spec Index_spec = {
    .name = "fulltext.Index",
    .basicsize = sizeof(Index),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = Index_slots,
};

/* ---- the iterator: (word, count) pairs ---- */

static int
Iterator_traverse(Iterator *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->index);
    return 0;
}

static void
Iterator_dealloc(Iterator *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_CLEAR(self->index);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
Iterator_next(Iterator *self)
{
    Index *index = self->index;
    if (self->changes != index->changes) {
        PyErr_SetString(PyExc_RuntimeError, "index changed during iteration");
        return NULL;
    }
    while (self->position < index->size) {
        Term *term = &index->table[self->position++];
        if (term->word != NULL) {
            return Py_BuildValue("(s#n)", term->word, term->length, term->total);
        }
    }
    return NULL;
}

static PyType_Slot Iterator_slots[] = {
    {Py_tp_dealloc, Iterator_dealloc}, {Py_tp_traverse, Iterator_traverse}, {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, Iterator_next},   {0, NULL},
};

static PyType_Spec Iterator_spec = {
    .name = "fulltext.Iterator",
    .basicsize = sizeof(Iterator),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = Iterator_slots,
};

/* ---- the module ---- */

static PyObject *
tokens(PyObject *Py_UNUSED(module), PyObject *text)
{
    Py_ssize_t size;
    const char *data = PyUnicode_AsUTF8AndSize(text, &size);
    if (data == NULL) {
        return NULL;
    }
    PyObject *list = PyList_New(0);
    Py_ssize_t position = 0, length;
    const char *word;
    while (list != NULL && (word = next_word(data, size, &position, &length)) != NULL) {
        Lowered buffer;
        PyObject *item = NULL;
        if (lowered_set(&buffer, word, length) == 0) {
            item = PyUnicode_FromStringAndSize(buffer.data, length);
            lowered_clear(&buffer);
        }
        if (item == NULL || PyList_Append(list, item) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(item);
    }
    return list;
}

static PyObject *
nothing(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"tokens", tokens, METH_O, "tokens($module, text, /)\n--\n\nThe words of a text, in order."},
    {"nothing", nothing, METH_NOARGS, "nothing($module, /)\n--\n\nDo nothing: what the bare call costs."},
    {NULL, NULL, 0, NULL},
};

static int
execute(PyObject *module)
{
    State *state = PyModule_GetState(module);
    state->query_error = PyErr_NewExceptionWithDoc("fulltext.QueryError", "A query without a word.",
                                                   PyExc_ValueError, NULL);
    if (state->query_error == NULL || PyModule_AddObjectRef(module, "QueryError", state->query_error) < 0) {
        return -1;
    }
    state->index_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &Index_spec, NULL);
    if (state->index_type == NULL || PyModule_AddType(module, state->index_type) < 0) {
        return -1;
    }
    state->iterator_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &Iterator_spec, NULL);
    return state->iterator_type == NULL ? -1 : 0;
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    State *state = PyModule_GetState(module);
    Py_VISIT(state->query_error);
    Py_VISIT(state->index_type);
    Py_VISIT(state->iterator_type);
    return 0;
}

static int
module_clear(PyObject *module)
{
    State *state = PyModule_GetState(module);
    Py_CLEAR(state->query_error);
    Py_CLEAR(state->index_type);
    Py_CLEAR(state->iterator_type);
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "fulltext",
    .m_doc = "A full-text index.",
    .m_size = sizeof(State),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
};

PyMODINIT_FUNC
PyInit_fulltext(void)
{
    return PyModuleDef_Init(&definition);
}
