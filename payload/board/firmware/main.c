/* The board's main loop: it receives bytes, sends frames and encodes each complete tile. */
#include "hal/hal.h"
#include "jobs/job.h"
#include "proto/proto.h"

int main(void);

extern uint8_t data_start[], stack_top[]; /* linker script: all writable memory lies between them */

static struct dp_board board;
static uint8_t frame[DP_LARGEST_FRAME];
static size_t frame_size, frame_sent;
static uint64_t elsewhere; /* ticks of this job spent on the line, not in the encoder */

/* Pass received bytes to the protocol and its frames to the line; false if there was nothing. */
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

/* The encoder calls this about every DP_POLL_INSTRUCTIONS (pace.h), so that the next tile loads and
   the last result leaves in the meantime. That time does not count as the encoder's. */
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

static void encode(const struct dp_work *work)
{
    enum dp_status status = DP_STATUS_FAILED;
    elsewhere = 0;
    hal_quiet(true);
    uint64_t begin = hal_ticks();
    uint32_t length = job_run(work, &status, poll);
    uint64_t took = hal_ticks() - begin - elsewhere;
    hal_quiet(false);
    dp_board_finish(&board, status, length, took);
}

int main(void)
{
    hal_init();
    struct dp_capabilities own = {
        .memory = (uint32_t)(stack_top - data_start),
        .largest_tile = DP_LARGEST_TILE,
        .largest_result = DP_LARGEST_RESULT,
        .most_columns = 64,
        .most_rows = 64,
        .most_bands = 3,
        .bit_depth = 8,
        .slots = DP_SLOTS,
        .window = 16,
#ifdef DP_EMULATED
        .tick_kind = 1, /* modelled */
#endif
        .chunk = 2048,
        .tick_rate = hal_tick_rate(),
        .clock_hz = hal_clock(),
        .name = DP_BOARD_NAME};
    job_describe(&own);
    uint32_t nonce = hal_boot_nonce();
    /* A board that fails its self-test sends nothing, so that it never returns a wrong tile. */
    if (!job_self_test() || !dp_board_init(&board, &own, nonce)) {
        hal_dead();
    }
    for (;;) {
        const struct dp_work *work = dp_board_take(&board);
        if (work != NULL) {
            encode(work);
        }
        if (!serve() && frame_sent == frame_size && work == NULL) {
            hal_wait();
        }
    }
}
