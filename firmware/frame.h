/* Frames of IonLink: check value, stuffing, little-endian numbers. Portable C, no memory but the caller's. */
#ifndef IONLINK_FRAME_H
#define IONLINK_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ionlink_schema.h"

#define STUFFED_BYTES_MAX (IONLINK_FRAME_BYTES_MAX - 2)
#define BODY_BYTES_MAX (STUFFED_BYTES_MAX - 1)
#define CHECK_BYTES 4

uint16_t get_u16(const uint8_t *from);
uint32_t get_u32(const uint8_t *from);
void put_u16(uint8_t *to, uint16_t value);
void put_u32(uint8_t *to, uint32_t value);

/* CRC-32 of IEEE 802.3, begun at the digest of the schema. */
uint32_t check_of(const uint8_t *data, uint8_t length);

/* Finds frames in a stream of bytes; holds one unfinished frame at most, however much comes in. */
struct arrival {
  uint8_t held[STUFFED_BYTES_MAX];
  uint8_t bytes;
  bool damaged; /* something of it was lost or is too long: it is none, whatever follows */
};

/* The length of the stuffed frame that this byte completes, copied to `whole` unless that is NULL; else 0. */
uint8_t arrival_take(struct arrival *self, uint8_t byte, uint8_t *whole);

/* The body of a frame without its check value, in place; its length, or 0 when anything is in doubt. */
uint8_t frame_decode(uint8_t *stuffed, uint8_t length);

/* The stuffed frame between two delimiters; `body` has CHECK_BYTES of room behind `length`. Returns its length. */
uint8_t frame_encode(uint8_t *body, uint8_t length, uint8_t *wire);

#endif
