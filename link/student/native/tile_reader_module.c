/* The tile reader as a Python module, for compiled_reader.py. */
#include "arguments.h"
#include "side_rule.h"
#include "tile_reader.h"

#include <stdlib.h>
#include <string.h>

#define READER "downpass.tile_reader"

/* A model's tables, in the order of EntropyModel.reader_tables. */
enum {
    GROUPS,
    MANTISSAS,
    EXPECTED,
    CORRECTION,
    MEANS,
    LATENT_SHARES,
    LATENT_START,
    SIDE_SHARES,
    SIDE_WEIGHTS,
    SIDE_BIAS,
    SIDE_THRESHOLDS,
    TABLES
};

struct model_tables {
    Py_buffer given[TABLES];
    struct dp_reader_model model;
};

static bool groups_fit(const struct model_tables *tables)
{
    const struct dp_reader_model *model = &tables->model;
    size_t weights;
    return dp_groups_fit(model->group, model->groups, model->latents, model->predicted, &weights) &&
           tables->given[MEANS].len == (Py_ssize_t)weights * 8;
}

static bool latent_shares_fit(const struct model_tables *tables)
{
    const struct dp_reader_model *model = &tables->model;
    const int32_t *start = model->latent_start;
    Py_ssize_t count = tables->given[LATENT_SHARES].len / 4;
    if (tables->given[LATENT_START].len != (DP_TABLES + 1) * 4 || start[0] != 0) {
        return false;
    }
    for (int32_t t = 0; t < DP_TABLES; t++) {
        if (start[t] > count - 3 || start[t + 1] < start[t] + 3 || start[t + 1] > count ||
            !dp_is_model(model->latent_shares + start[t], (size_t)(start[t + 1] - start[t] - 1))) {
            return false;
        }
    }
    return true;
}

static bool side_shares_fit(const struct model_tables *tables)
{
    const struct dp_reader_model *model = &tables->model;
    Py_ssize_t models = (Py_ssize_t)model->side * DP_SIDE_CONTEXTS;
    if (model->side < 1 || model->side > DP_MOST_CHANNELS ||
        tables->given[SIDE_SHARES].len != models * (DP_SIDE_SYMBOLS + 1) * 4) {
        return false;
    }
    for (Py_ssize_t at = 0; at < models; at++) {
        if (!dp_is_model(model->side_shares + at * (DP_SIDE_SYMBOLS + 1), DP_SIDE_SYMBOLS)) {
            return false;
        }
    }
    return true;
}

/* For PyArg_ParseTuple: read and check a model's tables; for NULL, release them. */
static int read_tables(PyObject *object, void *to)
{
    struct model_tables *tables = to;
    Py_buffer *given = tables->given;
    struct dp_reader_model *model = &tables->model;
    if (!object) {
        dp_release(given, TABLES);
        return 1;
    }
    memset(tables, 0, sizeof *tables);
    if (!PyTuple_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "a model's tables are a tuple");
        return 0;
    }
    if (!PyArg_ParseTuple(object, "iiy*y*y*y*y*y*y*y*y*y*y*", &model->predicted, &model->side,
                          &given[GROUPS], &given[MANTISSAS], &given[EXPECTED], &given[CORRECTION],
                          &given[MEANS], &given[LATENT_SHARES], &given[LATENT_START],
                          &given[SIDE_SHARES], &given[SIDE_WEIGHTS], &given[SIDE_BIAS],
                          &given[SIDE_THRESHOLDS])) {
        return 0;
    }
    model->groups = (int32_t)(given[GROUPS].len / (Py_ssize_t)sizeof(struct dp_channel_group));
    model->group = given[GROUPS].buf;
    model->latents = model->groups > 0 ? model->group[model->groups - 1].last : 0;
    model->mantissas = given[MANTISSAS].buf;
    model->expected = given[EXPECTED].buf;
    model->correction = given[CORRECTION].buf;
    model->means = given[MEANS].buf;
    model->latent_shares = given[LATENT_SHARES].buf;
    model->latent_start = given[LATENT_START].buf;
    model->side_shares = given[SIDE_SHARES].buf;
    model->side_rule = dp_side_rule_of(&given[SIDE_WEIGHTS]);
    if (!groups_fit(tables) || !latent_shares_fit(tables) || !side_shares_fit(tables) ||
        !dp_side_rule_fits(&given[SIDE_WEIGHTS], model->side) ||
        given[MANTISSAS].len != 32 * 2 || given[EXPECTED].len != DP_SCALES * 2 ||
        given[CORRECTION].len != (Py_ssize_t)model->groups * 4 * DP_BINS * DP_BINS * 2) {
        PyErr_SetString(PyExc_ValueError, "tables do not fit each other");
        read_tables(NULL, tables);
        return 0;
    }
    return Py_CLEANUP_SUPPORTED;
}

/* Return None, a line that says why no encoder writes the bytes, or null if memory is short. */
static PyObject *outcome(enum dp_reading result)
{
    static const char *const reasons[] = {
        [DP_NO_SYMBOLS] = "no symbols have these bytes",
        [DP_ESCAPE_TOO_LONG] = "an escape beyond any picture's",
        [DP_SYMBOL_TOO_LARGE] = "symbols beyond any picture's",
        [DP_LATENT_TOO_LARGE] = "latents beyond any picture's",
    };
    if (result == DP_NO_MEMORY) {
        return PyErr_NoMemory();
    }
    if (result == DP_READ) {
        Py_RETURN_NONE;
    }
    return PyUnicode_FromString(reasons[result]);
}

/* Return a reader of these bytes, of which it keeps a copy. */
static PyObject *start(PyObject *self, PyObject *data)
{
    char *bytes;
    Py_ssize_t size;
    (void)self;
    if (PyBytes_AsStringAndSize(data, &bytes, &size)) {
        return NULL;
    }
    struct dp_range_reader *reader = malloc(sizeof *reader + (size_t)size);
    if (reader) {
        uint8_t *copy = (uint8_t *)(reader + 1);
        memcpy(copy, bytes, (size_t)size);
        dp_reader_start(reader, copy, (size_t)size);
    }
    return dp_capsule(reader, NULL, READER);
}

static PyObject *read_side(PyObject *self, PyObject *arguments)
{
    struct model_tables tables;
    Py_buffer side;
    PyObject *capsule, *found = NULL;
    int rows, columns;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "OO&iiw*", &capsule, read_tables, &tables, &rows, &columns,
                          &side)) {
        return NULL;
    }
    struct dp_range_reader *kept = PyCapsule_GetPointer(capsule, READER);
    if (kept) {
        if (!dp_sides_fit(rows, columns) ||
            side.len != (Py_ssize_t)rows * columns * tables.model.side) {
            PyErr_SetString(PyExc_ValueError, "side information does not fit the model");
        } else {
            struct dp_range_reader reader = *kept; /* other threads may use `kept` */
            enum dp_reading result;
            Py_BEGIN_ALLOW_THREADS
            result = dp_read_side(&reader, &tables.model, rows, columns, side.buf);
            Py_END_ALLOW_THREADS
            *kept = reader;
            found = outcome(result);
        }
    }
    PyBuffer_Release(&side);
    read_tables(NULL, &tables);
    return found;
}

static bool gains_fit(const Py_buffer *gain, const struct dp_reader_model *model)
{
    const int16_t *values = gain->buf;
    bool fit = gain->len == (Py_ssize_t)model->latents * 2;
    for (int32_t c = 0; fit && c < model->latents; c++) {
        fit = values[c] >= DP_LOWEST_GAIN && values[c] <= DP_HIGHEST_GAIN;
    }
    return fit;
}

static PyObject *read_latents(PyObject *self, PyObject *arguments)
{
    enum { GAIN, SCALES, LATENTS, COUNT };
    struct model_tables tables;
    Py_buffer given[COUNT];
    PyObject *capsule, *found = NULL;
    int rows, columns;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "OO&y*iiy*w*", &capsule, read_tables, &tables, &given[GAIN],
                          &rows, &columns, &given[SCALES], &given[LATENTS])) {
        return NULL;
    }
    struct dp_range_reader *kept = PyCapsule_GetPointer(capsule, READER);
    if (kept) {
        Py_ssize_t values =
            dp_sides_fit(rows, columns) ? (Py_ssize_t)rows * columns * tables.model.latents : -1;
        if (!gains_fit(&given[GAIN], &tables.model) || given[SCALES].len != values * 2 ||
            given[LATENTS].len != values * 4) {
            PyErr_SetString(PyExc_ValueError, "gains, log-scales or latents do not fit the model");
        } else {
            struct dp_range_reader reader = *kept; /* other threads may use `kept` */
            const struct dp_tile_planes tile = {.rows = rows,
                                                .columns = columns,
                                                .scales = given[SCALES].buf,
                                                .latents = given[LATENTS].buf};
            enum dp_reading result;
            tables.model.gain = given[GAIN].buf;
            Py_BEGIN_ALLOW_THREADS
            result = dp_read_latents(&reader, &tables.model, &tile);
            Py_END_ALLOW_THREADS
            *kept = reader;
            found = outcome(result);
        }
    }
    dp_release(given, COUNT);
    read_tables(NULL, &tables);
    return found;
}

static PyObject *ends(PyObject *self, PyObject *capsule)
{
    (void)self;
    const struct dp_range_reader *reader = PyCapsule_GetPointer(capsule, READER);
    return reader ? PyBool_FromLong(dp_reader_ends(reader)) : NULL;
}

static PyMethodDef methods[] = {
    {"start", start, METH_O, "start(data) -> reader"},
    {"read_side", read_side, METH_VARARGS,
     "read_side(reader, tables, rows, columns, side) -> None, or what is wrong"},
    {"read_latents", read_latents, METH_VARARGS,
     "read_latents(reader, tables, gain, rows, columns, log_scales, latents) -> None, or what is "
     "wrong"},
    {"ends", ends, METH_O, "ends(reader) -> whether an encoder of these symbols ends here"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_tile_reader", .m_size = 0, .m_methods = methods};

PyMODINIT_FUNC PyInit__tile_reader(void)
{
    return PyModuleDef_Init(&definition);
}
