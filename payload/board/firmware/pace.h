/* How often an encoder lets the line go on. */
#ifndef DP_PACE_H
#define DP_PACE_H

/*
 * Instructions between two calls of `poll`, about: encoders count what they have done and call at
 * the end of the step that reaches this. docs/boards.md has the longest gap that was measured.
 */
#define DP_POLL_INSTRUCTIONS 8000u

#endif
