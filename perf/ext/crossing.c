/* crossing: the module. */
#include "crossing.h"

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "crossing",
    .m_size = -1,
};

PyMODINIT_FUNC
PyInit_crossing(void)
{
    PyMethodDef *tables[] = {
        call_functions, value_functions, container_functions, text_functions,
        callback_functions, error_functions, thread_functions, link_functions,
    };
    int (*parts[])(PyObject *) = {
        add_box, add_calls, add_slots, add_attributes, add_values, add_links,
    };
    PyObject *module = PyModule_Create(&definition);
    int result = module == NULL ? -1 : 0;
    for (size_t i = 0; result == 0 && i < sizeof(tables) / sizeof(*tables); i++) {
        result = PyModule_AddFunctions(module, tables[i]);
    }
    for (size_t i = 0; result == 0 && i < sizeof(parts) / sizeof(*parts); i++) {
        result = parts[i](module);
    }
    if (result < 0) {
        Py_XDECREF(module);
        return NULL;
    }
    return module;
}
