#include "device.h"

#include <string.h>

#ifndef SIMULATED
#define SIMULATED 0
#endif

#define FIRMWARE "ref-1.0"
#define BAD_READINGS_MAX 3
#define EXPIRY_STEPS (IONLINK_EXPIRY_RAMP_MS / IONLINK_CONTROL_MS)
#define OVER_LOOKS (IONLINK_OVER_CURRENT_MS / IONLINK_CONTROL_MS)
#define RAMP_MS (IONLINK_EXPIRY_RAMP_MS + IONLINK_CONTROL_MS)
#define PC_PER_UC 1000000UL
#define DONE 0xFF /* no reason against it */

static const struct limits hardest = {
    BOARD_CURRENT_NA_MAX, BOARD_SLEW_NA_S_MAX,  BOARD_COMPLIANCE_MV,
    BOARD_CHARGE_UC_MAX,  BOARD_ON_TIME_MS_MAX, BOARD_LEASE_MS_MAX,
};

static uint32_t magnitude(int32_t value) { return value < 0 ? 0U - (uint32_t)value : (uint32_t)value; }

static bool opposed(int32_t one, int32_t other) { return (one < 0 && other > 0) || (one > 0 && other < 0); }

static void close_output(struct device *self) {
  self->output_on = false;
  self->target_na = self->applied_na = 0;
  self->ramp_na = 0;
  self->lease_end_ms = 0;
  self->slew_na_s = 0;
}

/* --- start ------------------------------------------------------------------------------------------- */
static void write_limits(uint8_t *to, const struct limits *limits) {
  put_u32(to + LIMITS_AT_CURRENT_NA_MAX, limits->current_na_max);
  put_u32(to + LIMITS_AT_SLEW_NA_S_MAX, limits->slew_na_s_max);
  put_u32(to + LIMITS_AT_COMPLIANCE_MV, limits->compliance_mv);
  put_u32(to + LIMITS_AT_CHARGE_UC_MAX, limits->charge_uc_max);
  put_u32(to + LIMITS_AT_ON_TIME_MS_MAX, limits->on_time_ms_max);
}

static void write_facts(uint8_t *to, const char *serial) {
  memset(to, 0, FACTS_BYTES);
  strncpy((char *)to + FACTS_AT_MODEL, BOARD_MODEL, 16);
  strncpy((char *)to + FACTS_AT_SERIAL, serial, 16);
  strncpy((char *)to + FACTS_AT_FIRMWARE, FIRMWARE, 16);
  write_limits(to + FACTS_AT_CURRENT_NA_MAX, &hardest);
  put_u32(to + FACTS_AT_STEP_NA, BOARD_STEP_NA);
  put_u16(to + FACTS_AT_LEASE_MS_MAX, hardest.lease_ms_max);
  put_u16(to + FACTS_AT_FACTS, FACT_BIPOLAR | (SIMULATED ? FACT_SIMULATED : 0));
  put_u32(to + FACTS_AT_CHECK, check_of(to, FACTS_AT_CHECK));
}

static void latch(struct device *self, uint8_t cause) {
  if (self->trip == TRIP_NONE) self->trip = cause;
  self->latches |= (uint16_t)(1U << (cause - 1));
}

void device_start(struct device *self, uint16_t boot, uint8_t cause, const char *serial) {
  memset(self, 0, sizeof *self);
  self->boot = boot;
  self->limits = hardest;
  self->state = STATE_LOCKED;
  write_facts(self->facts, serial);
  if (cause != TRIP_NONE) latch(self, cause);
}

/* --- trips ------------------------------------------------------------------------------------------- */
static void open_output(struct device *self, uint8_t cause) {
  latch(self, cause);
  close_output(self);
  if (self->state != STATE_LOCKED) self->state = STATE_TRIPPED;
}

static void end_output(struct device *self, uint8_t cause) {
  latch(self, cause);
  self->state = STATE_ENDING;
  self->target_na = 0;
  self->ramp_na = (magnitude(self->applied_na) + EXPIRY_STEPS - 1) / EXPIRY_STEPS;
}

void device_stop(struct device *self) {
  if (self->output_on || !(self->latches & 1U << (TRIP_STOPPED - 1))) open_output(self, TRIP_STOPPED);
}

/* --- the beat ---------------------------------------------------------------------------------------- */
static void read_counts(struct device *self, const struct counts *counts) {
  self->current_na = ((int32_t)counts->forward - (int32_t)counts->backward) * (int32_t)BOARD_CURRENT_NA_COUNT;
  self->voltage_mv = (int32_t)(counts->voltage * BOARD_VOLTAGE_MV_COUNT);
  if (self->applied_na < 0) self->voltage_mv = -self->voltage_mv;
  bool believable = counts->reference >= IONLINK_REFERENCE_COUNTS_MIN &&
                    counts->reference <= IONLINK_REFERENCE_COUNTS_MAX &&
                    counts->ground <= IONLINK_GROUND_COUNTS_MAX &&
                    (counts->forward <= IONLINK_GROUND_COUNTS_MAX || counts->backward <= IONLINK_GROUND_COUNTS_MAX);
  if (believable) {
    self->bad_readings = 0;
  } else if (++self->bad_readings >= BAD_READINGS_MAX) {
    self->bad_readings = BAD_READINGS_MAX;
    open_output(self, TRIP_SENSOR);
  }
}

static void watch(struct device *self, uint32_t set_na, uint32_t allowed_na) {
  uint32_t measured_na = magnitude(self->current_na);
  bool over = measured_na > allowed_na + (opposed(self->current_na, self->applied_na) ? 0 : set_na);
  uint32_t voltage_mv_max = self->limits.compliance_mv * (100 + IONLINK_OVER_VOLTAGE_PERCENT) / 100;
  bool over_voltage = magnitude(self->voltage_mv) > voltage_mv_max + 2 * BOARD_VOLTAGE_MV_COUNT;
  self->over_looks = over || over_voltage ? (uint8_t)(self->over_looks + 1) : 0;
  uint32_t ceiling_na = BOARD_CURRENT_NA_MAX / 100 * (100 + IONLINK_OVER_CURRENT_PERCENT) + BOARD_OVER_CURRENT_NA;
  if (measured_na > ceiling_na || self->over_looks >= OVER_LOOKS) {
    open_output(self, over_voltage && !over ? TRIP_OVER_VOLTAGE : TRIP_OVER_CURRENT);
    self->over_looks = 0;
  }
}

static void watch_ends(struct device *self, uint32_t set_na) {
  if ((int32_t)(self->lease_end_ms - self->now_ms) <= 0)
    end_output(self, TRIP_EXPIRED);
  else if (self->on_ms + RAMP_MS >= self->limits.on_time_ms_max)
    end_output(self, TRIP_ON_TIME);
  else if (self->charge_pc + set_na * RAMP_MS >= (uint64_t)self->limits.charge_uc_max * PC_PER_UC)
    end_output(self, TRIP_OVER_CHARGE);
}

static void move(struct device *self) {
  bool ending = self->state == STATE_ENDING;
  int32_t change_na = (int32_t)(ending ? self->ramp_na : self->slew_na_s / 1000 * IONLINK_CONTROL_MS +
                                                             self->slew_na_s % 1000 * IONLINK_CONTROL_MS / 1000);
  int32_t distance_na = (ending ? 0 : self->target_na) - self->applied_na;
  if (distance_na > change_na) distance_na = change_na;
  if (distance_na < -change_na) distance_na = -change_na;
  self->applied_na += distance_na;
  if (ending && self->applied_na == 0) {
    close_output(self);
    self->state = STATE_TRIPPED;
  }
}

void device_control(struct device *self, const struct counts *counts, bool stop_line) {
  read_counts(self, counts);
  if (stop_line) device_stop(self);
  if (!self->output_on) {
    watch(self, 0, BOARD_OVER_CURRENT_NA);
    return;
  }
  uint32_t set_na = magnitude(self->applied_na), measured_na = magnitude(self->current_na);
  self->on_ms += IONLINK_CONTROL_MS;
  self->charge_pc += (uint64_t)(set_na > measured_na ? set_na : measured_na) * IONLINK_CONTROL_MS;
  uint32_t allowed_na = set_na * IONLINK_OVER_CURRENT_PERCENT / 100;
  watch(self, set_na, allowed_na > BOARD_OVER_CURRENT_NA ? allowed_na : BOARD_OVER_CURRENT_NA);
  if (self->state == STATE_RUNNING) watch_ends(self, set_na);
  if (self->state == STATE_RUNNING || self->state == STATE_ENDING) move(self);
}

struct drive device_drive(const struct device *self) {
  struct drive drive = {
      (uint16_t)(magnitude(self->applied_na) / BOARD_STEP_NA),
      (uint16_t)(self->limits.compliance_mv / BOARD_COMPLIANCE_STEP_MV),
      self->applied_na >= 0,
      self->output_on,
  };
  return drive;
}

/* --- commands: each returns the reason against it, or DONE --------------------------------------------- */
static uint8_t do_hello(struct device *self, uint32_t session) {
  if (session == 0) return REASON_VALUE;
  close_output(self);
  self->session = session;
  self->configured = false;
  self->limits = hardest;
  self->charge_pc = 0;
  self->on_ms = 0;
  self->position = 0;
  self->state = self->latches ? STATE_TRIPPED : STATE_MET;
  return DONE;
}

static uint32_t limits_check(const struct limits *limits) {
  uint8_t bytes[LIMITS_BYTES];
  write_limits(bytes, limits);
  put_u16(bytes + LIMITS_AT_LEASE_MS_MAX, limits->lease_ms_max);
  return check_of(bytes, LIMITS_BYTES);
}

static uint8_t do_config(struct device *self, const uint8_t *payload, uint8_t *field) {
  struct limits wanted = {
      get_u32(payload + LIMITS_AT_CURRENT_NA_MAX), get_u32(payload + LIMITS_AT_SLEW_NA_S_MAX),
      get_u32(payload + LIMITS_AT_COMPLIANCE_MV),  get_u32(payload + LIMITS_AT_CHARGE_UC_MAX),
      get_u32(payload + LIMITS_AT_ON_TIME_MS_MAX), get_u16(payload + LIMITS_AT_LEASE_MS_MAX),
  };
  const uint32_t values[] = {wanted.current_na_max, wanted.slew_na_s_max,  wanted.compliance_mv,
                             wanted.charge_uc_max,  wanted.on_time_ms_max, wanted.lease_ms_max};
  const uint32_t most[] = {hardest.current_na_max, hardest.slew_na_s_max,  hardest.compliance_mv,
                           hardest.charge_uc_max,  hardest.on_time_ms_max, hardest.lease_ms_max};
  if (self->configured) return REASON_CONFIGURED;
  if (self->state != STATE_MET) return REASON_STATE;
  for (*field = 0; *field < sizeof values / sizeof *values; ++*field) {
    if (values[*field] == 0) return REASON_VALUE;
    if (values[*field] > most[*field]) return REASON_RAISES;
  }
  *field = 0;
  self->limits = wanted;
  self->configured = true;
  self->state = STATE_READY;
  return DONE;
}

static uint8_t do_arm(struct device *self, const uint8_t *payload) {
  if (self->state != STATE_READY && self->state != STATE_ARMED) return REASON_STATE;
  if (get_u16(payload + ARM_AT_BOOT) != self->boot) return REASON_BOOT;
  if (get_u32(payload + ARM_AT_LIMITS_HASH) != limits_check(&self->limits)) return REASON_HASH;
  if (magnitude(self->current_na) > BOARD_ZERO_NA_MAX) return REASON_NOT_ZERO;
  self->state = STATE_ARMED;
  return DONE;
}

static uint8_t do_lease(struct device *self, const uint8_t *payload) {
  int32_t wanted_na = (int32_t)get_u32(payload + LEASE_AT_SETPOINT_NA);
  uint32_t slew_na_s = get_u32(payload + LEASE_AT_SLEW_NA_S);
  uint16_t valid_ms = get_u16(payload + LEASE_AT_VALID_MS);
  bool turns = opposed(wanted_na, self->applied_na) || opposed(wanted_na, self->target_na);
  bool flows_back = opposed(wanted_na, self->current_na) && magnitude(self->current_na) > BOARD_ZERO_NA_MAX;
  if (self->state != STATE_ARMED && self->state != STATE_RUNNING) return REASON_STATE;
  if (self->now_ms - get_u32(payload + LEASE_AT_SEEN_MS) > IONLINK_SEEN_AGE_MS_MAX) return REASON_UNSEEN;
  if (magnitude(wanted_na) > self->limits.current_na_max) return REASON_RANGE;
  if (magnitude(wanted_na) % BOARD_STEP_NA != 0) return REASON_STEP;
  if (valid_ms < 1 || valid_ms > self->limits.lease_ms_max) return REASON_VALIDITY;
  if (slew_na_s < IONLINK_SLEW_NA_S_MIN || slew_na_s > self->limits.slew_na_s_max) return REASON_SLEW;
  if (self->state == STATE_ARMED && wanted_na != 0) return REASON_NOT_ZERO;
  if (turns || (self->applied_na == 0 && flows_back)) return REASON_POLARITY;
  self->target_na = wanted_na;
  self->slew_na_s = slew_na_s;
  self->lease_end_ms = self->now_ms + valid_ms;
  self->position = get_u16(payload + LEASE_AT_POSITION);
  self->output_on = true;
  self->state = STATE_RUNNING;
  return DONE;
}

static uint8_t do_ack_trip(struct device *self, const uint8_t *payload) {
  if (self->state != STATE_TRIPPED) return self->state == STATE_ENDING ? REASON_NOT_ZERO : REASON_STATE;
  if (get_u16(payload + ACK_TRIP_AT_LATCHES) != self->latches) return REASON_UNSEEN;
  if (magnitude(self->current_na) > BOARD_ZERO_NA_MAX) return REASON_NOT_ZERO;
  self->latches = 0;
  self->trip = TRIP_NONE;
  self->state = self->configured ? STATE_READY : STATE_MET;
  return DONE;
}

static void off(struct device *self) {
  close_output(self);
  if (self->state == STATE_RUNNING || self->state == STATE_ENDING)
    self->state = self->latches ? STATE_TRIPPED : STATE_ARMED;
}

/* --- replies ----------------------------------------------------------------------------------------- */
static uint8_t flags(const struct device *self) {
  uint8_t set = self->configured ? FLAG_CONFIGURED : 0;
  if (!self->output_on) return set;
  set |= FLAG_OUTPUT_ON;
  if (self->applied_na != 0 && magnitude(self->voltage_mv) >= self->limits.compliance_mv * 99 / 100) {
    set |= FLAG_AT_COMPLIANCE;
    if (2 * magnitude(self->current_na) < magnitude(self->applied_na)) set |= FLAG_LEAD_OFF;
  }
  return set;
}

struct answer {
  uint8_t answer, reason;
  uint8_t detail[IONLINK_PAGE_BYTES];
};

static uint8_t reply(struct device *self, const uint8_t *header, const struct answer *said, uint8_t *wire) {
  uint8_t body[HEADER_BYTES + STATUS_BYTES + CHECK_BYTES];
  memcpy(body, header, HEADER_BYTES);
  body[HEADER_AT_VERSION] = IONLINK_VERSION;
  body[HEADER_AT_KIND] = KIND_STATUS;
  put_u16(body + HEADER_AT_ACK, self->ack);
  uint8_t *to = body + HEADER_BYTES;
  to[STATUS_AT_TO] = header[HEADER_AT_KIND];
  to[STATUS_AT_ANSWER] = said->answer;
  to[STATUS_AT_REASON] = said->reason;
  to[STATUS_AT_STATE] = self->state;
  to[STATUS_AT_FLAGS] = flags(self);
  to[STATUS_AT_TRIP] = self->trip;
  int32_t left_ms = self->state == STATE_RUNNING ? (int32_t)(self->lease_end_ms - self->now_ms) : 0;
  uint64_t charge_uc = (self->charge_pc + PC_PER_UC - 1) / PC_PER_UC;
  put_u16(to + STATUS_AT_LATCHES, self->latches);
  put_u32(to + STATUS_AT_CURRENT_NA, (uint32_t)self->current_na);
  put_u32(to + STATUS_AT_VOLTAGE_MV, (uint32_t)self->voltage_mv);
  put_u32(to + STATUS_AT_SETPOINT_NA, (uint32_t)self->target_na);
  put_u32(to + STATUS_AT_APPLIED_NA, (uint32_t)self->applied_na);
  put_u32(to + STATUS_AT_DEVICE_MS, self->now_ms);
  put_u16(to + STATUS_AT_BOOT, self->boot);
  put_u16(to + STATUS_AT_LEASE_MS, left_ms > 0 ? (uint16_t)left_ms : 0);
  put_u32(to + STATUS_AT_CHARGE_UC, charge_uc > UINT32_MAX ? UINT32_MAX : (uint32_t)charge_uc);
  put_u16(to + STATUS_AT_POSITION, self->position);
  memcpy(to + STATUS_AT_DETAIL, said->detail, IONLINK_PAGE_BYTES);
  return frame_encode(body, HEADER_BYTES + STATUS_BYTES, wire);
}

uint8_t device_stopped(struct device *self, uint8_t *wire) {
  uint8_t header[HEADER_BYTES] = {0};
  struct answer said = {ANSWER_ACCEPTED, REASON_NONE, {0}};
  header[HEADER_AT_KIND] = KIND_STOP;
  return reply(self, header, &said, wire);
}

static uint8_t carry_out(struct device *self, uint8_t kind, uint32_t session, const uint8_t *payload, uint8_t *field) {
  switch (kind) {
    case KIND_HELLO: return do_hello(self, session);
    case KIND_CONFIG: return do_config(self, payload, field);
    case KIND_ARM: return do_arm(self, payload);
    case KIND_LEASE: return do_lease(self, payload);
    case KIND_ACK_TRIP: return do_ack_trip(self, payload);
    default: return DONE; /* OFF is carried out before anything can be said against it */
  }
}

static void show_page(const struct device *self, uint8_t page, uint8_t *detail) {
  for (uint8_t at = 0; at < IONLINK_PAGE_BYTES; at++) {
    uint16_t from = (uint16_t)(page * IONLINK_PAGE_BYTES + at);
    detail[at] = from < FACTS_BYTES ? self->facts[from] : 0;
  }
}

static struct answer answer_to(struct device *self, const uint8_t *body, uint8_t length) {
  uint8_t kind = body[HEADER_AT_KIND];
  uint32_t session = get_u32(body + HEADER_AT_SESSION);
  uint16_t sequence = get_u16(body + HEADER_AT_SEQUENCE);
  const uint8_t *payload = body + HEADER_BYTES;
  struct answer denied = {ANSWER_DENIED, REASON_SESSION, {0}}, done = {ANSWER_ACCEPTED, REASON_NONE, {0}};
  uint32_t check = check_of(body, length);

  if (kind == KIND_OFF) off(self);
  if (kind != KIND_HELLO && (self->session == 0 || session != self->session)) return denied;
  if (kind == KIND_QUERY) {
    uint8_t page = payload[QUERY_AT_PAGE];
    if (page == IONLINK_LIMITS_PAGE)
      put_u32(done.detail, limits_check(&self->limits));
    else if (page != IONLINK_NO_PAGE)
      show_page(self, page, done.detail);
    return done;
  }
  bool tripped = self->state == STATE_ENDING || self->state == STATE_TRIPPED;
  if (tripped && (kind == KIND_CONFIG || kind == KIND_ARM || kind == KIND_LEASE)) {
    done.answer = ANSWER_FAULT;
    return done;
  }
  bool repeated = session == self->session && sequence == self->ack && check == self->last_check;
  uint16_t ahead = (uint16_t)(sequence - self->ack);
  if (repeated) {
    done.reason = REASON_REPEATED;
  } else if (kind != KIND_HELLO && (ahead < 1 || ahead > IONLINK_SEQUENCE_AHEAD_MAX)) {
    /* An output that is to open has been opened, however old the wish. */
    denied.answer = kind == KIND_OFF ? ANSWER_ACCEPTED : ANSWER_DENIED;
    denied.reason = REASON_STALE;
    return denied;
  } else {
    denied.reason = carry_out(self, kind, session, payload, denied.detail);
    if (denied.reason != DONE) return denied;
    self->ack = sequence;
    self->last_check = check;
  }
  if (self->applied_na != self->target_na) done.answer = ANSWER_IN_PROGRESS;
  if (kind == KIND_CONFIG) put_u32(done.detail, limits_check(&self->limits));
  return done;
}

static bool is_command(uint8_t kind, uint8_t payload_bytes) {
  switch (kind) {
    case KIND_HELLO: return payload_bytes == HELLO_BYTES;
    case KIND_CONFIG: return payload_bytes == CONFIG_BYTES;
    case KIND_ARM: return payload_bytes == ARM_BYTES;
    case KIND_LEASE: return payload_bytes == LEASE_BYTES;
    case KIND_OFF: return payload_bytes == OFF_BYTES;
    case KIND_ACK_TRIP: return payload_bytes == ACK_TRIP_BYTES;
    case KIND_QUERY: return payload_bytes == QUERY_BYTES;
    default: return false;
  }
}

uint8_t device_take(struct device *self, const uint8_t *body, uint8_t length, uint8_t *wire) {
  if (length < HEADER_BYTES || !is_command(body[HEADER_AT_KIND], (uint8_t)(length - HEADER_BYTES))) return 0;
  struct answer said = answer_to(self, body, length);
  return reply(self, body, &said, wire);
}
