/* The synthesis network as a Python module, for compiled.py. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "network.h"

#include <stdlib.h>
#include <string.h>

#define NETWORK "downpass.synthesis"
#define MOST_PLACES (1 << 16) /* latent positions of a window */
#define MOST_VALUES ((size_t)1 << 28) /* of all planes of a window */
#define MATRIX_ONE (1 << 14)

enum { LAYERS = 5 + 2 * DP_MOST_BLOCKS, MOVES = 3 + DP_MOST_BLOCKS };

/* All buffers of a network that is being read. */
struct reading {
    struct dp_given network;
    Py_buffer given[3 + 3 * LAYERS + DP_MOST_BLOCKS];
    int count;
};

static int refuse(const char *why)
{
    PyErr_Format(PyExc_ValueError, "networks with %s", why);
    return 0;
}

/* Return a buffer of `size` bytes from a Python object; null if an error was raised. */
static const void *read_buffer(struct reading *reading, PyObject *object, Py_ssize_t size)
{
    Py_buffer *given = &reading->given[reading->count];
    if (!object || PyObject_GetBuffer(object, given, PyBUF_SIMPLE)) {
        return NULL;
    }
    reading->count++;
    if (given->len != size) {
        refuse("layers that do not fit each other");
        return NULL;
    }
    return given->buf;
}

/* Read a layer (weight, bias, shift, low, high); return 0 if an error was raised. */
static int read_layer(struct reading *reading, PyObject *tuple, struct dp_given_layer *layer)
{
    PyObject *weight, *bias, *shift;
    int low, high;
    if (!tuple || !PyArg_ParseTuple(tuple, "OOOii", &weight, &bias, &shift, &low, &high)) {
        return 0;
    }
    Py_ssize_t sizes[2] = {0, 0};
    PyObject *const sized[2] = {weight, shift};
    for (int i = 0; i < 2; i++) {
        Py_buffer view;
        if (PyObject_GetBuffer(sized[i], &view, PyBUF_SIMPLE)) {
            return 0;
        }
        sizes[i] = view.len;
        PyBuffer_Release(&view);
    }
    Py_ssize_t outputs = sizes[1];
    if (outputs < 1 || outputs > 4 * DP_MOST_CHANNELS || sizes[0] % outputs ||
        sizes[0] / outputs > 9 * DP_MOST_CHANNELS) {
        return refuse("layers that do not fit each other");
    }
    *layer = (struct dp_given_layer){.outputs = (int32_t)outputs,
                                     .inputs = (int32_t)(sizes[0] / outputs),
                                     .low = low,
                                     .high = high};
    layer->weight = read_buffer(reading, weight, sizes[0]);
    layer->bias = layer->weight ? read_buffer(reading, bias, outputs * 4) : NULL;
    layer->shift = layer->bias ? read_buffer(reading, shift, outputs) : NULL;
    return layer->shift != NULL;
}

static int read_move(PyObject *tuple, struct dp_move *move)
{
    int shift, low, high;
    if (!tuple || !PyArg_ParseTuple(tuple, "iii", &shift, &low, &high)) {
        return 0;
    }
    *move = (struct dp_move){shift, low, high};
    return 1;
}

/* Read layers, moves and tables; return 0 if an error was raised. */
static int read_parts(struct reading *reading, PyObject *layers, PyObject *moves, PyObject *tables)
{
    struct dp_given *out = &reading->network;
    struct dp_given_layer *const single[5] = {&out->latent_in, &out->enter, &out->down, &out->up,
                                              &out->leave};
    struct dp_move *const stream[3] = {&out->to_down, &out->to_up, &out->to_leave};
    int32_t blocks = out->depth[0] + out->depth[1] + out->depth[2];
    for (int i = 0; i < 5; i++) {
        if (!read_layer(reading, PyTuple_GetItem(layers, i), single[i])) {
            return 0;
        }
    }
    for (int i = 0; i < 3; i++) {
        if (!read_move(PyTuple_GetItem(moves, i), stream[i])) {
            return 0;
        }
    }
    out->fine = out->enter.outputs;
    out->coarse = out->down.outputs;
    for (int32_t i = 0; i < blocks; i++) {
        struct dp_given_block *block = &out->block[i];
        if (!read_layer(reading, PyTuple_GetItem(layers, 5 + 2 * i), &block->first) ||
            !read_layer(reading, PyTuple_GetItem(layers, 6 + 2 * i), &block->second) ||
            !read_move(PyTuple_GetItem(moves, 3 + i), &block->entering)) {
            return 0;
        }
        block->table = read_buffer(reading, PyTuple_GetItem(tables, i),
                                   (Py_ssize_t)out->qualities * block->first.outputs * 4);
        if (!block->table) {
            return 0;
        }
    }
    return 1;
}

static int read_network(struct reading *reading, PyObject *arguments, const char **name)
{
    struct dp_given *out = &reading->network;
    PyObject *weight, *bias, *spread, *layers, *moves, *tables;
    if (!PyArg_ParseTuple(arguments, "si(iii)(OOO)O!O!O!", name, &out->qualities, &out->depth[0],
                          &out->depth[1], &out->depth[2], &weight, &bias, &spread, &PyTuple_Type,
                          &layers, &PyTuple_Type, &moves, &PyTuple_Type, &tables)) {
        return 0;
    }
    int32_t blocks = 0;
    for (int i = 0; i < 3; i++) {
        if (out->depth[i] < 0 || out->depth[i] > DP_MOST_BLOCKS) {
            return refuse("other numbers of blocks");
        }
        blocks += out->depth[i];
    }
    if (blocks > DP_MOST_BLOCKS || out->qualities < 1 || out->qualities > 1 << 12) {
        return refuse("other numbers of blocks or qualities");
    }
    if (!read_parts(reading, layers, moves, tables)) {
        return 0;
    }
    out->latents = out->latent_in.inputs;
    out->linear_weight =
        read_buffer(reading, weight, (Py_ssize_t)DP_PIXELS * out->latents * 4);
    out->linear_bias = out->linear_weight ? read_buffer(reading, bias, DP_PIXELS * 8) : NULL;
    out->spread = out->linear_bias ? read_buffer(reading, spread, out->latents) : NULL;
    return out->spread != NULL;
}

static const struct dp_variant *variant_named(const char *name)
{
    for (size_t at = 0; dp_variants[at]; at++) {
        if (!strcmp(dp_variants[at]->name, name) && dp_variants[at]->runs_here()) {
            return dp_variants[at];
        }
    }
    PyErr_Format(PyExc_ValueError, "no variant %s on this processor", name);
    return NULL;
}

static void free_network(PyObject *capsule)
{
    dp_free_network(PyCapsule_GetPointer(capsule, NETWORK));
}

static PyObject *make_network(PyObject *self, PyObject *arguments)
{
    struct reading *reading = calloc(1, sizeof *reading);
    struct dp_network *network = NULL;
    const char *name, *why = NULL;
    (void)self;
    if (!reading) {
        return PyErr_NoMemory();
    }
    if (read_network(reading, arguments, &name)) {
        const struct dp_variant *variant = variant_named(name);
        if (variant) {
            network = dp_make_network(variant, &reading->network, &why);
            if (why) {
                refuse(why);
            } else if (!network) {
                PyErr_NoMemory();
            }
        }
    }
    for (int at = 0; at < reading->count; at++) {
        PyBuffer_Release(&reading->given[at]);
    }
    free(reading);
    if (!network) {
        return NULL;
    }
    PyObject *capsule = PyCapsule_New(network, NETWORK, free_network);
    if (!capsule) {
        dp_free_network(network);
    }
    return capsule;
}

static int matrix_fits(const Py_buffer *given)
{
    const int32_t *matrix = given->buf;
    if (given->len != 9 * 4) {
        return 0;
    }
    for (int at = 0; at < 9; at++) {
        if (matrix[at] < -MATRIX_ONE || matrix[at] > MATRIX_ONE) {
            return 0;
        }
    }
    return 1;
}

static int latents_fit(const Py_buffer *given)
{
    const int32_t *latents = given->buf;
    int32_t beyond = 0;
    for (Py_ssize_t at = 0; at < given->len / 4; at++) {
        beyond |= latents[at] <= -DP_LARGEST_LATENT || latents[at] >= DP_LARGEST_LATENT;
    }
    return !beyond;
}

static int sides_fit(const struct dp_network *network, int rows, int columns)
{
    size_t values = DP_PIXELS + 16 * network->fine + 4 * network->coarse;
    return rows >= 1 && columns >= 1 && columns <= MOST_PLACES && rows <= MOST_PLACES / columns &&
           (size_t)rows * (size_t)columns <= MOST_VALUES / values;
}

static PyObject *synthesise(PyObject *self, PyObject *arguments)
{
    enum { LATENTS, MATRIX, PIXELS, COUNT };
    Py_buffer given[COUNT];
    PyObject *capsule;
    int rows, columns, quality, enough = 1;
    const char *why = NULL;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "Oy*iiiy*w*", &capsule, &given[LATENTS], &rows, &columns,
                          &quality, &given[MATRIX], &given[PIXELS])) {
        return NULL;
    }
    const struct dp_network *network = PyCapsule_GetPointer(capsule, NETWORK);
    if (network) {
        int fit = sides_fit(network, rows, columns);
        Py_ssize_t places = fit ? (Py_ssize_t)rows * columns : 0;
        if (!fit || given[LATENTS].len != places * (Py_ssize_t)network->latents * 4 ||
            given[PIXELS].len != places * DP_PIXELS || !latents_fit(&given[LATENTS])) {
            why = "latents or pixels do not fit the network";
        } else if (quality < 0 || (size_t)quality >= network->qualities ||
                   !matrix_fits(&given[MATRIX])) {
            why = "quality or rotation does not fit the network";
        } else {
            const struct dp_window window = {.latents = given[LATENTS].buf,
                                             .rows = (size_t)rows,
                                             .columns = (size_t)columns,
                                             .quality = (size_t)quality,
                                             .matrix = given[MATRIX].buf,
                                             .pixels = given[PIXELS].buf};
            Py_BEGIN_ALLOW_THREADS
            enough = network->variant->synthesise(network, &window);
            Py_END_ALLOW_THREADS
        }
    }
    for (int at = 0; at < COUNT; at++) {
        PyBuffer_Release(&given[at]);
    }
    if (why) {
        PyErr_SetString(PyExc_ValueError, why);
    } else if (!enough) {
        PyErr_NoMemory();
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* Return the names of the variants that run on this processor. */
static PyObject *variants(PyObject *self, PyObject *none)
{
    (void)self, (void)none;
    PyObject *names = PyList_New(0);
    for (size_t at = 0; names && dp_variants[at]; at++) {
        if (dp_variants[at]->runs_here()) {
            PyObject *name = PyUnicode_FromString(dp_variants[at]->name);
            if (!name || PyList_Append(names, name)) {
                Py_CLEAR(names);
            }
            Py_XDECREF(name);
        }
    }
    return names;
}

static PyMethodDef methods[] = {
    {"make_network", make_network, METH_VARARGS,
     "make_network(variant, qualities, depth, (weight, bias, spread), layers, moves, tables)"},
    {"synthesise", synthesise, METH_VARARGS,
     "synthesise(network, latents, rows, columns, quality, matrix, pixels)"},
    {"variants", variants, METH_NOARGS, "variants() -> names, the fastest first"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_native", .m_size = 0, .m_methods = methods};

PyMODINIT_FUNC PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}
