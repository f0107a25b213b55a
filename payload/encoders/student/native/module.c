/* The inner loops as a Python module, for narrow.py and tilewriter.py. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "cells.h"
#include "latents.h"
#include "tilewriter.h"

#include <stdlib.h>

#define MOST_PLACES (1 << 16) /* of a tile, in any shape: link/student.py */
#define MOST_CHANNELS (1 << 12)
#define MOST_COPIES 5       /* 4 * 127 over 127, and one to spare */

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
    for (int at = 0; at < BUFFERS; at++) {
        PyBuffer_Release(&given[at]);
    }
    return found;
}

static PyObject *write_cells(PyObject *self, PyObject *arguments)
{
    Py_buffer pixels, matrix, entering, high, low;
    int rows, columns, copies;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "y*iiy*iw*w*w*", &pixels, &rows, &columns, &matrix, &copies,
                          &entering, &high, &low)) {
        return NULL;
    }
    int fit = sides_fit(rows, columns) && copies >= 1 && copies <= MOST_COPIES;
    Py_ssize_t size = fit ? (Py_ssize_t)rows * columns * DP_BLOCK_BYTES : 0;
    fit = fit && pixels.len == size && matrix.len == 9 * 4 && high.len == size && low.len == size &&
          entering.len == size * (copies + 1);
    if (fit) {
        struct dp_cells out = {
            .copies = copies, .entering = entering.buf, .high = high.buf, .low = low.buf};
        Py_BEGIN_ALLOW_THREADS
        dp_write_cells(pixels.buf, rows, columns, matrix.buf, &out);
        Py_END_ALLOW_THREADS
    } else {
        PyErr_SetString(PyExc_ValueError, "cells do not fit the pixels");
    }
    PyBuffer_Release(&pixels);
    PyBuffer_Release(&matrix);
    PyBuffer_Release(&entering);
    PyBuffer_Release(&high);
    PyBuffer_Release(&low);
    if (!fit) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *join(PyObject *self, PyObject *arguments)
{
    Py_buffer branch, high, low, scale, y, sizes;
    int rows, columns;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "iiy*y*y*y*w*w*", &rows, &columns, &branch, &high, &low,
                          &scale, &y, &sizes)) {
        return NULL;
    }
    Py_ssize_t channels = scale.len / 4;
    int fit = sides_fit(rows, columns) && channels >= 1 && channels <= MOST_CHANNELS;
    Py_ssize_t places = fit ? (Py_ssize_t)rows * columns : 0;
    Py_ssize_t even = fit ? (Py_ssize_t)(rows + rows % 2) * (columns + columns % 2) : 0;
    fit = fit && branch.len == places * channels * 4 && high.len == branch.len &&
          low.len == branch.len && y.len == branch.len && sizes.len == even * channels;
    if (fit) {
        struct dp_sums sums = {.rows = rows,
                               .columns = columns,
                               .channels = (int32_t)channels,
                               .branch = branch.buf,
                               .high = high.buf,
                               .low = low.buf};
        Py_BEGIN_ALLOW_THREADS
        fit = dp_join(&sums, scale.buf, y.buf, sizes.buf);
        Py_END_ALLOW_THREADS
        if (!fit) {
            PyErr_NoMemory();
        }
    } else {
        PyErr_SetString(PyExc_ValueError, "sums do not fit the latents");
    }
    PyBuffer_Release(&branch);
    PyBuffer_Release(&high);
    PyBuffer_Release(&low);
    PyBuffer_Release(&scale);
    PyBuffer_Release(&y);
    PyBuffer_Release(&sizes);
    if (!fit) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *transpose(PyObject *self, PyObject *arguments)
{
    Py_buffer given, out;
    int channels, low, high;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "y*iiiw*", &given, &channels, &low, &high, &out)) {
        return NULL;
    }
    Py_ssize_t places = channels > 0 ? given.len / 4 / channels : 0;
    int fit = channels >= 1 && channels <= MOST_CHANNELS && low >= INT16_MIN && low < high &&
              high <= INT16_MAX && places <= 4 * MOST_PLACES &&
              given.len == places * channels * 4 && out.len == places * channels * 2;
    if (fit) {
        Py_BEGIN_ALLOW_THREADS
        dp_transpose(given.buf, (int32_t)places, channels, low, high, out.buf);
        Py_END_ALLOW_THREADS
    } else {
        PyErr_SetString(PyExc_ValueError, "channels do not fit the values");
    }
    PyBuffer_Release(&given);
    PyBuffer_Release(&out);
    if (!fit) {
        return NULL;
    }
    Py_RETURN_NONE;
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
