/* The range coder of range_coder.py as a Python module: Writer and Reader. The coder itself is the
   one of the firmware. A model is an array of uint32: where each symbol's share of the interval
   begins, in units of 2^-24, and 2^24 at the end. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "rangecoder.h"

#include <stdlib.h>
#include <string.h>

#define ONE (1u << 24)
#define WORD 4        /* most bytes that a symbol adds */
#define HELD_BACK 16  /* bytes that the end of a codestream needs at most */

struct coder_object {
    PyObject_HEAD
    struct dp_coder coder;
    /* The reader's alone: */
    uint8_t *data;
    size_t size, next;
    uint64_t ahead; /* distance of the read number from the interval's lower end */
};

static PyObject *make(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    (void)arguments, (void)keywords;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    struct coder_object *self = (struct coder_object *)allocate(type, 0);
    if (self) {
        dp_coder_start(&self->coder, NULL, 0);
    }
    return (PyObject *)self;
}

static void dispose(PyObject *object)
{
    struct coder_object *self = (struct coder_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    free(self->coder.out);
    free(self->data);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
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
        starts[count - 1] != ONE) {
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
    struct dp_coder *coder = &((struct coder_object *)object)->coder;
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
            if (s >= known || starts[s + 1] <= starts[s] || starts[s + 1] > ONE) {
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

static PyObject *coder_finish(PyObject *object, PyObject *none)
{
    (void)none;
    return finished(&((struct coder_object *)object)->coder);
}

static uint32_t next_word(struct coder_object *self)
{
    uint32_t word = 0;
    for (int i = 0; i < WORD; i++) {
        /* Missing bytes are zeros. */
        word = word << 8 | (self->next < self->size ? self->data[self->next++] : 0u);
    }
    return word;
}

static int reader_start(PyObject *object, PyObject *arguments, PyObject *keywords)
{
    struct coder_object *self = (struct coder_object *)object;
    Py_buffer data;
    (void)keywords;
    if (self->data) {
        PyErr_SetString(PyExc_ValueError, "a reader starts once");
        return -1;
    }
    if (!PyArg_ParseTuple(arguments, "y*", &data)) {
        return -1;
    }
    self->size = (size_t)data.len;
    self->data = malloc(self->size + 1);
    if (self->data) {
        memcpy(self->data, data.buf, self->size);
        uint64_t high = next_word(self);
        self->ahead = high << 32 | next_word(self);
    } else {
        PyErr_NoMemory();
    }
    PyBuffer_Release(&data);
    return self->data ? 0 : -1;
}

/* The symbol whose share holds the number; -1 if the number is beyond the interval. */
static int64_t take_symbol(struct coder_object *self, const uint32_t *starts, size_t known)
{
    uint64_t scale = self->coder.span >> 24, at = self->ahead / scale;
    if (at >= ONE) {
        return -1;
    }
    size_t low = 0, high = known;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (starts[middle] <= at) {
            low = middle;
        } else {
            high = middle;
        }
    }
    uint32_t start = starts[low], length = self->coder.length;
    if (starts[low + 1] <= at || starts[low + 1] > ONE) {
        return -1; /* the shares are not in order */
    }
    self->ahead -= scale * start;
    dp_coder_share(&self->coder, start, starts[low + 1] - start);
    if (self->coder.length != length) {
        self->ahead = self->ahead << 32 | next_word(self);
    }
    return (int64_t)low;
}

static PyObject *reader_read(PyObject *object, PyObject *arguments)
{
    struct coder_object *self = (struct coder_object *)object;
    Py_buffer symbols, model;
    if (!PyArg_ParseTuple(arguments, "w*y*", &symbols, &model)) {
        return NULL;
    }
    size_t count = (size_t)symbols.len / sizeof(int32_t), known = symbols_of(&model);
    int exists = 1;
    if (known && reserve(&self->coder, count)) {
        int32_t *symbol = symbols.buf;
        for (size_t i = 0; exists && i < count; i++) {
            int64_t found = take_symbol(self, model.buf, known);
            exists = found >= 0;
            symbol[i] = (int32_t)found;
        }
    }
    PyBuffer_Release(&symbols);
    PyBuffer_Release(&model);
    if (PyErr_Occurred()) {
        return NULL;
    }
    return PyBool_FromLong(exists);
}

static PyMethodDef writer_methods[] = {
    {"write", writer_write, METH_VARARGS, "write(symbols, starts)"},
    {"finish", coder_finish, METH_NOARGS, "finish() -> bytes"},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef reader_methods[] = {
    {"read", reader_read, METH_VARARGS, "read(symbols, starts) -> whether such symbols exist"},
    {"finish", coder_finish, METH_NOARGS, "finish() -> the bytes of the symbols read so far"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot writer_slots[] = {
    {Py_tp_new, make}, {Py_tp_dealloc, dispose}, {Py_tp_methods, writer_methods}, {0, NULL}};

static PyType_Slot reader_slots[] = {{Py_tp_new, make},
                                     {Py_tp_init, reader_start},
                                     {Py_tp_dealloc, dispose},
                                     {Py_tp_methods, reader_methods},
                                     {0, NULL}};

static PyType_Spec writer_type = {.name = "downpass.link.student._range_coder.Writer",
                                  .basicsize = sizeof(struct coder_object),
                                  .flags = Py_TPFLAGS_DEFAULT,
                                  .slots = writer_slots};

static PyType_Spec reader_type = {.name = "downpass.link.student._range_coder.Reader",
                                  .basicsize = sizeof(struct coder_object),
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
