/* A whole native backend: the three weight passes as plain loops, both rules. Each function is explained in saccade_backend.h.
 *
 *     cc -O3 -shared -fPIC -I backends/native -o libexample.so examples/native_backend/example.c
 *     saccade run --backend native:./libexample.so --spec tiny --steps 50
 */
#include "saccade_backend.h"
#include <stdlib.h>
#include <string.h>

struct saccade_passes {
  uint32_t units, hidden, *inputs, *outputs;
  size_t length[2];
  float mu, *w[2], *m[2]; /* encoders and decoders, weights and momentum; under rule saccade there is none of that */
};

static const char *error = "";

uint32_t saccade_abi_version(void) { return SACCADE_ABI_VERSION; }
const char *saccade_last_error(void) { return error; }

saccade_status saccade_describe(uint32_t device, saccade_info *info) {
  if (device > 0) return error = "There is one device", SACCADE_TOO_BIG;
  info->traits = SACCADE_DETERMINISTIC;
  strcpy(info->name, "example");
  strcpy(info->id, "c");
  strcpy(info->description, "plain loops in C, one thread");
  return SACCADE_OK;
}

saccade_status saccade_passes_load(
    saccade_device *device, const saccade_shapes *s, const saccade_weights *w, saccade_passes **loaded) {
  const float *from[4] = {w->encoder, w->decoder, w->encoder_momentum, w->decoder_momentum};
  size_t length[2] = {0, 0};
  for (uint32_t u = 0; u < s->units; u++) {
    length[0] += (size_t)s->hidden * s->inputs[u];
    length[1] += (size_t)s->outputs[u] * (s->hidden + 1);
  }
  saccade_passes *p = malloc(sizeof *p + 8 * s->units + 4 * (1 + s->has_momentum) * (length[0] + length[1]));
  (void)device; /* NULL: there is no saccade_open */
  if (!p) return error = "There is no memory left for the weights", SACCADE_TOO_BIG;
  *p = (saccade_passes){s->units, s->hidden, 0, 0, {length[0], length[1]}, (float)s->momentum, {0}, {0}};
  p->inputs = memcpy(p + 1, s->inputs, 4 * s->units);
  p->outputs = memcpy(p->inputs + s->units, s->outputs, 4 * s->units);
  float *at = (float *)(p->outputs + s->units);
  for (int i = 0; i < (s->has_momentum ? 4 : 2); at += length[i++ % 2])
    (i < 2 ? p->w : p->m)[i % 2] = memcpy(at, from[i], 4 * length[i % 2]);
  return *loaded = p, SACCADE_OK;
}

void saccade_passes_unload(saccade_passes *p) { free(p); }

/* One row of a matrix: w += d x, through its momentum where there is one. */
static void learn(float *w, float *m, float mu, float d, const float *x, uint32_t columns) {
  for (uint32_t j = 0; j < columns; j++) w[j] += m ? (m[j] = d * x[j] + mu * m[j]) : d * x[j];
}

static float dot(const float *w, const float *x, uint32_t columns) {
  float sum = 0;
  for (uint32_t j = 0; j < columns; j++) sum += w[j] * x[j];
  return sum;
}

saccade_status saccade_send_back(saccade_passes *p, const float *errors, const float *hidden, const uint8_t *learns,
                                 const float *rates, float *back) {
  float *w = p->w[1], *m = p->m[1];
  const uint32_t n = p->hidden + 1;
  for (uint32_t u = 0; u < p->units; u++, hidden += n, back += n) {
    memset(back, 0, sizeof(float) * n);
    for (uint32_t i = 0; i < p->outputs[u]; i++, errors++, w += n, m = m ? m + n : NULL) {
      for (uint32_t j = 0; j < n; j++) back[j] += w[j] * *errors;
      if (learns[u]) learn(w, m, p->mu, rates[u] * *errors, hidden, n);
    }
  }
  return SACCADE_OK;
}

saccade_status saccade_encode(saccade_passes *p, const float *deltas, const float *inputs, const uint8_t *learns,
                              const float *rates, const float *next, float *out) {
  float *w = p->w[0], *m = p->m[0];
  for (uint32_t u = 0, n; u < p->units; u++, inputs += n, next += n)
    for (uint32_t i = (n = p->inputs[u], 0); i < p->hidden; i++, deltas++, w += n, m = m ? m + n : NULL) {
      if (learns[u]) learn(w, m, p->mu, rates[u] * *deltas, inputs, n);
      *out++ = dot(w, next, n);
    }
  return SACCADE_OK;
}

saccade_status saccade_decode(saccade_passes *p, const float *hidden, float *out) {
  const float *w = p->w[1];
  for (uint32_t u = 0, n = p->hidden + 1; u < p->units; u++, hidden += n)
    for (uint32_t i = 0; i < p->outputs[u]; i++, w += n) *out++ = dot(w, hidden, n);
  return SACCADE_OK;
}

saccade_status saccade_passes_save(saccade_passes *p, const saccade_weights *into) {
  float *to[4] = {into->encoder, into->decoder, into->encoder_momentum, into->decoder_momentum};
  for (int i = 0; i < (p->m[0] ? 4 : 2); i++) memcpy(to[i], (i < 2 ? p->w : p->m)[i % 2], 4 * p->length[i % 2]);
  return SACCADE_OK;
}
