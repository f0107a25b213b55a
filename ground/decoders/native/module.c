/* The synthesis network as a Python module, for compiled_synthesis.py. */
#include "arguments.h"
#include "network.h"
#include "variants.h"

#include <stdlib.h>

#define NETWORK "downpass.synthesis"
#define MOST_VALUES ((size_t)1 << 28) /* of all planes of a window */

enum { LAYERS = 5 + 2 * DP_MOST_BLOCKS };

/* A network that is being read, and its arrays. */
struct reading {
    struct dp_given network;
    struct dp_held held;
    Py_buffer buffers[4 + 3 * LAYERS + DP_MOST_BLOCKS];
};

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
        if (!dp_read_layer(&reading->held, PyTuple_GetItem(layers, i), single[i])) {
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
        if (!dp_read_layer(&reading->held, PyTuple_GetItem(layers, 5 + 2 * i), &block->first) ||
            !dp_read_layer(&reading->held, PyTuple_GetItem(layers, 6 + 2 * i), &block->second) ||
            !read_move(PyTuple_GetItem(moves, 3 + i), &block->entering)) {
            return 0;
        }
        block->table = dp_hold(&reading->held, PyTuple_GetItem(tables, i),
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
    PyObject *weight, *bias, *spread, *postfilter, *layers, *moves, *tables;
    if (!PyArg_ParseTuple(arguments, "si(iii)(OOO)OO!O!O!", name, &out->qualities, &out->depth[0],
                          &out->depth[1], &out->depth[2], &weight, &bias, &spread, &postfilter,
                          &PyTuple_Type, &layers, &PyTuple_Type, &moves, &PyTuple_Type, &tables)) {
        return 0;
    }
    int32_t blocks = 0;
    for (int i = 0; i < 3; i++) {
        if (out->depth[i] < 0 || out->depth[i] > DP_MOST_BLOCKS) {
            return dp_refuse("other numbers of blocks");
        }
        blocks += out->depth[i];
    }
    if (blocks > DP_MOST_BLOCKS || out->qualities < 1 || out->qualities > 1 << 12) {
        return dp_refuse("other numbers of blocks or qualities");
    }
    if (!read_parts(reading, layers, moves, tables)) {
        return 0;
    }
    out->latents = out->latent_in.inputs;
    out->linear_weight = dp_hold(&reading->held, weight, (Py_ssize_t)DP_PIXELS * out->latents * 4);
    out->linear_bias = out->linear_weight ? dp_hold(&reading->held, bias, DP_PIXELS * 8) : NULL;
    out->spread = out->linear_bias ? dp_hold(&reading->held, spread, out->latents) : NULL;
    if (!out->spread || postfilter == Py_None) {
        return out->spread != NULL;
    }
    out->postfilter = dp_hold(&reading->held, postfilter, DP_FILTER_WEIGHTS * 2);
    return out->postfilter != NULL;
}

static PyObject *make_network(PyObject *self, PyObject *arguments)
{
    struct reading *reading = calloc(1, sizeof *reading);
    PyObject *capsule = NULL;
    const char *name;
    (void)self;
    if (!reading) {
        return PyErr_NoMemory();
    }
    reading->held.buffer = reading->buffers;
    if (read_network(reading, arguments, &name)) {
        const struct dp_variant *variant = dp_variant_named(name);
        if (variant) {
            const char *why;
            void *network = dp_make_network(variant, &reading->network, &why);
            capsule = dp_capsule(network, why, NETWORK);
        }
    }
    dp_release(reading->buffers, reading->held.count);
    free(reading);
    return capsule;
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
    return dp_sides_fit(rows, columns) && (size_t)rows * (size_t)columns <= MOST_VALUES / values;
}

static PyObject *synthesise(PyObject *self, PyObject *arguments)
{
    enum { LATENTS, JOINED_ROWS, JOINED_COLUMNS, MATRIX, PIXELS, COUNT };
    Py_buffer given[COUNT];
    PyObject *capsule;
    int rows, columns, quality, enough = 1;
    const char *why = NULL;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "Oy*iiy*y*iy*w*", &capsule, &given[LATENTS], &rows, &columns,
                          &given[JOINED_ROWS], &given[JOINED_COLUMNS], &quality, &given[MATRIX],
                          &given[PIXELS])) {
        return NULL;
    }
    const struct dp_network *network = PyCapsule_GetPointer(capsule, NETWORK);
    if (network) {
        int fit = sides_fit(network, rows, columns);
        Py_ssize_t places = fit ? (Py_ssize_t)rows * columns : 0;
        if (!fit || given[LATENTS].len != places * (Py_ssize_t)network->latents * 4 ||
            given[PIXELS].len != places * DP_PIXELS || !latents_fit(&given[LATENTS])) {
            why = "latents or pixels do not fit the network";
        } else if (given[JOINED_ROWS].len != rows - 1 || given[JOINED_COLUMNS].len != columns - 1) {
            why = "block boundaries do not fit the network";
        } else if (quality < 0 || (size_t)quality >= network->qualities ||
                   !dp_matrix_fits(&given[MATRIX])) {
            why = "quality or rotation does not fit the network";
        } else {
            const struct dp_window window = {.latents = given[LATENTS].buf,
                                             .rows = (size_t)rows,
                                             .columns = (size_t)columns,
                                             .joined_rows = given[JOINED_ROWS].buf,
                                             .joined_columns = given[JOINED_COLUMNS].buf,
                                             .quality = (size_t)quality,
                                             .matrix = given[MATRIX].buf,
                                             .pixels = given[PIXELS].buf};
            Py_BEGIN_ALLOW_THREADS
            enough = network->variant->synthesise(network, &window);
            Py_END_ALLOW_THREADS
        }
    }
    if (!enough) {
        PyErr_NoMemory();
    }
    return dp_end(given, COUNT, why);
}

static PyMethodDef methods[] = {
    {"make_network", make_network, METH_VARARGS,
     "make_network(variant, qualities, depth, (weight, bias, spread), postfilter, layers, moves, "
     "tables)"},
    {"synthesise", synthesise, METH_VARARGS,
     "synthesise(network, latents, rows, columns, joined_rows, joined_columns, quality, matrix, "
     "pixels)"},
    DP_LIST_VARIANTS,
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_native", .m_size = 0, .m_methods = methods};

PyMODINIT_FUNC PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}
