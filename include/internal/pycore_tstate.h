/* Thread states. */
#ifndef Py_INTERNAL_TSTATE_H
#define Py_INTERNAL_TSTATE_H
#ifdef __cplusplus
extern "C" {
#endif
#ifndef Py_BUILD_CORE
#  error "this header requires Py_BUILD_CORE define"
#endif

struct llist_node {
    struct llist_node *next;
    struct llist_node *prev;
};

/* A thread state with CPython's private part. */
typedef struct _PyThreadStateImpl {
    PyThreadState base;
    Py_ssize_t refcount;
    uintptr_t c_stack_top;
    uintptr_t c_stack_soft_limit;
    uintptr_t c_stack_hard_limit;
    PyObject *asyncio_running_loop;
    PyObject *asyncio_running_task;
    struct llist_node asyncio_tasks_head;
    struct _qsbr_thread_state *qsbr;
    struct llist_node mem_free_queue;
    uintptr_t c_stack_init_base;
    uintptr_t c_stack_init_top;
} _PyThreadStateImpl;

#ifdef __cplusplus
}
#endif
#endif
