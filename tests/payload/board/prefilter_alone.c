/* Gives the encoder's prefilter to tests, with any weights. */
#include "networks.c"

void prefilter_alone(const int16_t weights[DP_REACH][DP_REACH], uint32_t rows,
                     uint32_t columns, int16_t *planes);

void prefilter_alone(const int16_t weights[DP_REACH][DP_REACH], uint32_t rows,
                     uint32_t columns, int16_t *planes)
{
    struct dp_pace pace = {.poll = 0, .context = 0, .done = 0};
    prefilter(weights, rows, columns, planes, &pace);
}
