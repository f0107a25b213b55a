/* The board's loop: bytes in, frames out, a tile to the encoder when one is whole. */
#include "hal/hal.h"
#include "proto/proto.h"

#include <string.h>

int main(void);

static struct dp_board board;
static uint8_t frame[DP_LARGEST_FRAME];
static size_t frame_size, frame_sent;
static uint64_t elsewhere; /* ticks of this job that were the line's and not the encoder's */

/* Move what has come to the protocol and what it says to the line; false where neither was there. */
static bool serve(void)
{
    uint8_t come[512];
    size_t count = hal_read(come, sizeof come);
    if (count != 0u) {
        dp_board_receive(&board, come, count, hal_ticks());
    }
    bool moved = count != 0u;
    for (;;) {
        if (frame_sent == frame_size) {
            frame_size = dp_board_send(&board, frame, hal_ticks());
            frame_sent = 0;
        }
        size_t taken = hal_write(frame + frame_sent, frame_size - frame_sent);
        if (taken == 0u) {
            return moved;
        }
        frame_sent += taken;
        moved = true;
    }
}

/* What the encoder calls every so often: the next tile loads and the last result leaves meanwhile,
   and none of that counts as its time. */
static void poll(void *context)
{
    (void)context;
    uint64_t begin = hal_ticks();
    hal_quiet(false);
    while (serve()) {
    }
    hal_quiet(true);
    elsewhere += hal_ticks() - begin;
}

/* Gives the tile back as it came, or the first of 1 + (step >> 24) equal parts of it, after as many
   turns as the rest of the step says: what lines, drivers and clocks are tested with. */
static uint32_t encode(const struct dp_work *work)
{
    for (uint32_t turn = 0; turn < (work->form.setting & 0xFFFFFFu); turn++) {
        __asm__ volatile("" ::: "memory");
        if (turn % 1024u == 1023u) {
            poll(NULL);
        }
    }
    uint32_t length = work->form.tile_bytes / (1u + (work->form.setting >> 24));
    memcpy(work->payload, work->tile, length);
    return length;
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
#ifdef DP_EMULATED
        .tick_kind = 1, /* modelled */
#endif
        .chunk = 2048,
        .tick_rate = hal_tick_rate(),
        .clock_hz = hal_clock(),
        .name = DP_BOARD_NAME,
        .software = "downpass echo"};
    if (!dp_board_init(&board, &own, hal_boot_nonce())) {
        return 1;
    }
    for (;;) {
        const struct dp_work *work = dp_board_take(&board);
        if (work != NULL) {
            elsewhere = 0;
            hal_quiet(true);
            uint64_t begin = hal_ticks();
            uint32_t length = encode(work);
            uint64_t took = hal_ticks() - begin - elsewhere;
            hal_quiet(false);
            dp_board_finish(&board, DP_CODED, length, took);
        }
        if (!serve() && frame_sent == frame_size && work == NULL) {
            hal_wait();
        }
    }
}
