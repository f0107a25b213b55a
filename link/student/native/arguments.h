/* Arguments of the extension modules' functions: arrays, layers and networks. */
#ifndef DP_ARGUMENTS_H
#define DP_ARGUMENTS_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "given_layer.h"

/* Arrays that are held while a network is made of them; the caller has room for all. */
struct dp_held {
    Py_buffer *buffer;
    int count;
};

/* Return an array of `size` bytes from a Python object; null if an error was raised. */
const void *dp_hold(struct dp_held *held, PyObject *object, Py_ssize_t size);
/* Read a layer (weight, bias, shift, low, high); return 0 if an error was raised. */
int dp_read_layer(struct dp_held *held, PyObject *tuple, struct dp_given_layer *layer);
/* Raise ValueError: "networks with" what they should not have. Return 0. */
int dp_refuse(const char *why);

/*
 * Return a capsule of what was made in one allocation of malloc. If that is null, raise the reason as
 * `dp_refuse` does, or MemoryError if there is none.
 */
PyObject *dp_capsule(void *made, const char *why, const char *name);

/* Return whether sides in latents are positive and not too many for one call. */
int dp_sides_fit(int rows, int columns);
/* Return whether an array is a rotation: nine 32-bit integers from -1 to 1, in 2^-14. */
int dp_matrix_fits(const Py_buffer *array);

void dp_release(Py_buffer *arrays, int count);
/* Release the arrays; return None, or null if there is a reason or another error was raised. */
PyObject *dp_end(Py_buffer *arrays, int count, const char *why);

#endif
