/* The range coder of range_coder.py as a Python module: Writer and Reader. The writer's coder is the
   one of the firmware. A model is an array of uint32: where each symbol's share of the interval
   begins, in units of 2^-24, and 2^24 at the end. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "range_reader.h"
#include "rangecoder.h"

#include <stdlib.h>
#include <string.h>

#define WORD 4        /* most bytes that a symbol adds */
#define HELD_BACK 16  /* bytes that the end of a codestream needs at most */

struct writer_object {
    PyObject_HEAD
    struct dp_coder coder;
};

struct reader_object {
    PyObject_HEAD
    struct dp_range_reader reader;
    uint8_t *data; /* what the reader reads; null before the start */
};

static PyObject *allocated(PyTypeObject *type)
{
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    return allocate(type, 0);
}

static void dispose(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static PyObject *writer_make(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    (void)arguments, (void)keywords;
    struct writer_object *self = (struct writer_object *)allocated(type);
    if (self) {
        dp_coder_start(&self->coder, NULL, 0);
    }
    return (PyObject *)self;
}

static void writer_dispose(PyObject *object)
{
    free(((struct writer_object *)object)->coder.out);
    dispose(object);
}

static PyObject *reader_make(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    (void)arguments, (void)keywords;
    struct reader_object *self = (struct reader_object *)allocated(type);
    if (self) {
        dp_reader_start(&self->reader, NULL, 0);
    }
    return (PyObject *)self;
}

static void reader_dispose(PyObject *object)
{
    free(((struct reader_object *)object)->data);
    dispose(object);
}

/* Make room for this many more symbols; 0 if an error was raised. */
static int reserve(struct dp_coder *coder, size_t symbols)
{
    size_t needed = coder->length + symbols * WORD + HELD_BACK;
    if (needed <= coder->size) {
        return 1;
    }
    needed += needed / 2;
    uint8_t *out = needed > UINT32_MAX ? NULL : realloc(coder->out, needed);
    if (!out) {
        PyErr_NoMemory();
        return 0;
    }
    coder->out = out;
    coder->size = (uint32_t)needed;
    return 1;
}

/* The number of symbols of a model; 0 if an error was raised. */
static size_t symbols_of(const Py_buffer *model)
{
    size_t count = (size_t)model->len / sizeof(uint32_t);
    const uint32_t *starts = model->buf;
    if (count < 2 || (size_t)model->len % sizeof(uint32_t) || starts[0] != 0 ||
        starts[count - 1] != DP_WHOLE) {
        PyErr_SetString(PyExc_ValueError, "a model's shares begin at 0 and end at 2^24");
        return 0;
    }
    return count - 1;
}

/* The bytes of the finished codestream; `coder` stays as it is. */
static PyObject *finished(const struct dp_coder *coder)
{
    struct dp_coder copy = *coder;
    copy.size = coder->length + HELD_BACK;
    copy.out = malloc(copy.size);
    if (!copy.out) {
        return PyErr_NoMemory();
    }
    if (coder->length) {
        memcpy(copy.out, coder->out, coder->length);
    }
    uint32_t length = dp_coder_finish(&copy);
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)copy.out, (Py_ssize_t)length);
    free(copy.out);
    return bytes;
}

static PyObject *writer_write(PyObject *object, PyObject *arguments)
{
    struct dp_coder *coder = &((struct writer_object *)object)->coder;
    Py_buffer symbols, model;
    if (!PyArg_ParseTuple(arguments, "y*y*", &symbols, &model)) {
        return NULL;
    }
    size_t count = (size_t)symbols.len / sizeof(int32_t), known = symbols_of(&model);
    if (known && reserve(coder, count)) {
        const int32_t *symbol = symbols.buf;
        const uint32_t *starts = model.buf;
        for (size_t i = 0; i < count; i++) {
            uint32_t s = (uint32_t)symbol[i];
            if (s >= known || starts[s + 1] <= starts[s] || starts[s + 1] > DP_WHOLE) {
                PyErr_Format(PyExc_ValueError, "symbol %d of a model of %zd", (int)symbol[i],
                             (Py_ssize_t)known);
                break;
            }
            dp_coder_share(coder, starts[s], starts[s + 1] - starts[s]);
        }
    }
    PyBuffer_Release(&symbols);
    PyBuffer_Release(&model);
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *writer_finish(PyObject *object, PyObject *none)
{
    (void)none;
    return finished(&((struct writer_object *)object)->coder);
}

static int reader_start(PyObject *object, PyObject *arguments, PyObject *keywords)
{
    struct reader_object *self = (struct reader_object *)object;
    Py_buffer data;
    (void)keywords;
    if (self->data) {
        PyErr_SetString(PyExc_ValueError, "a reader starts once");
        return -1;
    }
    if (!PyArg_ParseTuple(arguments, "y*", &data)) {
        return -1;
    }
    self->data = malloc((size_t)data.len + 1);
    if (self->data) {
        memcpy(self->data, data.buf, (size_t)data.len);
        dp_reader_start(&self->reader, self->data, (size_t)data.len);
    } else {
        PyErr_NoMemory();
    }
    PyBuffer_Release(&data);
    return self->data ? 0 : -1;
}

static PyObject *reader_read(PyObject *object, PyObject *arguments)
{
    struct dp_range_reader *reader = &((struct reader_object *)object)->reader;
    Py_buffer symbols, model;
    if (!PyArg_ParseTuple(arguments, "w*y*", &symbols, &model)) {
        return NULL;
    }
    size_t count = (size_t)symbols.len / sizeof(int32_t), known = symbols_of(&model);
    bool exists = true;
    if (known && !dp_is_model(model.buf, known)) {
        PyErr_SetString(PyExc_ValueError, "a model's shares are in order, none of them empty");
    } else if (known) {
        int32_t *symbol = symbols.buf;
        for (size_t i = 0; exists && i < count; i++) {
            symbol[i] = dp_read_symbol(reader, model.buf, (uint32_t)known, 0);
            exists = symbol[i] >= 0;
        }
    }
    PyBuffer_Release(&symbols);
    PyBuffer_Release(&model);
    if (PyErr_Occurred()) {
        return NULL;
    }
    return PyBool_FromLong(exists);
}

static PyObject *reader_ends(PyObject *object, PyObject *none)
{
    (void)none;
    return PyBool_FromLong(dp_reader_ends(&((struct reader_object *)object)->reader));
}

static PyMethodDef writer_methods[] = {
    {"write", writer_write, METH_VARARGS, "write(symbols, starts)"},
    {"finish", writer_finish, METH_NOARGS, "finish() -> bytes"},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef reader_methods[] = {
    {"read", reader_read, METH_VARARGS, "read(symbols, starts) -> whether such symbols exist"},
    {"ends", reader_ends, METH_NOARGS, "ends() -> whether a writer of these symbols ends here"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot writer_slots[] = {{Py_tp_new, writer_make},
                                     {Py_tp_dealloc, writer_dispose},
                                     {Py_tp_methods, writer_methods},
                                     {0, NULL}};

static PyType_Slot reader_slots[] = {{Py_tp_new, reader_make},
                                     {Py_tp_init, reader_start},
                                     {Py_tp_dealloc, reader_dispose},
                                     {Py_tp_methods, reader_methods},
                                     {0, NULL}};

static PyType_Spec writer_type = {.name = "downpass.link.student._range_coder.Writer",
                                  .basicsize = sizeof(struct writer_object),
                                  .flags = Py_TPFLAGS_DEFAULT,
                                  .slots = writer_slots};

static PyType_Spec reader_type = {.name = "downpass.link.student._range_coder.Reader",
                                  .basicsize = sizeof(struct reader_object),
                                  .flags = Py_TPFLAGS_DEFAULT,
                                  .slots = reader_slots};

static int add_types(PyObject *module)
{
    PyType_Spec *specs[] = {&writer_type, &reader_type};
    for (size_t i = 0; i < 2; i++) {
        PyObject *type = PyType_FromSpec(specs[i]);
        if (!type || PyModule_AddType(module, (PyTypeObject *)type)) {
            Py_XDECREF(type);
            return -1;
        }
        Py_DECREF(type);
    }
    return 0;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, add_types}, {0, NULL}};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                                 .m_name = "_range_coder",
                                 .m_size = 0,
                                 .m_slots = module_slots};

PyMODINIT_FUNC PyInit__range_coder(void)
{
    return PyModuleDef_Init(&definition);
}
