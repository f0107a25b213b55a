/* The inner loops as a Python module, for compiled.py and tilewriter.py. */
#include "arguments.h"
#include "networks.h"
#include "side_rule.h"
#include "tilewriter.h"
#include "variants.h"

#include <stdlib.h>

enum {
    GROUPS,
    MANTISSAS,
    EXPECTED,
    CORRECTION,
    MEANS,
    LATENT_SUMS,
    LATENT_START,
    SIDE_SUMS,
    SIDE_WEIGHTS,
    SIDE_BIAS,
    SIDE_THRESHOLDS,
    GAIN,
    ROUNDING,
    Y,
    SCALES,
    SIDE,
    BUFFERS
};

/* Return why the model's buffers do not fit each other; null if they do. */
static const char *check_model(const Py_buffer *given, const struct dp_entropy *model)
{
    size_t weights;
    if (!dp_groups_fit(model->group, model->groups, model->latents, model->predicted, &weights)) {
        return "channel groups";
    }
    if (given[LATENT_START].len != (DP_TABLES + 1) * 4 || model->latent_start[0] != 0) {
        return "tables of latents";
    }
    for (int32_t t = 0; t < DP_TABLES; t++) {
        if (model->latent_start[t + 1] - model->latent_start[t] < 2) {
            return "tables of latents";
        }
    }
    if (given[LATENT_SUMS].len != (Py_ssize_t)model->latent_start[DP_TABLES] * 2) {
        return "tables of latents";
    }
    if (given[SIDE_SUMS].len != (Py_ssize_t)model->side * DP_SIDE_CONTEXTS * DP_SIDE_SYMBOLS * 2) {
        return "tables of side information";
    }
    if (!dp_side_rule_fits(&given[SIDE_WEIGHTS], model->side)) {
        return "contexts of side information";
    }
    if (given[MANTISSAS].len != 32 * 2 || given[EXPECTED].len != DP_SCALES * 2 ||
        given[ROUNDING].len != DP_SCALES || given[MEANS].len != (Py_ssize_t)weights * 8 ||
        given[CORRECTION].len != (Py_ssize_t)model->groups * 4 * 1024 * 4) {
        return "tables";
    }
    return NULL;
}

/* Return why a tile's buffers do not fit the model; null if they do. */
static const char *check_tile(const Py_buffer *given, const struct dp_entropy *model,
                              const struct dp_planes *tile)
{
    if (!dp_sides_fit(tile->rows, tile->columns)) {
        return "sides";
    }
    Py_ssize_t places = (Py_ssize_t)tile->rows * tile->columns;
    Py_ssize_t side = (Py_ssize_t)((tile->rows + 1) / 2) * ((tile->columns + 1) / 2) * model->side;
    Py_ssize_t values = places * model->latents;
    if (given[Y].len != values * 4 || given[SCALES].len != values * 2) {
        return "latents";
    }
    if (given[SIDE].len != side) {
        return "side information";
    }
    for (Py_ssize_t at = 0; at < side; at++) {
        if (tile->side[at] < -DP_SIDE_SYMBOLS / 2 || tile->side[at] >= DP_SIDE_SYMBOLS / 2) {
            return "side information";
        }
    }
    return NULL;
}

static PyObject *write_given(const Py_buffer *given, int rows, int columns, int predicted, int side)
{
    struct dp_entropy model = {
        .latents = (int32_t)(given[GAIN].len / 2),
        .side = side,
        .predicted = predicted,
        .groups = (int32_t)(given[GROUPS].len / (Py_ssize_t)sizeof(struct dp_channel_group)),
        .group = given[GROUPS].buf,
        .gain = given[GAIN].buf,
        .mantissas = given[MANTISSAS].buf,
        .rounding = given[ROUNDING].buf,
        .expected = given[EXPECTED].buf,
        .correction = given[CORRECTION].buf,
        .means = given[MEANS].buf,
        .latent_sums = given[LATENT_SUMS].buf,
        .latent_start = given[LATENT_START].buf,
        .side_sums = given[SIDE_SUMS].buf,
        .side_rule = dp_side_rule_of(&given[SIDE_WEIGHTS]),
    };
    struct dp_planes tile = {.rows = rows,
                             .columns = columns,
                             .y = given[Y].buf,
                             .scales = given[SCALES].buf,
                             .side = given[SIDE].buf};
    const char *why = check_model(given, &model);
    why = why ? why : check_tile(given, &model, &tile);
    if (why) {
        return PyErr_Format(PyExc_ValueError, "%s do not fit the model", why);
    }
    uint8_t *out;
    size_t size = 0;
    Py_BEGIN_ALLOW_THREADS
    out = dp_write_tile(&model, &tile, &size);
    Py_END_ALLOW_THREADS
    if (!out) {
        return PyErr_NoMemory();
    }
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)out, (Py_ssize_t)size);
    free(out);
    return bytes;
}

static PyObject *write_tile(PyObject *self, PyObject *arguments)
{
    Py_buffer given[BUFFERS];
    int rows, columns, predicted, side;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "(iiy*y*y*y*y*y*y*y*y*y*y*)y*y*iiy*y*y*", &predicted, &side,
                          &given[GROUPS], &given[MANTISSAS], &given[EXPECTED], &given[CORRECTION],
                          &given[MEANS], &given[LATENT_SUMS], &given[LATENT_START],
                          &given[SIDE_SUMS], &given[SIDE_WEIGHTS], &given[SIDE_BIAS],
                          &given[SIDE_THRESHOLDS], &given[GAIN], &given[ROUNDING], &rows, &columns,
                          &given[Y], &given[SCALES], &given[SIDE])) {
        return NULL;
    }
    PyObject *found = write_given(given, rows, columns, predicted, side);
    dp_release(given, BUFFERS);
    return found;
}

#define NETWORKS "downpass.networks"

static PyObject *make_networks(PyObject *self, PyObject *arguments)
{
    enum { MOST_HELD = 3 * DP_LAYERS + 2 };
    Py_buffer buffers[MOST_HELD];
    struct dp_held held = {buffers, 0};
    struct dp_given_layer layers[DP_LAYERS];
    PyObject *tuples, *spread, *prefilter = Py_None, *capsule = NULL;
    const char *name;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "sO!O|O", &name, &PyTuple_Type, &tuples, &spread,
                          &prefilter)) {
        return NULL;
    }
    const struct dp_variant *variant = dp_variant_named(name);
    int count = 0;
    while (variant && count < DP_LAYERS &&
           dp_read_layer(&held, PyTuple_GetItem(tuples, count), &layers[count])) {
        count++;
    }
    if (count == DP_LAYERS) {
        const int8_t *shifts = dp_hold(&held, spread, layers[DP_LINEAR].outputs);
        const int16_t *filter = NULL;
        if (shifts && prefilter != Py_None) {
            filter = dp_hold(&held, prefilter, DP_FILTER_WEIGHTS * 2);
        }
        if (shifts && (filter || prefilter == Py_None)) {
            const char *why;
            void *networks = dp_make_networks(variant, layers, shifts, filter, &why);
            capsule = dp_capsule(networks, why, NETWORKS);
        }
    }
    dp_release(buffers, held.count);
    return capsule;
}

static PyObject *analyse(PyObject *self, PyObject *arguments)
{
    enum { PIXELS, MATRIX, LATENTS, SIDE_OUT, COUNT };
    Py_buffer given[COUNT];
    PyObject *capsule;
    int rows, columns, bands;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "Oy*iiiy*w*w*", &capsule, &given[PIXELS], &rows, &columns,
                          &bands, &given[MATRIX], &given[LATENTS], &given[SIDE_OUT])) {
        return NULL;
    }
    const struct dp_networks *networks = PyCapsule_GetPointer(capsule, NETWORKS);
    if (!networks) {
        return dp_end(given, COUNT, NULL);
    }
    int fit = dp_sides_fit(rows, columns) && (bands == 1 || bands == 3) && dp_matrix_fits(&given[MATRIX]);
    Py_ssize_t places = fit ? (Py_ssize_t)rows * columns : 0;
    Py_ssize_t halves = fit ? (Py_ssize_t)((rows + 1) / 2) * ((columns + 1) / 2) : 0;
    if (!fit || given[PIXELS].len != places * 256 * bands ||
        given[LATENTS].len != places * (Py_ssize_t)networks->latents * 4 ||
        given[SIDE_OUT].len != halves * (Py_ssize_t)networks->side * 4) {
        return dp_end(given, COUNT, "pixels, rotation or latents do not fit the networks");
    }
    const struct dp_tile tile = {.pixels = given[PIXELS].buf,
                                 .rows = rows,
                                 .columns = columns,
                                 .bands = bands,
                                 .matrix = given[MATRIX].buf,
                                 .y = given[LATENTS].buf,
                                 .side = given[SIDE_OUT].buf};
    int enough;
    Py_BEGIN_ALLOW_THREADS
    enough = networks->variant->analyse(networks, &tile);
    Py_END_ALLOW_THREADS
    if (!enough) {
        PyErr_NoMemory();
    }
    return dp_end(given, COUNT, NULL);
}

static PyObject *find_scales(PyObject *self, PyObject *arguments)
{
    enum { SIDE_IN, OUT, COUNT };
    Py_buffer given[COUNT];
    PyObject *capsule;
    int rows, columns;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "Oy*iiw*", &capsule, &given[SIDE_IN], &rows, &columns,
                          &given[OUT])) {
        return NULL;
    }
    const struct dp_networks *networks = PyCapsule_GetPointer(capsule, NETWORKS);
    if (!networks) {
        return dp_end(given, COUNT, NULL);
    }
    int fit = dp_sides_fit(rows, columns);
    Py_ssize_t count = fit ? (Py_ssize_t)rows * columns * (Py_ssize_t)networks->side : 0;
    if (!fit || given[SIDE_IN].len != count * 4 ||
        given[OUT].len != (Py_ssize_t)4 * rows * columns * (Py_ssize_t)networks->latents * 2) {
        return dp_end(given, COUNT, "side information does not fit the networks");
    }
    const int32_t *values = given[SIDE_IN].buf;
    for (Py_ssize_t at = 0; at < count; at++) {
        if (values[at] < -128 || values[at] > 127) {
            return dp_end(given, COUNT, "side information is no signed byte");
        }
    }
    const struct dp_side side = {
        .side = values, .rows = rows, .columns = columns, .log_scales = given[OUT].buf};
    int enough;
    Py_BEGIN_ALLOW_THREADS
    enough = networks->variant->find_scales(networks, &side);
    Py_END_ALLOW_THREADS
    if (!enough) {
        PyErr_NoMemory();
    }
    return dp_end(given, COUNT, NULL);
}

static PyMethodDef methods[] = {
    {"analyse", analyse, METH_VARARGS,
     "analyse(networks, pixels, rows, columns, bands, matrix, latents, side)"},
    {"find_scales", find_scales, METH_VARARGS,
     "find_scales(networks, side, rows, columns, log_scales)"},
    {"make_networks", make_networks, METH_VARARGS,
     "make_networks(variant, layers, spread, prefilter=None) -> networks"},
    DP_LIST_VARIANTS,
    {"write_tile", write_tile, METH_VARARGS,
     "write_tile(model, gain, rounding, rows, columns, y, scales, side) -> bytes"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_native", .m_size = 0, .m_methods = methods};

PyMODINIT_FUNC PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}
