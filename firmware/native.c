/* The portable part of the firmware as a process of the host, for comparison with its twin, rule by rule.
 *
 * Requests on the standard input, little-endian, and their answers:
 *   B boot:u16 cause:u8                       start; no answer
 *   C now:u32 stop:u8 counts:u16[5]           one beat -> current:u16 compliance:u16 positive:u8 enabled:u8
 *   F now:u32 length:u8 body                  a frame's body -> length:u8 wire
 *   S now:u32                                 the stop bytes -> length:u8 wire
 */
#include <stdio.h>
#include <stdlib.h>

#include "device.h"

static struct device device;

static uint32_t take(unsigned bytes) {
  uint32_t value = 0;
  for (unsigned at = 0; at < bytes; at++) {
    int byte = getchar();
    if (byte == EOF) exit(0);
    value |= (uint32_t)byte << 8 * at;
  }
  return value;
}

static void give(uint32_t value, unsigned bytes) {
  for (unsigned at = 0; at < bytes; at++) putchar((int)(value >> 8 * at & 0xFF));
}

static void control(void) {
  struct counts counts;
  device.now_ms = take(4);
  bool stop = take(1);
  counts.forward = (uint16_t)take(2);
  counts.backward = (uint16_t)take(2);
  counts.voltage = (uint16_t)take(2);
  counts.reference = (uint16_t)take(2);
  counts.ground = (uint16_t)take(2);
  device_control(&device, &counts, stop);
  struct drive drive = device_drive(&device);
  give(drive.current_steps, 2);
  give(drive.compliance_steps, 2);
  give(drive.positive, 1);
  give(drive.enabled, 1);
}

static void answer(uint8_t length, const uint8_t *wire) {
  give(length, 1);
  for (uint8_t at = 0; at < length; at++) give(wire[at], 1);
}

static void frame(void) {
  uint8_t body[256], wire[IONLINK_FRAME_BYTES_MAX];
  device.now_ms = take(4);
  uint8_t length = (uint8_t)take(1);
  for (unsigned at = 0; at < length; at++) body[at] = (uint8_t)take(1);
  answer(device_take(&device, body, length, wire), wire);
}

static void stop(void) {
  uint8_t wire[IONLINK_FRAME_BYTES_MAX];
  device.now_ms = take(4);
  device_stop(&device);
  answer(device_stopped(&device, wire), wire);
}

int main(void) {
  for (;;) {
    switch (take(1)) {
      case 'B': {
        uint16_t boot = (uint16_t)take(2);
        device_start(&device, boot, (uint8_t)take(1), "SIM-0001");
        break;
      }
      case 'C': control(); break;
      case 'F': frame(); break;
      case 'S': stop(); break;
      default: return 1;
    }
    fflush(stdout);
  }
}
