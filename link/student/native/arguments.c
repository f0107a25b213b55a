#include "arguments.h"

#include <stdlib.h>

#define MOST_PLACES (1 << 16) /* latent positions of a tile or window: frame_layout.py */
#define MATRIX_ONE (1 << 14)

int dp_refuse(const char *why)
{
    PyErr_Format(PyExc_ValueError, "networks with %s", why);
    return 0;
}

const void *dp_hold(struct dp_held *held, PyObject *object, Py_ssize_t size)
{
    Py_buffer *array = &held->buffer[held->count];
    if (!object || PyObject_GetBuffer(object, array, PyBUF_SIMPLE)) {
        return NULL;
    }
    held->count++;
    if (array->len != size) {
        dp_refuse("layers that do not fit each other");
        return NULL;
    }
    return array->buf;
}

int dp_read_layer(struct dp_held *held, PyObject *tuple, struct dp_given_layer *layer)
{
    Py_buffer *array = &held->buffer[held->count];
    int low, high;
    if (!tuple || !PyTuple_Check(tuple)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "layers are tuples");
        }
        return 0;
    }
    if (!PyArg_ParseTuple(tuple, "y*y*y*ii", &array[0], &array[1], &array[2], &low, &high)) {
        return 0;
    }
    held->count += 3;
    Py_ssize_t outputs = array[2].len;
    if (outputs < 1 || outputs > 4 * DP_MOST_CHANNELS || array[1].len != outputs * 4 ||
        array[0].len % outputs || array[0].len / outputs > 9 * DP_MOST_CHANNELS) {
        return dp_refuse("layers that do not fit each other");
    }
    *layer = (struct dp_given_layer){.weight = array[0].buf,
                                     .bias = array[1].buf,
                                     .shift = array[2].buf,
                                     .outputs = (int32_t)outputs,
                                     .inputs = (int32_t)(array[0].len / outputs),
                                     .low = low,
                                     .high = high};
    return 1;
}

static void free_made(PyObject *capsule)
{
    free(PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule)));
}

PyObject *dp_capsule(void *made, const char *why, const char *name)
{
    if (!made) {
        if (why) {
            dp_refuse(why);
        } else {
            PyErr_NoMemory();
        }
        return NULL;
    }
    PyObject *capsule = PyCapsule_New(made, name, free_made);
    if (!capsule) {
        free(made);
    }
    return capsule;
}

int dp_sides_fit(int rows, int columns)
{
    return rows >= 1 && columns >= 1 && columns <= MOST_PLACES && rows <= MOST_PLACES / columns;
}

int dp_matrix_fits(const Py_buffer *array)
{
    const int32_t *matrix = array->buf;
    if (array->len != 9 * 4) {
        return 0;
    }
    for (int at = 0; at < 9; at++) {
        if (matrix[at] < -MATRIX_ONE || matrix[at] > MATRIX_ONE) {
            return 0;
        }
    }
    return 1;
}

void dp_release(Py_buffer *arrays, int count)
{
    for (int at = 0; at < count; at++) {
        PyBuffer_Release(&arrays[at]);
    }
}

PyObject *dp_end(Py_buffer *arrays, int count, const char *why)
{
    dp_release(arrays, count);
    if (why) {
        PyErr_SetString(PyExc_ValueError, why);
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}
