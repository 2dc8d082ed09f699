/* Modules of C: their definition, state and methods. The mirror keeps md_def and md_state. */
#include "cape.h"

/* Indices of single-phase modules in the interpreter's list; 0 is none. */
static Py_ssize_t last_index = 0;

PyObject *
PyModuleDef_Init(PyModuleDef *def)
{
    PyObject *op = (PyObject *)def;
    if (def->m_base.m_index == 0) {
        def->m_base.m_index = ++last_index;
        op->ob_type = &PyModuleDef_Type;
    }
    return op;
}

PyObject *
PyModule_New(const char *name)
{
    PyObject *text = PyUnicode_FromString(name);
    if (text == NULL) {
        return NULL;
    }
    PyObject *module = PyModule_NewObject(text);
    Py_DECREF(text);
    return module;
}

/* Borrowed. */
PyObject *
PyModule_GetDict(PyObject *op)
{
    if (!PyModule_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    return ((PyModuleObject *)op)->md_dict;
}

PyModuleDef *
PyModule_GetDef(PyObject *op)
{
    if (!PyModule_Check(op)) {
        PyErr_BadArgument();
        return NULL;
    }
    return ((PyModuleObject *)op)->md_def;
}

void *
PyModule_GetState(PyObject *op)
{
    if (!PyModule_Check(op)) {
        PyErr_BadArgument();
        return NULL;
    }
    return ((PyModuleObject *)op)->md_state;
}

/* UTF-8 that lives as long as the str in the module's dictionary. */
static const char *
text_of(PyObject *op)
{
    if (op == NULL) {
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8(op);
    Py_DECREF(op);
    return text;
}

const char *
PyModule_GetName(PyObject *op)
{
    return text_of(PyModule_GetNameObject(op));
}

const char *
PyModule_GetFilename(PyObject *op)
{
    return text_of(PyModule_GetFilenameObject(op));
}

int
PyModule_SetDocString(PyObject *module, const char *text)
{
    PyObject *doc = PyUnicode_FromString(text);
    int status = doc == NULL ? -1 : PyObject_SetAttrString(module, "__doc__", doc);
    Py_XDECREF(doc);
    return status;
}

static int
add_functions(PyObject *module, PyObject *name, PyMethodDef *functions)
{
    for (PyMethodDef *def = functions; def->ml_name != NULL; def++) {
        if (def->ml_flags & (METH_CLASS | METH_STATIC)) {
            PyErr_SetString(PyExc_ValueError, "module functions cannot set METH_CLASS or METH_STATIC");
            return -1;
        }
        PyObject *function = PyCMethod_New(def, module, name, NULL);
        int status = function == NULL ? -1 : PyObject_SetAttrString(module, def->ml_name, function);
        Py_XDECREF(function);
        if (status < 0) {
            return -1;
        }
    }
    return 0;
}

int
PyModule_AddFunctions(PyObject *module, PyMethodDef *functions)
{
    PyObject *name = PyModule_GetNameObject(module);
    int status = name == NULL ? -1 : add_functions(module, name, functions);
    Py_XDECREF(name);
    return status;
}

/* --- making modules ------------------------------------------------------------------------------ */

const char *_Cape_package_context = NULL;

/* Warns of a module compiled for another API. */
static int
check_version(const char *name, int version)
{
    if (version == PYTHON_API_VERSION || version == PYTHON_ABI_VERSION) {
        return 0;
    }
    return PyErr_WarnFormat(PyExc_RuntimeWarning, 1,
                            "Python C API version mismatch for module %.100s: This Python has API "
                            "version %d, module %.100s has version %d.",
                            name, PYTHON_API_VERSION, name, version);
}

/* Zeroed memory of the size that the definition asks for. */
static int
make_state(PyModuleObject *module, PyModuleDef *def)
{
    if (module->md_state == NULL && def->m_size > 0) {
        module->md_state = PyMem_Calloc(1, (size_t)def->m_size);
        if (module->md_state == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    return 0;
}

static int
add_contents(PyObject *module, PyObject *name, PyModuleDef *def)
{
    return (def->m_methods != NULL && add_functions(module, name, def->m_methods) < 0)
           || (def->m_doc != NULL && PyModule_SetDocString(module, def->m_doc) < 0) ? -1 : 0;
}

/* One phase: what PyInit_x calls. A name without package is completed from the import that runs. */
PyObject *
PyModule_Create2(PyModuleDef *def, int version)
{
    const char *name = def->m_name;
    if (PyModuleDef_Init(def) == NULL || check_version(name, version) < 0) {
        return NULL;
    }
    if (def->m_slots != NULL) {
        return PyErr_Format(PyExc_SystemError, "module %s: PyModule_Create is incompatible with m_slots", name);
    }
    if (_Cape_package_context != NULL) {
        const char *dot = strrchr(_Cape_package_context, '.');
        if (dot != NULL && strcmp(name, dot + 1) == 0) {
            name = _Cape_package_context;
            _Cape_package_context = NULL;
        }
    }
    PyObject *text = PyUnicode_FromString(name);
    PyObject *module = text == NULL ? NULL : PyModule_NewObject(text);
    if (module != NULL) {
        ((PyModuleObject *)module)->md_def = def;
        if (make_state((PyModuleObject *)module, def) < 0 || add_contents(module, text, def) < 0) {
            Py_CLEAR(module);
        }
    }
    Py_XDECREF(text);
    return module;
}

/* What the slots of a definition say. */
typedef struct {
    PyObject *(*create)(PyObject *, PyModuleDef *);
    int executes;
} Slots;

/* -1 with SystemError. */
static int
read_slots(PyModuleDef *def, const char *name, Slots *slots)
{
    int interpreters = 0, gil = 0;
    memset(slots, 0, sizeof(*slots));
    for (PyModuleDef_Slot *slot = def->m_slots; slot != NULL && slot->slot != 0; slot++) {
        const char *mistake = NULL;
        switch (slot->slot) {
        case Py_mod_create:
            mistake = slots->create != NULL ? "module %s has multiple create slots" : NULL;
            memcpy(&slots->create, &slot->value, sizeof(slot->value));
            break;
        case Py_mod_exec:
            slots->executes = 1;
            break;
        case Py_mod_multiple_interpreters:
            mistake = interpreters++ ? "module %s has more than one 'multiple interpreters' slots" : NULL;
            break;
        case Py_mod_gil:
            mistake = gil++ ? "module %s has more than one 'gil' slot" : NULL;
            break;
        default:
            PyErr_Format(PyExc_SystemError, "module %s uses unknown slot ID %i", name, slot->slot);
            return -1;
        }
        if (mistake != NULL) {
            PyErr_Format(PyExc_SystemError, mistake, name);
            return -1;
        }
    }
    return 0;
}

static PyObject *
create_module(PyModuleDef *def, PyObject *spec, PyObject *name, const char *text, const Slots *slots)
{
    if (slots->create == NULL) {
        return PyModule_NewObject(name);
    }
    PyObject *module = slots->create(spec, def);
    if (module == NULL) {
        return PyErr_Occurred() ? NULL
               : PyErr_Format(PyExc_SystemError, "creation of module %s failed without setting an exception", text);
    }
    if (PyErr_Occurred()) {
        Py_DECREF(module);
        return _PyErr_FormatFromCause(PyExc_SystemError, "creation of module %s raised unreported exception", text);
    }
    return module;
}

/* Multi-phase, first half; PyModule_ExecDef is the second. */
PyObject *
PyModule_FromDefAndSpec2(PyModuleDef *def, PyObject *spec, int version)
{
    Slots slots;
    PyObject *module = NULL;
    PyModuleDef_Init(def);
    PyObject *name = PyObject_GetAttrString(spec, "name");
    const char *text = name == NULL ? NULL : PyUnicode_AsUTF8(name);
    if (text == NULL || check_version(text, version) < 0) {
        goto done;
    }
    if (def->m_size < 0) {
        PyErr_Format(PyExc_SystemError,
                     "module %s: m_size may not be negative for multi-phase initialization", text);
        goto done;
    }
    if (read_slots(def, text, &slots) < 0) {
        goto done;
    }
    module = create_module(def, spec, name, text, &slots);
    if (module == NULL) {
        goto done;
    }
    const char *mistake = NULL;
    if (PyModule_Check(module)) {
        ((PyModuleObject *)module)->md_def = def;
    }
    else if (def->m_size > 0 || def->m_traverse != NULL || def->m_clear != NULL || def->m_free != NULL) {
        mistake = "module %s is not a module object, but requests module state";
    }
    else if (slots.executes) {
        mistake = "module %s specifies execution slots, but did not create a ModuleType instance";
    }
    if (mistake != NULL) {
        PyErr_Format(PyExc_SystemError, mistake, text);
    }
    if (mistake != NULL || add_contents(module, name, def) < 0) {
        Py_CLEAR(module);
    }
done:
    Py_XDECREF(name);
    return module;
}

int
PyModule_ExecDef(PyObject *module, PyModuleDef *def)
{
    const char *name = PyModule_GetName(module);
    if (name == NULL || (def->m_size >= 0 && make_state((PyModuleObject *)module, def) < 0)) {
        return -1;
    }
    for (PyModuleDef_Slot *slot = def->m_slots; slot != NULL && slot->slot != 0; slot++) {
        if (slot->slot != Py_mod_exec) {
            continue;
        }
        int (*execute)(PyObject *);
        memcpy(&execute, &slot->value, sizeof(slot->value));
        if (execute(module) != 0) {
            if (!PyErr_Occurred()) {
                PyErr_Format(PyExc_SystemError,
                             "execution of module %s failed without setting an exception", name);
            }
            return -1;
        }
        if (PyErr_Occurred()) {
            _PyErr_FormatFromCause(PyExc_SystemError,
                                   "execution of module %s raised unreported exception", name);
            return -1;
        }
    }
    return 0;
}

void
_Cape_ModuleFreeState(PyObject *op)
{
    PyModuleObject *module = (PyModuleObject *)op;
    PyModuleDef *def = module->md_def;
    if (def != NULL && def->m_free != NULL && (def->m_size <= 0 || module->md_state != NULL)) {
        def->m_free(module);
    }
    PyMem_Free(module->md_state);
    module->md_state = NULL;
}

/* --- single-phase modules by definition ------------------------------------------------------------- */

#ifdef CAPE_INSIDE_CPYTHON
static CapeInterpreter only;
#  define running_interpreter() (&only)
#else
#  define running_interpreter() ((CapeInterpreter *)cape_tstate()->interp)
#endif

/* Borrowed; NULL without an exception. */
PyObject *
PyState_FindModule(PyModuleDef *def)
{
    Py_ssize_t index = def->m_base.m_index;
    CapeInterpreter *interp = running_interpreter();
    return def->m_slots != NULL || index == 0 || index >= interp->indices ? NULL : interp->by_index[index];
}

int
PyState_AddModule(PyObject *module, PyModuleDef *def)
{
    if (def == NULL) {
        Py_FatalError("module definition is NULL");
    }
    if (def->m_slots != NULL) {
        PyErr_SetString(PyExc_SystemError, "PyState_AddModule called on module with slots");
        return -1;
    }
    PyModuleDef_Init(def);
    CapeInterpreter *interp = running_interpreter();
    Py_ssize_t index = def->m_base.m_index;
    if (index >= interp->indices) {
        PyObject **larger = PyMem_Resize(interp->by_index, PyObject *, index + 16);
        if (larger == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        memset(larger + interp->indices, 0, (size_t)(index + 16 - interp->indices) * sizeof(PyObject *));
        interp->indices = index + 16;
    }
    if (interp->by_index[index] == module) {
        PyErr_Format(PyExc_SystemError, "module %R already added", module);
        return -1;
    }
    Py_XSETREF(interp->by_index[index], Py_NewRef(module));
    return 0;
}

int
PyState_RemoveModule(PyModuleDef *def)
{
    if (def->m_slots != NULL) {
        PyErr_SetString(PyExc_SystemError, "PyState_RemoveModule called on module with slots");
        return -1;
    }
    CapeInterpreter *interp = running_interpreter();
    Py_ssize_t index = def->m_base.m_index;
    if (index == 0 || index >= interp->indices || interp->by_index[index] == NULL) {
        Py_FatalError("module not in the list of modules");
    }
    Py_CLEAR(interp->by_index[index]);
    return 0;
}
