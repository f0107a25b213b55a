/* How often an encoder lets the serial line make progress. */
#ifndef DP_PACE_H
#define DP_PACE_H

/*
 * Approximate number of instructions between two calls of `poll`. An encoder adds up its own
 * instructions and polls at the end of the step that reaches this number. docs/boards.md gives the
 * longest measured gap.
 */
#define DP_POLL_INSTRUCTIONS 8000u

#endif
