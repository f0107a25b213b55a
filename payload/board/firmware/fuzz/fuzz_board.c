/*
 * Fuzz the board's state machine: whatever bytes it receives, every frame it sends must be valid.
 *
 *   clang -fsanitize=fuzzer,address,undefined fuzz_board.c PROTO     (libFuzzer)
 *   gcc -DSTANDALONE -fsanitize=address,undefined fuzz_board.c PROTO (replay and mutate)
 *
 * PROTO stands for the C files of proto. The input is a list of steps: an operation byte, a
 * length and the operation's data. Some operations wrap a fuzzed body into a valid frame, because a
 * fuzzer would hardly ever pass the CRC-32 by itself.
 */
#include "../proto/proto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dp_board board;
static uint8_t out[DP_LARGEST_FRAME];
static uint8_t plain[DP_LARGEST_BODY + 16];

static void say_all(uint64_t ticks)
{
    for (unsigned i = 0; i < 64; i++) {
        size_t size = dp_board_send(&board, out, ticks);
        if (size == 0) {
            return;
        }
        if (size < 8 || size > sizeof out || out[0] != 0 || out[size - 1] != 0
            || memchr(out + 1, 0, size - 2) != NULL) {
            abort();
        }
        size_t body = dp_cobs_decode(out + 1, size - 2, plain);
        uint32_t crc;
        if (body == SIZE_MAX || body < 9 || plain[0] < 0x81) {
            abort();
        }
        memcpy(&crc, plain + body - 4, 4);
        if (crc != dp_crc32(plain, body - 4)) {
            abort();
        }
    }
}

/* Wrap a fuzzed body in CRC-32 and COBS; the open session's number replaces FF FF FF FF. */
static void sound(const uint8_t *data, size_t size, uint64_t ticks)
{
    if (size > DP_LARGEST_BODY - 4) {
        size = DP_LARGEST_BODY - 4;
    }
    memcpy(plain, data, size);
    if (size >= 5 && memcmp(plain + 1, "\xff\xff\xff\xff", 4) == 0) {
        memcpy(plain + 1, &board.session, 4);
    }
    uint32_t crc = dp_crc32(plain, size);
    memcpy(plain + size, &crc, 4);
    out[0] = 0;
    size_t stuffed = dp_cobs_encode(plain, size + 4, out + 1);
    out[stuffed + 1] = 0;
    dp_board_receive(&board, out, stuffed + 2, ticks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct dp_capabilities own = {
        262144, 4096, 4096, 64, 64, 3, 8, 2, 4, 16, 96, 1, 64, 1000000, 667000000,
        {1, 2, 3, 4, 5, 6, 7, 8}, "zynq-a9", "downpass 0.1"};
    if (!dp_board_init(&board, &own, 0xCAFE0001u)) {
        abort();
    }
    uint64_t ticks = 0;
    size_t at = 0;
    while (at < size) {
        uint8_t op = data[at++];
        size_t length = at < size ? data[at++] : 0;
        length = length > size - at ? size - at : length;
        ticks += op;
        switch (op % 4) {
        case 0:
            dp_board_receive(&board, data + at, length, ticks);
            at += length;
            break;
        case 1:
            sound(data + at, length, ticks);
            at += length;
            break;
        case 2: {
            const struct dp_work *work = dp_board_take(&board);
            if (work != NULL) {
                uint32_t sum = dp_crc32(work->tile, work->form.tile_bytes);
                memset(work->payload, (int)(sum & 0xFF), work->payload_size);
            }
            break;
        }
        default:
            dp_board_finish(&board, op & 4 ? DP_STATUS_FAILED : DP_STATUS_CODED, (uint32_t)length * 20u, ticks);
            break;
        }
        say_all(ticks);
    }
    return 0;
}

#ifdef STANDALONE
/* fuzz_board ROUNDS FILES…: run each file unchanged, then ROUNDS mutations of random files. */
enum { MOST_SEEDS = 1024 };

static uint64_t state = 88172645463325252u;

static uint32_t chance(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % below;
}

int main(int argc, char **argv)
{
    static uint8_t seeds[MOST_SEEDS][8192], mutant[8192];
    static size_t sizes[MOST_SEEDS];
    int count = 0;
    for (int i = 2; i < argc && count < MOST_SEEDS; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (file == NULL) {
            return 2;
        }
        sizes[count] = fread(seeds[count], 1, sizeof seeds[count], file);
        (void)fclose(file);
        (void)LLVMFuzzerTestOneInput(seeds[count], sizes[count]);
        count++;
    }
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    for (long i = 0; count > 0 && i < rounds; i++) {
        int seed = (int)chance((uint32_t)count);
        size_t size = sizes[seed];
        memcpy(mutant, seeds[seed], size);
        for (uint32_t n = 1 + chance(8); n > 0 && size > 1; n--) {
            uint32_t at = chance((uint32_t)size);
            switch (chance(4)) {
            case 0:
                mutant[at] = (uint8_t)chance(256);
                break;
            case 1:
                mutant[at] = (uint8_t)(mutant[at] ^ 1u << chance(8));
                break;
            case 2:
                memmove(mutant + at, mutant + at + 1, size - at - 1);
                size--;
                break;
            default: {
                uint32_t from = chance((uint32_t)size);
                size_t piece = chance((uint32_t)(size - (from > at ? from : at)) + 1);
                memmove(mutant + at, mutant + from, piece);
                break;
            }
            }
        }
        (void)LLVMFuzzerTestOneInput(mutant, size);
    }
    printf("%d seeds, %ld mutations\n", count, rounds);
    return 0;
}
#endif
