/* The reference device on an ATmega328P at 16 MHz: clock, line, converters, output, watchdog.
 *
 * PB0 polarity (high is positive), PB2 select of the two-channel 12-bit converter on SPI (A current, B
 * compliance), PD4 output relay, PD2 stop line (high stops), ADC0 current forward, ADC1 current backward, ADC2
 * voltage. After a reset every pin is an input with its relay's pull-down: no output.
 */
#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <avr/wdt.h>
#include <string.h>
#include <util/atomic.h>

#include "device.h"

#define BAUD_DIVIDER 16 /* 115200 at 16 MHz with double speed: 2.1 % fast, within what a line bears */
#define SENT_BYTES_MAX 128
#define CHANNELS 5
#define UNREAD 0xFFFF

#define CONVERTER_A 0x3000 /* buffered off, gain 1, active */
#define CONVERTER_B 0xB000

static struct device device;

/* Where a device keeps what outlives a reset. */
struct stored {
  uint16_t boot[2];
  char serial[16];
};
static struct stored stored EEMEM;

static volatile uint32_t clock_ms;
static volatile bool beat_due, scan_done;
static volatile uint16_t scanned[CHANNELS];
static volatile bool stop_seen, stop_asked;

static struct arrival arrival;
static uint8_t arrived[STUFFED_BYTES_MAX]; /* one whole frame that waits for the loop */
static volatile uint8_t arrived_bytes;

static uint8_t sending[SENT_BYTES_MAX];
static volatile uint8_t sending_from, sending_to;

/* Restarting must not find the watchdog of before still running towards the next reset. */
static uint8_t reset_cause __attribute__((section(".noinit")));
void keep_reset_cause(void) __attribute__((naked, used, section(".init3")));
void keep_reset_cause(void) {
  reset_cause = MCUSR;
  MCUSR = 0;
  wdt_disable();
}

static inline void open_relay(void) { PORTD &= (uint8_t)~_BV(PD4); }

/* --- interrupts ---------------------------------------------------------------------------------------- */
ISR(TIMER0_COMPA_vect) {
  static uint8_t until_beat = IONLINK_CONTROL_MS;
  clock_ms++;
  if (--until_beat == 0) {
    until_beat = IONLINK_CONTROL_MS;
    beat_due = true;
  }
}

static const uint8_t channel[CHANNELS] = {0, 1, 2, 14, 15}; /* the last two: own reference, own ground */
static volatile uint8_t scanning;

ISR(ADC_vect) {
  scanned[scanning] = ADC;
  if (++scanning < CHANNELS) {
    ADMUX = _BV(REFS0) | channel[scanning];
    ADCSRA |= _BV(ADSC);
  } else {
    scan_done = true;
  }
}

ISR(INT0_vect) {
  open_relay();
  stop_seen = true;
}

/* Opens the output within this interrupt when the last bytes were the stop sequence, whatever they were part of. */
static void look_for_stop(uint8_t byte) {
  static const uint8_t sequence[] = IONLINK_STOP_BYTES;
  static uint8_t seen;
  if (byte != sequence[seen]) seen = 0;
  if (byte == sequence[seen]) seen++;
  if (seen == sizeof sequence) {
    seen = 0;
    open_relay();
    stop_seen = stop_asked = true;
  }
}

ISR(USART_RX_vect) {
  uint8_t status = UCSR0A, byte = UDR0;
  look_for_stop(byte);
  if (status & (_BV(FE0) | _BV(DOR0))) arrival.damaged = true;
  uint8_t length = arrival_take(&arrival, byte, arrived_bytes == 0 ? arrived : NULL);
  if (length > 0) arrived_bytes = length;
}

ISR(USART_UDRE_vect) {
  if (sending_from == sending_to) {
    UCSR0B &= (uint8_t)~_BV(UDRIE0);
    return;
  }
  UDR0 = sending[sending_from];
  sending_from = (uint8_t)((sending_from + 1) % SENT_BYTES_MAX);
}

/* --- output -------------------------------------------------------------------------------------------- */
static void convert(uint16_t word) {
  PORTB &= (uint8_t)~_BV(PB2);
  for (uint8_t byte = 0; byte < 2; byte++) {
    SPDR = (uint8_t)(word >> 8);
    while (!(SPSR & _BV(SPIF))) {
    }
    word <<= 8;
  }
  PORTB |= _BV(PB2);
}

/* Written anew in every beat, so that a disturbed converter does not stay disturbed. The relay is the last to close
 * and the first to open; a stop that came in between is not overwritten. */
static void drive_output(void) {
  struct drive drive = device_drive(&device);
  if (!drive.enabled) open_relay();
  convert(CONVERTER_B | (drive.compliance_steps & 0x0FFF));
  convert(CONVERTER_A | (drive.enabled ? drive.current_steps & 0x0FFF : 0));
  if (drive.positive)
    PORTB |= _BV(PB0);
  else
    PORTB &= (uint8_t)~_BV(PB0);
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    if (drive.enabled && !stop_seen) PORTD |= _BV(PD4);
  }
}

/* --- start --------------------------------------------------------------------------------------------- */
static uint8_t cause_of_reset(void) {
  if (reset_cause & _BV(WDRF)) return TRIP_WATCHDOG;
  if (reset_cause & _BV(PORF)) return TRIP_NONE;
  return reset_cause & _BV(BORF) ? TRIP_BROWN_OUT : TRIP_NONE;
}

/* Two places, written in turn: a supply that fails in the middle of writing leaves the other. */
static uint16_t next_boot(void) {
  uint16_t one = eeprom_read_word(&stored.boot[0]), other = eeprom_read_word(&stored.boot[1]);
  if (one == UNREAD) one = 0;
  if (other == UNREAD) other = 0;
  bool first_is_newer = (int16_t)(one - other) > 0;
  uint16_t boot = (uint16_t)((first_is_newer ? one : other) + 1);
  if (boot == UNREAD) boot = 1;
  eeprom_write_word(&stored.boot[first_is_newer ? 1 : 0], boot);
  return boot;
}

static void read_serial(char *to) {
  eeprom_read_block(to, stored.serial, sizeof stored.serial);
  if ((uint8_t)to[0] == 0xFF) {
    to[0] = '?';
    to[1] = 0;
  }
}

static void set_up(void) {
  open_relay();
  DDRD = _BV(PD4);
  PORTD |= _BV(PD2); /* pull-up: the button is a closed contact to ground, so a line that is cut stops */
  DDRB = _BV(PB0) | _BV(PB2) | _BV(PB3) | _BV(PB5);
  PORTB |= _BV(PB2);
  SPCR = _BV(SPE) | _BV(MSTR);
  TCCR0A = _BV(WGM01);
  OCR0A = 249;
  TIMSK0 = _BV(OCIE0A);
  TCCR0B = _BV(CS01) | _BV(CS00);
  ADCSRA = _BV(ADEN) | _BV(ADIE) | _BV(ADPS2) | _BV(ADPS1) | _BV(ADPS0);
  UCSR0A = _BV(U2X0);
  UBRR0 = BAUD_DIVIDER;
  UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
  UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
  EICRA = _BV(ISC01) | _BV(ISC00); /* rising edge; the level is looked at in every beat too */
  EIMSK = _BV(INT0);
  SMCR = _BV(SE); /* idle: every interrupt wakes */
}

/* --- the loop ------------------------------------------------------------------------------------------ */
static void send(const uint8_t *wire, uint8_t length) {
  uint8_t used = (uint8_t)(sending_to - sending_from) % SENT_BYTES_MAX;
  if (length >= SENT_BYTES_MAX - used) return; /* the host does not listen: an answer that is lost is unknown */
  for (uint8_t at = 0; at < length; at++) {
    sending[sending_to] = wire[at];
    sending_to = (uint8_t)((sending_to + 1) % SENT_BYTES_MAX);
  }
  UCSR0B |= _BV(UDRIE0);
}

static void tell_time(void) {
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) { device.now_ms = clock_ms; }
}

static void look_for_stops(void) {
  uint8_t wire[IONLINK_FRAME_BYTES_MAX];
  bool asked;
  if (!stop_seen) return;
  device_stop(&device);
  drive_output();
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    asked = stop_asked;
    stop_seen = stop_asked = false;
  }
  if (asked) send(wire, device_stopped(&device, wire));
}

static void look_for_frame(void) {
  uint8_t frame[STUFFED_BYTES_MAX], wire[IONLINK_FRAME_BYTES_MAX];
  if (arrived_bytes == 0) return;
  uint8_t length = arrived_bytes;
  memcpy(frame, arrived, length);
  arrived_bytes = 0; /* the next one may come while this one is answered */
  length = frame_decode(frame, length);
  if (length == 0) return;
  tell_time();
  length = device_take(&device, frame, length, wire);
  drive_output();
  send(wire, length);
}

static void start_scan(void) {
  scanning = 0;
  ADMUX = _BV(REFS0) | channel[0];
  ADCSRA |= _BV(ADSC);
}

/* A beat begins with a scan and ends with what follows from it. A converter that has not finished by the next beat
 * counts as one that cannot be believed. */
static void look_for_beat(void) {
  static bool scan_open;
  if (beat_due) {
    beat_due = false;
    if (scan_open) {
      const struct counts none = {UNREAD, UNREAD, UNREAD, UNREAD, UNREAD};
      device_control(&device, &none, false);
      drive_output();
    }
    scan_open = true;
    start_scan();
  }
  if (scan_done) {
    scan_done = scan_open = false;
    tell_time();
    const struct counts counts = {scanned[0], scanned[1], scanned[2], scanned[3], scanned[4]};
    device_control(&device, &counts, PIND & _BV(PD2));
    drive_output();
    wdt_reset();
  }
}

int main(void) {
  char serial[17] = {0};
  set_up();
  read_serial(serial);
  device_start(&device, next_boot(), cause_of_reset(), serial);
  drive_output();
  wdt_enable(WDTO_120MS);
  sei();
  for (;;) {
    look_for_stops();
    look_for_frame();
    look_for_beat();
    cli();
    if (!stop_seen && arrived_bytes == 0 && !beat_due && !scan_done) {
      sei(); /* the instruction after it is still executed before any interrupt */
      sleep_cpu();
    }
    sei();
  }
}
