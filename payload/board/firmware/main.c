/* The board's loop: bytes in, frames out, a tile to the encoder when one is whole. */
#include "hal/hal.h"
#include "proto/proto.h"

#include <string.h>

int main(void);

static struct dp_board board;
static uint8_t frame[DP_LARGEST_FRAME];

/* Gives the tile back as it came: what a line and its driver are tested with. */
static uint32_t encode(const struct dp_work *work)
{
    memcpy(work->payload, work->tile, work->form.tile_bytes);
    return work->form.tile_bytes;
}

int main(void)
{
    hal_init();
    const struct dp_capabilities own = {
        .memory = sizeof board + sizeof frame,
        .largest_tile = DP_LARGEST_TILE,
        .largest_result = DP_LARGEST_RESULT,
        .most_columns = 64,
        .most_rows = 64,
        .most_bands = 3,
        .bit_depth = 8,
        .slots = DP_SLOTS,
        .window = 16,
        .features = 32, /* a step as the setting */
        .tick_kind = 1, /* modelled, until this runs on the metal */
        .chunk = 2048,
        .tick_rate = hal_tick_rate(),
        .name = DP_BOARD_NAME,
        .software = "downpass echo"};
    if (!dp_board_init(&board, &own, hal_boot_nonce())) {
        return 1;
    }
    size_t size = 0, sent = 0;
    for (;;) {
        uint8_t come[64];
        size_t count = hal_read(come, sizeof come);
        dp_board_receive(&board, come, count, hal_ticks());
        if (sent == size) {
            size = dp_board_send(&board, frame, hal_ticks());
            sent = 0;
        }
        sent += hal_write(frame + sent, size - sent);
        const struct dp_work *work = dp_board_take(&board);
        if (work != NULL) {
            uint64_t begin = hal_ticks();
            uint32_t length = encode(work);
            dp_board_finish(&board, DP_CODED, length, hal_ticks() - begin);
        }
    }
}
