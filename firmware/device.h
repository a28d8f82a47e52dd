/* The rules of the reference device: portable C without any hardware, the twin of
 * runtime/ionto_runtime/simulation/ionlink_device.py, in the same order and under the same names.
 *
 * Whoever drives it calls `device_control` every IONLINK_CONTROL_MS with what the converter counts, and does
 * what `drive` says; and hands over each frame and each stop.
 */
#ifndef IONLINK_DEVICE_H
#define IONLINK_DEVICE_H

#include "frame.h"

/* What the output stage is told: steps of its two converters, polarity, relay. */
struct drive {
  uint16_t current_steps;
  uint16_t compliance_steps;
  bool positive;
  bool enabled;
};

/* What the processor's converter reads. */
struct counts {
  uint16_t forward, backward, voltage, reference, ground;
};

struct limits {
  uint32_t current_na_max, slew_na_s_max, compliance_mv, charge_uc_max, on_time_ms_max;
  uint16_t lease_ms_max;
};

struct device {
  uint32_t now_ms; /* kept by the caller */
  uint16_t boot;
  uint8_t facts[FACTS_BYTES];

  uint32_t session;
  uint16_t ack;
  uint32_t last_check;
  uint16_t latches;
  uint8_t trip;
  uint8_t state;
  bool configured;
  struct limits limits;

  bool output_on;
  int32_t target_na, applied_na;
  uint32_t slew_na_s, ramp_na;
  uint32_t lease_end_ms;
  uint64_t charge_pc;
  uint32_t on_ms;
  uint16_t position;

  int32_t current_na, voltage_mv;
  uint8_t bad_readings, over_looks;
};

void device_start(struct device *self, uint16_t boot, uint8_t cause, const char *serial);
void device_control(struct device *self, const struct counts *counts, bool stop_line);
struct drive device_drive(const struct device *self);

/* The output was opened by a stop sequence or the stop line. */
void device_stop(struct device *self);

/* Takes the body of a frame; the stuffed answer goes to `wire` (IONLINK_FRAME_BYTES_MAX), its length is
 * returned, 0 when there is none. `device_stopped` makes the answer to a stop sequence. */
uint8_t device_take(struct device *self, const uint8_t *body, uint8_t length, uint8_t *wire);
uint8_t device_stopped(struct device *self, uint8_t *wire);

#endif
