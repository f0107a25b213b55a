/* CRC-32 as in zlib and Ethernet, and COBS framing (Cheshire & Baker, 1999). */
#include "proto.h"

uint32_t dp_crc32(const uint8_t *data, size_t size)
{
    /* Four bits at a time: the table has only 16 words, fast enough for a serial line. */
    static const uint32_t table[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
        0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
        0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        crc = (crc >> 4) ^ table[crc & 15u];
        crc = (crc >> 4) ^ table[crc & 15u];
    }
    return ~crc;
}

size_t dp_cobs_decode(const uint8_t *in, size_t size, uint8_t *out)
{
    size_t read = 0, written = 0;
    while (read < size) {
        uint8_t code = in[read++];
        if (code == 0 || (size_t)code - 1u > size - read) {
            return SIZE_MAX;
        }
        for (uint8_t i = 1; i < code; i++) {
            uint8_t byte = in[read++];
            if (byte == 0) {
                return SIZE_MAX;
            }
            out[written++] = byte;
        }
        if (code != 0xFFu && read < size) {
            out[written++] = 0;
        }
    }
    return written;
}

size_t dp_cobs_encode(const uint8_t *in, size_t size, uint8_t *out)
{
    size_t code_at = 0, written = 1;
    uint8_t code = 1;
    for (size_t i = 0; i < size; i++) {
        if (in[i] != 0) {
            out[written++] = in[i];
            code++;
        }
        if (in[i] == 0 || (code == 0xFFu && i + 1u < size)) {
            out[code_at] = code;
            code_at = written++;
            code = 1;
        }
    }
    out[code_at] = code;
    return written;
}
