#include "frame.h"

uint16_t get_u16(const uint8_t *from) { return (uint16_t)(from[0] | (uint16_t)from[1] << 8); }

uint32_t get_u32(const uint8_t *from) { return get_u16(from) | (uint32_t)get_u16(from + 2) << 16; }

void put_u16(uint8_t *to, uint16_t value) {
  to[0] = (uint8_t)value;
  to[1] = (uint8_t)(value >> 8);
}

void put_u32(uint8_t *to, uint32_t value) {
  put_u16(to, (uint16_t)value);
  put_u16(to + 2, (uint16_t)(value >> 16));
}

/* Half a byte at a time: a table of 64 bytes, and fast enough that an answer is begun within a millisecond. */
uint32_t check_of(const uint8_t *data, uint8_t length) {
  static const uint32_t half[16] = {
      0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
      0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
  };
  uint32_t check = ~(uint32_t)IONLINK_SEED;
  while (length--) {
    check ^= *data++;
    check = check >> 4 ^ half[check & 15];
    check = check >> 4 ^ half[check & 15];
  }
  return ~check;
}

uint8_t arrival_take(struct arrival *self, uint8_t byte, uint8_t *whole) {
  if (byte != 0) {
    if (self->bytes < STUFFED_BYTES_MAX)
      self->held[self->bytes++] = byte;
    else
      self->damaged = true;
    return 0;
  }
  uint8_t length = self->damaged ? 0 : self->bytes;
  self->bytes = 0;
  self->damaged = false;
  if (whole == NULL) return 0;
  for (uint8_t at = 0; at < length; at++) whole[at] = self->held[at];
  return length;
}

/* Takes the stuffing out in place: what is read is always ahead of what is written. */
static uint8_t unstuff(uint8_t *bytes, uint8_t length) {
  uint8_t from = 0, to = 0;
  while (from < length) {
    uint8_t distance = bytes[from];
    if (distance == 0 || distance > length - from) return 0;
    if (from > 0) bytes[to++] = 0;
    for (uint8_t at = 1; at < distance; at++) {
      if (bytes[from + at] == 0) return 0;
      bytes[to++] = bytes[from + at];
    }
    from = (uint8_t)(from + distance);
  }
  return to;
}

uint8_t frame_decode(uint8_t *stuffed, uint8_t length) {
  if (length == 0 || length > STUFFED_BYTES_MAX) return 0;
  uint8_t whole = unstuff(stuffed, length);
  if (whole < HEADER_BYTES + CHECK_BYTES) return 0;
  uint8_t body = (uint8_t)(whole - CHECK_BYTES);
  if (check_of(stuffed, body) != get_u32(stuffed + body)) return 0;
  return stuffed[HEADER_AT_VERSION] == IONLINK_VERSION ? body : 0;
}

uint8_t frame_encode(uint8_t *body, uint8_t length, uint8_t *wire) {
  put_u32(body + length, check_of(body, length));
  length = (uint8_t)(length + CHECK_BYTES);
  uint8_t mark = 1, to = 2;
  wire[0] = 0;
  for (uint8_t at = 0; at < length; at++) {
    if (body[at] == 0) {
      wire[mark] = (uint8_t)(to - mark);
      mark = to++;
    } else {
      wire[to++] = body[at];
    }
  }
  wire[mark] = (uint8_t)(to - mark);
  wire[to++] = 0;
  return to;
}
