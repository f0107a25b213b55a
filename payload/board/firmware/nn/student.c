#include "student.h"

#include "networks.h"
#include "rangecoder.h"
#include "codestream.h"

#include <stddef.h>

static struct dp_latents latents;
static struct dp_memory memory;
static enum dp_nn_cause cause;

enum dp_nn_cause dp_nn_why(void)
{
    return cause;
}

static bool within_limits(const struct dp_nn_tile *tile)
{
    return tile->rows >= 1 && tile->rows <= DP_NN_MOST_ROWS && tile->columns >= 1 &&
           tile->columns <= DP_NN_MOST_COLUMNS && (tile->bands == 1 || tile->bands == 3) &&
           tile->quality <= DP_NN_FINEST;
}

uint32_t dp_nn_encode(const struct dp_nn_tile *tile, uint8_t *out, uint32_t size, dp_nn_poll poll,
                      void *context)
{
    struct dp_pace pace = {.poll = poll, .context = context, .done = 0};
    struct dp_coder coder;
    cause = DP_NN_LIMITS;
    if (!within_limits(tile) || !dp_analyse(tile, &latents, &memory, &pace)) {
        return 0;
    }
    dp_coder_start(&coder, out, size);
    dp_write_side(&latents, &coder, &pace);
    if (!dp_write_latents(&latents, tile->quality, &memory, &coder, &pace)) {
        cause = DP_NN_LATENTS;
        return 0;
    }
    uint32_t length = dp_coder_finish(&coder);
    cause = length > 0 ? DP_NN_DONE : DP_NN_ROOM;
    return length;
}

static uint32_t crc32(const uint8_t *data, uint32_t size)
{
    uint32_t crc = UINT32_MAX;
    for (uint32_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (uint32_t bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

uint32_t dp_nn_self_test(void)
{
    static uint8_t out[DP_GOLDEN_BYTES];
    static const struct dp_nn_tile golden = {.pixels = dp_golden_pixels,
                                             .rows = DP_GOLDEN_ROWS,
                                             .columns = DP_GOLDEN_COLUMNS,
                                             .bands = 3,
                                             .rotation = DP_GOLDEN_ROTATION,
                                             .quality = DP_GOLDEN_QUALITY};
    return crc32(out, dp_nn_encode(&golden, out, sizeof out, NULL, NULL));
}
