/* The portable part of the firmware, natively and under sanitizers, against damaged frames (R37).
 *
 * Usage: damage COUNT SEED. Every frame of every command is sent with each bit and each pair of bits turned over,
 * then COUNT times with damage of other kinds. A device in the middle of a session must neither answer nor change.
 * Prints how many were sent and how many were taken; ends with 1 if any was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

#define WIRES 7
#define SESSION 0x12345678UL
#define NOISE_MAX 128

static uint8_t wires[WIRES][IONLINK_FRAME_BYTES_MAX];
static uint8_t lengths[WIRES];
static unsigned long sent, taken;
static struct device before;

static uint64_t chance;
static uint32_t below(uint32_t bound) { /* xorshift64* */
  chance ^= chance >> 12;
  chance ^= chance << 25;
  chance ^= chance >> 27;
  return (uint32_t)((chance * 0x2545F4914F6CDD1DULL) >> 32) % bound;
}

static void make_wire(uint8_t index, uint8_t kind, uint16_t sequence, uint8_t payload_bytes) {
  uint8_t body[BODY_BYTES_MAX] = {0};
  body[HEADER_AT_VERSION] = IONLINK_VERSION;
  body[HEADER_AT_KIND] = kind;
  put_u32(body + HEADER_AT_SESSION, SESSION);
  put_u16(body + HEADER_AT_SEQUENCE, sequence);
  if (kind == KIND_LEASE) {
    put_u32(body + HEADER_BYTES + LEASE_AT_SETPOINT_NA, 1500000);
    put_u32(body + HEADER_BYTES + LEASE_AT_SLEW_NA_S, 1000000);
    put_u16(body + HEADER_BYTES + LEASE_AT_VALID_MS, 400);
  } else {
    for (uint8_t at = 0; at < payload_bytes; at++) body[HEADER_BYTES + at] = (uint8_t)below(256);
  }
  lengths[index] = frame_encode(body, (uint8_t)(HEADER_BYTES + payload_bytes), wires[index]);
}

/* A device that drives 1 mA, as any frame of the seven would change it. */
static void make_device(void) {
  device_start(&before, 7, TRIP_NONE, "NATIVE");
  before.session = SESSION;
  before.ack = 100;
  before.state = STATE_RUNNING;
  before.configured = before.output_on = true;
  before.applied_na = before.target_na = 1000000;
  before.slew_na_s = 1000000;
}

static bool is_whole(const uint8_t *frame, uint8_t length) {
  for (uint8_t index = 0; index < WIRES; index++)
    if (length + 2 == lengths[index] && memcmp(frame, wires[index] + 1, length) == 0) return true;
  return false;
}

/* Sends these bytes and a delimiter. Frames that came through undamaged are no damage and are passed over. */
static void send(const uint8_t *bytes, unsigned length) {
  struct arrival arrival = {0};
  struct device device = before;
  uint8_t whole[STUFFED_BYTES_MAX], reply[IONLINK_FRAME_BYTES_MAX];
  sent++;
  for (unsigned at = 0; at <= length; at++) {
    uint8_t stuffed = arrival_take(&arrival, at < length ? bytes[at] : 0, whole);
    if (stuffed == 0 || is_whole(whole, stuffed)) continue;
    uint8_t body = frame_decode(whole, stuffed);
    if (body > 0 && device_take(&device, whole, body, reply) > 0) taken++;
  }
  if (memcmp(&device, &before, sizeof device) != 0) taken++;
}

static void flip(uint8_t *bytes, unsigned bit) { bytes[bit / 8] ^= (uint8_t)(1U << bit % 8); }

static void send_flips(const uint8_t *wire, uint8_t length) {
  uint8_t bytes[IONLINK_FRAME_BYTES_MAX];
  memcpy(bytes, wire, length);
  for (unsigned one = 0; one < length * 8U; one++) {
    flip(bytes, one);
    send(bytes, length);
    for (unsigned other = one + 1; other < length * 8U; other++) {
      flip(bytes, other);
      send(bytes, length);
      flip(bytes, other);
    }
    flip(bytes, one);
  }
}

static void send_damage(void) {
  uint8_t bytes[NOISE_MAX];
  const uint8_t index = (uint8_t)below(WIRES), other = (uint8_t)below(WIRES);
  unsigned length = lengths[index], at = below(length), end = at + below(length - at + 1);
  memcpy(bytes, wires[index], length);
  switch (below(6)) {
    case 0:
      for (uint32_t flips = 3 + below(4); flips > 0; flips--) flip(bytes, below(length * 8));
      break;
    case 1:
      for (; at < end; at++) bytes[at] = (uint8_t)below(256);
      break;
    case 2: length = at; break;
    case 3:
      memmove(bytes + at, bytes + end, length - end);
      length -= end - at;
      break;
    case 4:
      memcpy(bytes + at, wires[other], lengths[other]);
      length = at + lengths[other];
      break;
    default:
      length = below(NOISE_MAX);
      for (at = 0; at < length; at++) bytes[at] = (uint8_t)below(256);
  }
  send(bytes, length);
}

int main(int count, char **words) {
  if (count != 3) return 2;
  chance = strtoull(words[2], NULL, 10) * 2 + 1;
  make_device();
  make_wire(0, KIND_HELLO, 101, HELLO_BYTES);
  make_wire(1, KIND_CONFIG, 102, CONFIG_BYTES);
  make_wire(2, KIND_ARM, 103, ARM_BYTES);
  make_wire(3, KIND_LEASE, 104, LEASE_BYTES);
  make_wire(4, KIND_OFF, 105, OFF_BYTES);
  make_wire(5, KIND_ACK_TRIP, 106, ACK_TRIP_BYTES);
  make_wire(6, KIND_QUERY, 107, QUERY_BYTES);
  for (uint8_t index = 0; index < WIRES; index++) send_flips(wires[index], lengths[index]);
  for (unsigned long left = strtoul(words[1], NULL, 10); left > 0; left--) send_damage();
  printf("%lu sent, %lu taken\n", sent, taken);
  return taken > 0;
}
