/* A library of whole models that computes nothing: it counts its steps, and fails as the macros say that it is compiled with. */
#include "saccade_backend.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VERSION
#define VERSION SACCADE_ABI_VERSION
#endif
#ifndef CAPACITY
#define CAPACITY 1024
#endif
#ifndef NAME
#define NAME "double"
#endif
#ifndef ABORT_AT /* the step in whose middle the process ends */
#define ABORT_AT -1
#endif
#ifndef LOST_AT /* the step at which the device is gone */
#define LOST_AT -1
#endif
#ifndef PRINT_AT /* the step that writes to standard output */
#define PRINT_AT -1
#endif
#ifndef REFUSALS
#define REFUSALS ""
#endif

struct saccade_session {
  uint32_t layers;
  uint64_t drained, step;
  float frame;
};

static char error[256] = "";
static int sessions = 0;

uint32_t saccade_abi_version(void) { return VERSION; }
const char *saccade_last_error(void) { return error; }

saccade_status saccade_describe(uint32_t device, saccade_info *info) {
  (void)device;
  info->kind = SACCADE_NPU;
  info->report_capacity = CAPACITY;
  strcpy(info->name, NAME);
  strcpy(info->id, "0");
  strcpy(info->description, "computes nothing");
  return SACCADE_OK;
}

saccade_status saccade_accepts(saccade_device *device, const saccade_plan *plan, char *reasons, uint64_t capacity) {
  (void)device, (void)plan;
  snprintf(reasons, capacity, "%s", REFUSALS);
  return *REFUSALS ? SACCADE_REFUSED : SACCADE_OK;
}

saccade_status saccade_load(
    saccade_device *device, const saccade_plan *plan, const saccade_state *state, saccade_session **loaded) {
  (void)device;
  if (sessions > 0) return strcpy(error, "There is room for one session"), SACCADE_TOO_BIG;
  *loaded = calloc(1, sizeof **loaded);
  (*loaded)->layers = plan->layers;
  (*loaded)->drained = (*loaded)->step = state->step;
  sessions++;
  return SACCADE_OK;
}

saccade_status saccade_run_step(
    saccade_session *s, const void *frame, const float *external, const saccade_step *step) {
  (void)external;
  if (step->number != s->step) return snprintf(error, sizeof error, "It is not step %u yet", (unsigned)step->number), SACCADE_FAILED;
  if ((int64_t)s->step == ABORT_AT) abort();
  if ((int64_t)s->step == LOST_AT) return strcpy(error, "The device fell off the bus"), SACCADE_LOST;
  if ((int64_t)s->step == PRINT_AT) puts("hello"), fflush(stdout);
  s->frame = step->frame_type == SACCADE_U8 ? *(const uint8_t *)frame / 255.0f : *(const float *)frame;
  s->step++;
  return SACCADE_OK;
}

saccade_status saccade_drain(saccade_session *s, double *mse, uint64_t capacity, saccade_report *report) {
  for (uint64_t i = 0; i < capacity; i++) mse[i] = 0.25;
  report->steps = s->step - s->drained;
  s->drained = s->step;
  return SACCADE_OK;
}

saccade_status saccade_read(saccade_session *s, const char *name, float *into, uint64_t length) {
  (void)name;
  for (uint64_t i = 0; i < length; i++) into[i] = s->frame;
  return SACCADE_OK;
}

saccade_status saccade_measure(saccade_session *s, saccade_memory *memory) {
  memory->weights = sizeof *s;
  memory->total = sizeof *s;
  return SACCADE_OK;
}

#ifndef NO_UNLOAD
void saccade_unload(saccade_session *s) {
  if (s) sessions--;
  free(s);
}
#endif

#ifdef WITH_ENERGY
saccade_status saccade_energy(saccade_device *device, double *joules, char *scope, uint64_t capacity) {
  (void)device;
  *joules = 1.5;
  snprintf(scope, capacity, "the whole board");
  return SACCADE_OK;
}
#endif
