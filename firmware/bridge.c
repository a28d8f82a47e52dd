/* Runs the firmware in simavr, step by step, as somebody at the other end of two pipes says.
 *
 * A request is a letter and its numbers, little-endian; an answer comes to `S` alone.
 *   S us:u32 stop:u8 mv:u16[3] length:u16 bytes   run for so long, with these voltages at the converter's pins,
 *                                                 the stop button pressed (1) or not, these bytes on their way
 *     current:u16 compliance:u16 pins:u8 resets:u8 length:u16 bytes
 *                                                 what the output's converter holds; relay (1), positive (2);
 *                                                 restarts since the last answer; what was sent
 *   R mcusr:u8                                    reset with this cause
 *   W address:u16 value:u8                        write into the data space: a register that fails
 *   E address:u16 value:u8                        write into the EEPROM
 * It ends when its input does. Bytes arrive at the speed of the line, because simavr's port takes them so.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "avr_adc.h"
#include "avr_eeprom.h"
#include "avr_ioport.h"
#include "avr_spi.h"
#include "avr_uart.h"
#include "sim_avr.h"
#include "sim_elf.h"

#define MHZ 16
#define WAITING_MAX 8192 /* more than this on its way to the device is lost, as on a line */
#define SENT_MAX 8192
#define PINB_AT 0x23
#define PIND_AT 0x29
#define MCUSR_AT 0x54

static avr_t *avr;
static FILE *answers;
static uint8_t waiting[WAITING_MAX], sent[SENT_MAX];
static unsigned waiting_bytes, sent_bytes;
static bool ready_for_byte;
static uint16_t converter[2], shifted;
static uint8_t shifted_bytes, resets;

static void fail(const char *what) {
  fprintf(stderr, "bridge: %s\n", what);
  exit(1);
}

/* --- what the firmware does ------------------------------------------------------------------------------ */
static void on_sent(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  if (sent_bytes < SENT_MAX) sent[sent_bytes++] = (uint8_t)value;
}

static void on_ready(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)value;
  ready_for_byte = param != NULL;
}

static void on_shifted(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  shifted = (uint16_t)(shifted << 8 | (value & 0xFF));
  shifted_bytes++;
}

/* The converter takes a word over when its select line rises, and only a whole one. */
static void on_select(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  if (value && shifted_bytes == 2) converter[shifted >> 15] = shifted & 0x0FFF;
  if (value) shifted_bytes = 0;
}

static void on_reset(avr_t *of) {
  (void)of;
  resets++;
  ready_for_byte = true;
}

static void do_not_sleep(avr_t *of, avr_cycle_count_t cycles) { (void)of, (void)cycles; }

static avr_cycle_count_t wake(avr_t *of, avr_cycle_count_t when, void *param) {
  (void)of, (void)when, (void)param;
  return 0;
}

/* --- what the world does --------------------------------------------------------------------------------- */
static void hand_over_bytes(void) {
  avr_irq_t *input = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
  unsigned given = 0;
  while (ready_for_byte && given < waiting_bytes) avr_raise_irq(input, waiting[given++]);
  waiting_bytes -= given;
  memmove(waiting, waiting + given, waiting_bytes);
}

static void run(uint32_t us) {
  avr_cycle_count_t end = avr->cycle + (avr_cycle_count_t)us * MHZ;
  while (avr->cycle < end) {
    hand_over_bytes();
    avr_cycle_timer_register(avr, end - avr->cycle, wake, NULL);
    int state = avr_run(avr);
    if (state == cpu_Done || state == cpu_Crashed) fail("the processor has crashed");
  }
  avr_cycle_timer_cancel(avr, wake, NULL);
}

/* What drives the pin from outside is kept over a reset and outweighs the pull-up; the pin itself is set as well,
 * because simavr looks at the former only when the firmware writes to its port. */
static void set_stop_line(bool pressed) {
  avr_ioport_external_t outside = {.name = 'D', .mask = 4, .value = pressed ? 4 : 0};
  avr_ioctl(avr, AVR_IOCTL_IOPORT_SET_EXTERNAL('D'), &outside);
  avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('D'), 2), pressed);
  avr->data[PIND_AT] = (uint8_t)((avr->data[PIND_AT] & ~4) | (pressed ? 4 : 0));
}

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
  for (unsigned at = 0; at < bytes; at++) fputc((int)(value >> 8 * at & 0xFF), answers);
}

static void step(void) {
  uint32_t us = take(4);
  set_stop_line(take(1));
  for (int pin = 0; pin < 3; pin++)
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0 + pin), take(2));
  for (uint32_t left = take(2); left > 0; left--) {
    uint8_t byte = (uint8_t)take(1);
    if (waiting_bytes < WAITING_MAX) waiting[waiting_bytes++] = byte;
  }
  run(us);
  uint8_t port_b = avr->data[PINB_AT + 2] & avr->data[PINB_AT + 1];
  uint8_t port_d = avr->data[PIND_AT + 2] & avr->data[PIND_AT + 1];
  give(converter[0], 2);
  give(converter[1], 2);
  give((port_d >> 4 & 1) | (port_b & 1) << 1, 1);
  give(resets, 1);
  give(sent_bytes, 2);
  fwrite(sent, 1, sent_bytes, answers);
  fflush(answers);
  sent_bytes = resets = 0;
}

static void reset(uint8_t cause) {
  avr_reset(avr);
  avr->data[MCUSR_AT] = cause;
}

static void write_eeprom(uint16_t address, uint8_t value) {
  avr_eeprom_desc_t place = {.ee = &value, .offset = address, .size = 1};
  avr_ioctl(avr, AVR_IOCTL_EEPROM_SET, &place);
}

/* --- start ------------------------------------------------------------------------------------------------ */
static void listen(uint32_t group, int index, avr_irq_notify_t notify, void *param) {
  avr_irq_register_notify(avr_io_getirq(avr, group, index), notify, param);
}

static void start(const char *path) {
  elf_firmware_t firmware;
  memset(&firmware, 0, sizeof firmware);
  if (elf_read_firmware(path, &firmware) != 0) fail("the firmware cannot be read");
  avr = avr_make_mcu_by_name("atmega328p");
  if (avr == NULL) fail("simavr does not know the processor");
  avr_init(avr);
  avr->frequency = MHZ * 1000000UL;
  avr->vcc = avr->avcc = avr->aref = 5000;
  avr->log = LOG_ERROR;
  avr_load_firmware(avr, &firmware);
  avr->sleep = do_not_sleep;
  avr->reset = on_reset;
  uint32_t flags = 0;
  avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
  listen(AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT, on_sent, NULL);
  listen(AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XON, on_ready, avr);
  listen(AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XOFF, on_ready, NULL);
  listen(AVR_IOCTL_SPI_GETIRQ(0), SPI_IRQ_OUTPUT, on_shifted, NULL);
  listen(AVR_IOCTL_IOPORT_GETIRQ('B'), 2, on_select, NULL);
  set_stop_line(false);
  ready_for_byte = true;
}

int main(int count, char **words) {
  if (count != 2) fail("usage: bridge FIRMWARE.elf");
  /* simavr speaks to the standard output; what it says there belongs with the complaints. */
  answers = fdopen(dup(STDOUT_FILENO), "wb");
  if (answers == NULL || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) fail("no output");
  start(words[1]);
  for (;;) {
    switch (take(1)) {
      case 'S': step(); break;
      case 'R': reset((uint8_t)take(1)); break;
      case 'W': {
        uint16_t address = (uint16_t)take(2);
        avr->data[address] = (uint8_t)take(1);
        break;
      }
      case 'E': {
        uint16_t address = (uint16_t)take(2);
        write_eeprom(address, (uint8_t)take(1));
        break;
      }
      default: fail("a request that is none");
    }
  }
}
