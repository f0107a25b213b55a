/* The inner loops as a Python module, for cells.py, narrow.py and tilewriter.py. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "cells.h"
#include "latents.h"
#include "tilewriter.h"

#include <stdlib.h>

#define MOST_PLACES (1 << 16) /* of a tile, in any shape: link/student.py */
#define MOST_CHANNELS (1 << 12)
#define MOST_COPIES 5 /* 4 * 127 over 127, and one to spare */

enum {
    GROUPS,
    MANTISSAS,
    EXPECTED,
    CORRECTION,
    MEANS,
    LATENT_SUMS,
    LATENT_START,
    SIDE_SUMS,
    GAIN,
    ROUNDING,
    Y,
    SCALES,
    SIDE,
    BUFFERS
};

static void release(Py_buffer *given, int count)
{
    for (int at = 0; at < count; at++) {
        PyBuffer_Release(&given[at]);
    }
}

static int sides_fit(int rows, int columns)
{
    return rows >= 1 && columns >= 1 && columns <= MOST_PLACES && rows <= MOST_PLACES / columns;
}

/* Return why the model's buffers do not fit each other; null where they do. */
static const char *check_model(const Py_buffer *given, const struct dp_entropy *model)
{
    Py_ssize_t means = 0;
    int32_t end = 0, leading = 0;
    for (int32_t g = 0; g < model->groups; g++) {
        const struct dp_group *group = &model->group[g];
        if (group->first != end || group->last <= end || group->window < 0 ||
            group->window > group->first || group->window > DP_LARGEST_WINDOW) {
            return "channel groups";
        }
        end = group->last;
        if (group->first < model->predicted) {
            leading = end;
            means += (Py_ssize_t)4 * 9 * group->last * (group->last - group->first);
        }
    }
    if (end != model->latents || leading != model->predicted || end > MOST_CHANNELS) {
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
    if (given[MANTISSAS].len != 32 * 2 || given[EXPECTED].len != DP_SCALES * 2 ||
        given[ROUNDING].len != DP_SCALES || given[MEANS].len != means * 8 ||
        given[CORRECTION].len != (Py_ssize_t)model->groups * 4 * 1024 * 2) {
        return "tables";
    }
    return NULL;
}

/* Return why a tile's buffers do not fit the model; null where they do. */
static const char *check_tile(const Py_buffer *given, const struct dp_entropy *model,
                              const struct dp_planes *tile)
{
    if (!sides_fit(tile->rows, tile->columns)) {
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
        .groups = (int32_t)(given[GROUPS].len / (Py_ssize_t)sizeof(struct dp_group)),
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
    if (!PyArg_ParseTuple(arguments, "(iiy*y*y*y*y*y*y*y*)y*y*iiy*y*y*", &predicted, &side,
                          &given[GROUPS], &given[MANTISSAS], &given[EXPECTED], &given[CORRECTION],
                          &given[MEANS], &given[LATENT_SUMS], &given[LATENT_START],
                          &given[SIDE_SUMS], &given[GAIN], &given[ROUNDING], &rows, &columns,
                          &given[Y], &given[SCALES], &given[SIDE])) {
        return NULL;
    }
    PyObject *found = write_given(given, rows, columns, predicted, side);
    release(given, BUFFERS);
    return found;
}

/* Let the buffers go; return None, or null where `why` or another error was raised. */
static PyObject *end(Py_buffer *given, int count, const char *why)
{
    release(given, count);
    if (why) {
        PyErr_SetString(PyExc_ValueError, why);
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *write_cells(PyObject *self, PyObject *arguments)
{
    enum { PIXELS, MATRIX, ENTERING, HIGH, LOW, COUNT };
    Py_buffer given[COUNT];
    int rows, columns, copies;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "y*iiy*iw*w*w*", &given[PIXELS], &rows, &columns,
                          &given[MATRIX], &copies, &given[ENTERING], &given[HIGH], &given[LOW])) {
        return NULL;
    }
    int fit = sides_fit(rows, columns) && copies >= 1 && copies <= MOST_COPIES;
    Py_ssize_t size = fit ? (Py_ssize_t)rows * columns * DP_BLOCK_BYTES : 0;
    if (!fit || given[PIXELS].len != size || given[MATRIX].len != 9 * 4 ||
        given[HIGH].len != size || given[LOW].len != size ||
        given[ENTERING].len != size * (copies + 1)) {
        return end(given, COUNT, "cells do not fit the pixels");
    }
    struct dp_cells out = {.copies = copies,
                           .entering = given[ENTERING].buf,
                           .high = given[HIGH].buf,
                           .low = given[LOW].buf};
    Py_BEGIN_ALLOW_THREADS
    dp_write_cells(given[PIXELS].buf, rows, columns, given[MATRIX].buf, &out);
    Py_END_ALLOW_THREADS
    return end(given, COUNT, NULL);
}

static PyObject *join(PyObject *self, PyObject *arguments)
{
    enum { BRANCH, HIGH, LOW, SCALE, LATENTS, SIZES, COUNT };
    Py_buffer given[COUNT];
    int rows, columns;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "iiy*y*y*y*w*w*", &rows, &columns, &given[BRANCH],
                          &given[HIGH], &given[LOW], &given[SCALE], &given[LATENTS],
                          &given[SIZES])) {
        return NULL;
    }
    Py_ssize_t channels = given[SCALE].len / 4;
    int fit = sides_fit(rows, columns) && channels >= 1 && channels <= MOST_CHANNELS;
    Py_ssize_t size = fit ? (Py_ssize_t)rows * columns * channels * 4 : 0;
    Py_ssize_t even = fit ? (Py_ssize_t)(rows + rows % 2) * (columns + columns % 2) : 0;
    if (!fit || given[BRANCH].len != size || given[HIGH].len != size || given[LOW].len != size ||
        given[LATENTS].len != size || given[SIZES].len != even * channels) {
        return end(given, COUNT, "sums do not fit the latents");
    }
    struct dp_sums sums = {.rows = rows,
                           .columns = columns,
                           .channels = (int32_t)channels,
                           .branch = given[BRANCH].buf,
                           .high = given[HIGH].buf,
                           .low = given[LOW].buf};
    int enough;
    Py_BEGIN_ALLOW_THREADS
    enough = dp_join(&sums, given[SCALE].buf, given[LATENTS].buf, given[SIZES].buf);
    Py_END_ALLOW_THREADS
    if (!enough) {
        PyErr_NoMemory();
    }
    return end(given, COUNT, NULL);
}

static PyObject *transpose(PyObject *self, PyObject *arguments)
{
    enum { GIVEN, OUT, COUNT };
    Py_buffer given[COUNT];
    int channels, low, high;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "y*iiiw*", &given[GIVEN], &channels, &low, &high,
                          &given[OUT])) {
        return NULL;
    }
    int fit = channels >= 1 && channels <= MOST_CHANNELS && low >= INT16_MIN && low < high &&
              high <= INT16_MAX;
    Py_ssize_t places = fit ? given[GIVEN].len / 4 / channels : 0;
    if (!fit || places > 4 * MOST_PLACES || given[GIVEN].len != places * channels * 4 ||
        given[OUT].len != places * channels * 2) {
        return end(given, COUNT, "channels do not fit the values");
    }
    Py_BEGIN_ALLOW_THREADS
    dp_transpose(given[GIVEN].buf, (int32_t)places, channels, low, high, given[OUT].buf);
    Py_END_ALLOW_THREADS
    return end(given, COUNT, NULL);
}

static PyMethodDef methods[] = {
    {"join", join, METH_VARARGS, "join(rows, columns, branch, high, low, scale, y, sizes)"},
    {"transpose", transpose, METH_VARARGS, "transpose(given, channels, low, high, out)"},
    {"write_cells", write_cells, METH_VARARGS,
     "write_cells(pixels, rows, columns, matrix, copies, entering, high, low)"},
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
