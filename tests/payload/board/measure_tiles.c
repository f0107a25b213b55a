/* Measures the encoding of every tile of the file `tiles`, counting instructions as QEMU does. It
   prints for each: quality and bytes; instructions of everything, the networks, the symbols and
   their context, and the range coder; the most instructions between two polls; the most bytes of
   stack. */
#include "networks.h"
#include "rangecoder.h"
#include "tiles.h"
#include "codestream.h"

#include <inttypes.h>

int main(void);
uint64_t instructions(void);
void __real_dp_coder_table(struct dp_coder *coder, const uint16_t *sums, uint32_t count,
                           uint32_t symbol);
void __real_dp_coder_bits(struct dp_coder *coder, uint32_t value, uint32_t bits);
void __wrap_dp_coder_table(struct dp_coder *coder, const uint16_t *sums, uint32_t count,
                           uint32_t symbol);
void __wrap_dp_coder_bits(struct dp_coder *coder, uint32_t value, uint32_t bits);

static uint8_t out[65536];
static struct dp_latents latents;
static struct dp_memory memory;
static uint64_t calls, most_between, last_poll;
static uint64_t in_coder;
static int timing;

void __wrap_dp_coder_table(struct dp_coder *coder, const uint16_t *sums, uint32_t count,
                           uint32_t symbol)
{
    uint64_t begin = timing ? instructions() : 0;
    __real_dp_coder_table(coder, sums, count, symbol);
    in_coder += timing ? instructions() - begin : 0;
    calls++;
}

void __wrap_dp_coder_bits(struct dp_coder *coder, uint32_t value, uint32_t bits)
{
    uint64_t begin = timing ? instructions() : 0;
    __real_dp_coder_bits(coder, value, bits);
    in_coder += timing ? instructions() - begin : 0;
    calls++;
}

static void poll(void *context)
{
    uint64_t now = instructions();
    (void)context;
    if (now - last_poll > most_between) {
        most_between = now - last_poll;
    }
    last_poll = now;
}

/* The pattern of stack words that the encoder has not overwritten, and the number painted. */
#define PAINT 0xA5A5C3C3u
#define PAINTED 4096u
static volatile uint32_t *top;

__attribute__((noinline)) static void paint(void)
{
    top = __builtin_frame_address(0);
    /* The first words are in use by this function. */
    for (uint32_t at = 32; at < PAINTED; at++) {
        *(top - at) = PAINT;
    }
}

static uint32_t stack_bytes(void)
{
    uint32_t at = PAINTED - 1;
    while (at > 0 && *(top - at) == PAINT) {
        at--;
    }
    return 4u * at;
}

int main(void)
{
    struct dp_nn_tile tile;
    /* Every interval between two readings of the clock includes the cost of one reading. */
    instructions();
    uint64_t begin = instructions();
    for (int i = 0; i < 1000; i++) {
        (void)instructions();
    }
    uint64_t reading = (instructions() - begin) / 1001;
    while (next_tile(&tile)) {
        timing = 0;
        paint();
        begin = instructions();
        uint32_t length = dp_nn_encode(&tile, out, sizeof out, NULL, NULL);
        uint64_t all = instructions() - begin;
        uint32_t stack = stack_bytes();

        struct dp_pace pace = {.poll = NULL, .context = NULL, .done = 0};
        struct dp_coder coder;
        begin = instructions();
        dp_analyse(&tile, &latents, &memory, &pace);
        uint64_t networks = instructions() - begin;
        dp_coder_start(&coder, out, sizeof out);
        calls = in_coder = 0;
        timing = 1;
        dp_write_side(&latents, &coder, &pace);
        dp_write_latents(&latents, tile.quality, &memory, &coder, &pace);
        timing = 0;
        uint64_t coding = in_coder - calls * reading;
        most_between = 0;
        last_poll = instructions();
        dp_nn_encode(&tile, out, sizeof out, poll, NULL);
        printf("%u %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32
               " %" PRIu32 "\n",
               tile.quality, length, (uint32_t)all, (uint32_t)networks,
               (uint32_t)(all - networks - coding), (uint32_t)coding, (uint32_t)most_between, stack);
    }
    return 0;
}
