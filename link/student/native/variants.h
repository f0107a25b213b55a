/* The variants of an extension module's networks: a list, and the choice by name from Python. */
#ifndef DP_VARIANTS_H
#define DP_VARIANTS_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

/* A variant's form and functions, which each extension module defines for its own networks. */
struct dp_variant;

/* Return the variant of this name; if it does not run here, raise ValueError and return null. */
const struct dp_variant *dp_variant_named(const char *name);

/* The module's function `variants`: names of those that run here, the fastest first. */
PyObject *dp_list_variants(PyObject *self, PyObject *none);

#define DP_LIST_VARIANTS                                                                          \
    {                                                                                             \
        "variants", dp_list_variants, METH_NOARGS, "variants() -> names, the fastest first"       \
    }

#endif
