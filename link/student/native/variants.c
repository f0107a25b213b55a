#include "variants.h"
#include "processor.h"

#include <string.h>

extern const struct dp_variant dp_plain;
#ifdef DP_X86
extern const struct dp_variant dp_avx512, dp_avxvnni, dp_avx2;
#endif
#ifdef DP_ARM
extern const struct dp_variant dp_neon;
#endif

static int always(void)
{
    return 1;
}

/* From the fastest to the slowest. */
static const struct {
    const char *name;
    int (*runs_here)(void);
    const struct dp_variant *variant;
} variants[] = {
#ifdef DP_X86
    {"avx512", dp_has_avx512, &dp_avx512},
    {"avxvnni", dp_has_avxvnni, &dp_avxvnni},
    {"avx2", dp_has_avx2, &dp_avx2},
#endif
#ifdef DP_ARM
    {"neon", dp_has_dotprod, &dp_neon},
#endif
    {"plain", always, &dp_plain},
};

enum { COUNT = sizeof variants / sizeof *variants };

const struct dp_variant *dp_variant_named(const char *name)
{
    for (int at = 0; at < COUNT; at++) {
        if (!strcmp(variants[at].name, name) && variants[at].runs_here()) {
            return variants[at].variant;
        }
    }
    PyErr_Format(PyExc_ValueError, "no variant %s on this processor", name);
    return NULL;
}

PyObject *dp_list_variants(PyObject *self, PyObject *none)
{
    (void)self, (void)none;
    PyObject *names = PyList_New(0);
    for (int at = 0; names && at < COUNT; at++) {
        if (variants[at].runs_here()) {
            PyObject *name = PyUnicode_FromString(variants[at].name);
            if (!name || PyList_Append(names, name)) {
                Py_CLEAR(names);
            }
            Py_XDECREF(name);
        }
    }
    return names;
}
