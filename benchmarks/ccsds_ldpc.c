/* Codeword error rate of the CCSDS low-density parity-check code (8160, 7136) over white noise.
 *
 *     cc -O3 -ffast-math -o ccsds_ldpc ccsds_ldpc.c -lm
 *     ./ccsds_ldpc BITS_PER_SYMBOL EB_N0_DB CODEWORDS FAILURES
 *
 * The parity-check matrix is that of CCSDS 131.0-B-5, table 7-1: 2 x 16 circulants of 511 with two
 * ones in each row. The code is linear and the noise symmetric, so the codeword of zeros is sent: over
 * BPSK as it is (QPSK is the same), over 8PSK through random labels whose signs are turned back.
 * Decoding is layered sum-product with up to 50 iterations. It ends after CODEWORDS or FAILURES.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CIRCULANT = 511, ROWS = 2, COLUMNS = 16, LENGTH = COLUMNS * CIRCULANT };
enum { CHECKS = ROWS * CIRCULANT, DEGREE = 2 * COLUMNS, SHORTENED = 18, ITERATIONS = 50 };

static const int ONES[ROWS][COLUMNS][2] = {
    {{0, 176}, {12, 239}, {0, 352}, {24, 431}, {0, 392}, {151, 409}, {0, 351}, {9, 359},
     {0, 307}, {53, 329}, {0, 207}, {18, 281}, {0, 399}, {202, 457}, {0, 247}, {36, 261}},
    {{99, 471}, {130, 473}, {198, 435}, {260, 478}, {215, 420}, {282, 481}, {48, 396}, {193, 445},
     {273, 430}, {302, 451}, {96, 379}, {191, 386}, {244, 467}, {364, 470}, {51, 382}, {192, 414}},
};

static int neighbour[CHECKS][DEGREE];
static float message[CHECKS][DEGREE], likelihood[LENGTH];
static uint64_t state[2] = {0x1234567, 0x89abcdef};

static uint64_t draw(void) { /* xorshift128+ */
    uint64_t a = state[0], b = state[1];
    state[0] = b;
    a ^= a << 23;
    state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
    return state[1] + b;
}

static double uniform(void) { return ((double)(draw() >> 11) + 0.5) / 9007199254740992.0; }

static double normal(void) {
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static void receive_bpsk(double sigma) {
    for (int bit = SHORTENED; bit < LENGTH; bit++)
        likelihood[bit] = (float)(2 * (1 + sigma * normal()) / (sigma * sigma));
}

static void receive_8psk(double sigma) {
    static const int GRAY[8] = {0, 1, 3, 2, 6, 7, 5, 4};
    double x[8], y[8], metric[8];
    for (int turn = 0; turn < 8; turn++) {
        x[GRAY[turn]] = cos(turn * 0.7853981633974483);
        y[GRAY[turn]] = sin(turn * 0.7853981633974483);
    }
    for (int first = SHORTENED; first < LENGTH; first += 3) {
        int label = (int)(draw() & 7);
        double u = x[label] + sigma * normal(), v = y[label] + sigma * normal();
        for (int other = 0; other < 8; other++) {
            double dx = u - x[other], dy = v - y[other];
            metric[other] = -(dx * dx + dy * dy) / (2 * sigma * sigma);
        }
        for (int bit = 0; bit < 3 && first + bit < LENGTH; bit++) {
            double most[2] = {-1e9, -1e9}, sum[2] = {0, 0};
            for (int other = 0; other < 8; other++)
                most[other >> bit & 1] = fmax(most[other >> bit & 1], metric[other]);
            for (int other = 0; other < 8; other++)
                sum[other >> bit & 1] += exp(metric[other] - most[other >> bit & 1]);
            double ratio = most[0] + log(sum[0]) - most[1] - log(sum[1]);
            likelihood[first + bit] = (float)(label >> bit & 1 ? -ratio : ratio);
        }
    }
}

static void update(int check) {
    float before[DEGREE + 1], after[DEGREE + 1], extrinsic[DEGREE], soft[DEGREE];
    before[0] = after[DEGREE] = 1;
    for (int edge = 0; edge < DEGREE; edge++) {
        extrinsic[edge] = likelihood[neighbour[check][edge]] - message[check][edge];
        soft[edge] = tanhf(fmaxf(-9.5f, fminf(9.5f, extrinsic[edge] / 2)));
        before[edge + 1] = before[edge] * soft[edge];
    }
    for (int edge = DEGREE - 1; edge >= 0; edge--) after[edge] = after[edge + 1] * soft[edge];
    for (int edge = 0; edge < DEGREE; edge++) {
        float product = before[edge] * after[edge + 1];
        product = fmaxf(-0.9999999f, fminf(0.9999999f, product));
        message[check][edge] = logf((1 + product) / (1 - product));
        likelihood[neighbour[check][edge]] = extrinsic[edge] + message[check][edge];
    }
}

static int satisfied(void) {
    for (int check = 0; check < CHECKS; check++) {
        int odd = 0;
        for (int edge = 0; edge < DEGREE; edge++) odd ^= likelihood[neighbour[check][edge]] < 0;
        if (odd) return 0;
    }
    return 1;
}

static int fails(void) {
    memset(message, 0, sizeof message);
    for (int iteration = 0; iteration < ITERATIONS; iteration++) {
        for (int check = 0; check < CHECKS; check++) update(check);
        if (!satisfied()) continue;
        for (int bit = 0; bit < LENGTH; bit++)
            if (likelihood[bit] < 0) return 1; /* another codeword */
        return 0;
    }
    return 1;
}

int main(int count, char **argument) {
    if (count != 5) return 2;
    int bits = atoi(argument[1]), codewords = atoi(argument[3]), most = atoi(argument[4]);
    double eb_n0_db = atof(argument[2]);
    double es_n0 = pow(10, eb_n0_db / 10) * 7136 / 8160 * (bits == 3 ? 3 : 1);
    double sigma = sqrt(1 / (2 * es_n0));
    state[0] += (uint64_t)(eb_n0_db * 1000) * 7919 + (uint64_t)bits;
    for (int skipped = 0; skipped < 20; skipped++) draw();
    for (int row = 0; row < ROWS; row++)
        for (int shift = 0; shift < CIRCULANT; shift++)
            for (int edge = 0; edge < DEGREE; edge++)
                neighbour[row * CIRCULANT + shift][edge] =
                    edge / 2 * CIRCULANT + (shift + ONES[row][edge / 2][edge % 2]) % CIRCULANT;
    int sent = 0, failed = 0;
    while (sent < codewords && failed < most) {
        for (int bit = 0; bit < SHORTENED; bit++) likelihood[bit] = 60; /* known zeros */
        if (bits == 3) receive_8psk(sigma); else receive_bpsk(sigma);
        failed += fails();
        sent++;
    }
    printf("%d %d\n", sent, failed);
    return 0;
}
