/*
 * saccade_backend.h: the C ABI of a Saccade backend in a shared library.
 *
 *     saccade run --backend native:./libmine.so --spec small --video clip.mp4
 *
 * A library implements one of two depths, by exporting the functions of it:
 *
 *   whole model   (part A)  it takes a model and frames; scoring, learning and predicting are its own
 *   weight passes (part B)  it takes matrices and vectors; what lies between the passes is Saccade's
 *
 * What every number must be is said by backends/reference of the Saccade repository; `saccade conformance native:./libmine.so`
 * compares. examples/native_backend/example.c is a complete library of the second kind.
 *
 * Rules of the whole file:
 *   - Little-endian machines with pointers of eight bytes. Structs are laid out as C does it, without packing. `size` is the first
 *     field of a struct that may grow: the caller sets it to the bytes it knows of, and the library reads and writes no more.
 *   - Buffers are borrowed: they belong to the caller and are valid until the call returns. A library copies what it keeps. What a
 *     library gives out are opaque handles; each has one function that ends it, and NULL may be passed to that one.
 *   - Strings end with a zero byte and are UTF-8.
 *   - A function that can fail returns a status, and says why by saccade_last_error. It must not exit, throw or jump out.
 *   - Calls on one handle never overlap and come from one thread. Different sessions may be used by different threads.
 *   - Calls block. One that only starts its work may return before that is done: then every later call on the session waits for it.
 *   - Functions marked OPTIONAL may be left out. All others of a depth must be there, or the library is refused.
 */
#ifndef SACCADE_BACKEND_H
#define SACCADE_BACKEND_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised only by a breaking change. New functions are OPTIONAL, new fields stand at the end of their struct. */
#define SACCADE_ABI_VERSION 1u

#if defined(_WIN32)
#define SACCADE_EXPORT __declspec(dllexport)
#else
#define SACCADE_EXPORT __attribute__((visibility("default")))
#endif

typedef int32_t saccade_status;
enum {
  SACCADE_OK = 0,
  SACCADE_REFUSED = 1,  /* the model is of a kind that the library does not do: a TypeError */
  SACCADE_TOO_BIG = 2,  /* the model does not fit, or a length is wrong: a RangeError */
  SACCADE_LOST = 3,     /* the device is gone, with all its sessions: the run goes on from its last checkpoint on a new one */
  SACCADE_FAILED = 4    /* anything else */
};

typedef struct saccade_device saccade_device;

/* Kinds of devices. */
enum { SACCADE_CPU = 0, SACCADE_GPU = 1, SACCADE_NPU = 2, SACCADE_FPGA = 3 };

/* Bits of `traits`. */
enum {
  SACCADE_DETERMINISTIC = 1, /* equal inputs give equal bits, run after run on one machine; a saved state resumes bit for bit */
  SACCADE_DEFERS = 2         /* part A: heeds defer_every and defer_window, and takes states with pending updates */
};

typedef struct saccade_info {
  uint32_t size;
  uint32_t kind;            /* SACCADE_CPU ... */
  uint32_t traits;          /* SACCADE_DETERMINISTIC ... */
  uint32_t report_capacity; /* part A: reports that gather before one must be drained; at least 1024 */
  char name[32];            /* of the library: lower case, no spaces; the same for all its devices */
  char id[32];              /* of the device: unique in the library, letters, digits and underscores */
  char description[192];    /* one line for a person: model, instruction set, threads */
} saccade_info;

/* ---- Both depths ------------------------------------------------------------------------------------------------------- */

/* SACCADE_ABI_VERSION of the header that the library was compiled with. */
SACCADE_EXPORT uint32_t saccade_abi_version(void);

/* Why the last call of this thread failed, in one sentence that says what to do about it. Valid until the next call. */
SACCADE_EXPORT const char *saccade_last_error(void);

/* Describes a device, best first, counted from 0. `*info` is zeroed but for its size. Changes nothing, opens nothing.
 * A number beyond the last: SACCADE_TOO_BIG. */
SACCADE_EXPORT saccade_status saccade_describe(uint32_t device, saccade_info *info);

/* OPTIONAL: how many devices there are; 1 without it. None when the hardware is absent. */
SACCADE_EXPORT uint32_t saccade_device_count(void);

/* OPTIONAL, together: a device for all that follows; NULL is passed without them. `threads` is what the user asked for, 0 for no
 * wish. saccade_close comes after the end of all sessions. */
SACCADE_EXPORT saccade_status saccade_open(uint32_t device, uint32_t threads, saccade_device **opened);
SACCADE_EXPORT void saccade_close(saccade_device *device);

/* ---- Part A: whole models ---------------------------------------------------------------------------------------------- */

/* Where the values of all units come from: runs of the signal space of a step, which is flat:
 *   [frame | external | hidden outputs of the units]
 * The runs of unit u are start[u] ... start[u + 1] - 1; run r has `length[r]` values from `index[r]` on. `delay` counts steps since
 * they were published: 0 for frame and external values, 1 and more for hidden outputs. */
typedef struct saccade_sources {
  const uint32_t *start;  /* units + 1 */
  const uint32_t *index;  /* start[units] of each from here on */
  const uint32_t *length;
  const uint32_t *delay;
} saccade_sources;

/* Rules: what lies between the weight passes. */
enum { SACCADE_RULE_SACCADE = 1, SACCADE_RULE_2016 = 2016 };

/* Bits of `options`, for rule 2016. */
enum {
  SACCADE_LOGISTIC = 1,    /* the activation; polynomial without */
  SACCADE_DERIVATIVE = 2,  /* features of a signal block, behind the block itself and in this order: half its change, */
  SACCADE_INTEGRAL = 4,    /*   its running integral, */
  SACCADE_ERROR = 8,       /*   half the error of its prediction, */
  SACCADE_PREVIOUS = 16,   /*   the block of the step before */
  SACCADE_TWO_STEPS = 32,  /* outputs are the next two signals */
  SACCADE_NORMALISE = 64,  /* hidden outputs are published between their running extremes */
  SACCADE_AUTOENCODER = 128 /* the target is the signal of the step before */
};

/* A compiled model (model/plan.ts has the same fields). Unit u has an encoder of [hidden, inputs[u]] and a decoder of
 * [outputs[u], hidden + 1], row by row. */
typedef struct saccade_plan {
  uint32_t size;
  uint32_t rule;
  uint32_t options;         /* rule 2016 */
  uint32_t width;           /* the frame: rows, columns, channels */
  uint32_t height;
  uint32_t channels;
  uint32_t external_motion; /* external values: the motion candidate, 0 or as many as the frame, */
  uint32_t external_parts;  /*   and hidden outputs of other parts of a model that was split */
  uint32_t hidden;          /* H */
  uint32_t layers;
  uint32_t units;
  uint32_t max_delay;       /* the longest delay: how many published states are kept */
  uint32_t motion_radius;   /* rule saccade */
  uint32_t defer_every;     /* deferred updates; may be ignored without SACCADE_DEFERS. 0 is none */
  uint32_t defer_window;
  uint32_t reserved;
  double tau;               /* rule 2016: time constant of the integral, */
  double momentum;          /*   mu of both matrices, */
  double bias;              /*   the value of the bias units, 0 or 1 */
  double encoder_rate;      /* rule saccade */
  double decoder_rate;
  const uint32_t *layer_start;  /* layers + 1: the units of layer l are layer_start[l] ... layer_start[l + 1] - 1 */
  saccade_sources signal;       /* what each unit predicts */
  saccade_sources window;       /* rule saccade, layer 0: the pixels whose change it sees; no runs elsewhere */
  saccade_sources motion;       /* rule saccade, layer 0 with motion: the candidate of its tile; no runs elsewhere */
  saccade_sources context;      /* the hidden outputs that give each unit context */
  const uint8_t *context_kind;  /* of each run in `context`: 0 lateral, 1 feedback */
  const uint32_t *block;        /* units: values in a signal block, whose features stand together (rule 2016) */
  const uint32_t *inputs;       /* units: columns of the encoder: features, contexts, bias */
  const uint32_t *outputs;      /* units: rows of the decoder */
  const uint8_t *encoder_mask;  /* a byte for each weight in the order of the tensors, 0 is pruned: neither read nor written, it */
  const uint8_t *decoder_mask;  /*   counts as 0. Both are NULL where nothing is pruned */
} saccade_plan;

/* A tensor of a state: flat, in unit order, by the name that stateLengths in model/state.ts gives it. */
typedef struct saccade_tensor {
  const char *name;
  const float *data;
  uint64_t length;
} saccade_tensor;

/* The state of a model between two steps: all tensors of its plan. */
typedef struct saccade_state {
  uint32_t size;
  uint32_t started;       /* 0 for a state that nobody has run: rule 2016 predicts once, on zero inputs, when it is loaded */
  uint64_t step;          /* frames seen */
  uint64_t tensor_count;
  const saccade_tensor *tensors;
  const uint32_t *first;  /* layers: 1 where the schedule lets a layer learn in step 0: there that prediction moves the extremes */
  uint32_t deferred;      /* SACCADE_DEFERS: 1 when the matrices lack what the tensors "pairs.*" hold (model/pairs.ts) */
  uint32_t reserved;
} saccade_state;

/* What a frame is made of. */
enum { SACCADE_U8 = 0 /* a value is byte / 255 */, SACCADE_F32 = 1 /* in [0, 1] */ };

/* One step: score the last prediction, learn from it, observe the frame, predict the next. The schedule is worked out by the caller. */
typedef struct saccade_step {
  uint32_t size;
  uint32_t frame_type;
  uint64_t number;          /* of this step: frames seen before it */
  uint64_t learned;         /* steps learned from, this one included (rule saccade: k) */
  uint32_t learn;           /* 0 leaves weights, momentum, combiner, running means and extremes as they are */
  float lateral;            /* context factors of this step: 0 or 1 */
  float feedback;
  uint32_t reserved;
  const float *rates;       /* layers: the rate of this step, the wish of the caller multiplied in */
  const uint32_t *learning; /* layers: bit 0 says that the schedule lets the layer learn now (though `rates` may be 0), bit 1 in the
                               next step. Rule 2016 goes by it; rule saccade learns from step 2 on wherever `learn` is not 0 */
} saccade_step;

/* What gathered since the last report, in total. Zero where a library does not know. */
typedef struct saccade_report {
  uint32_t size;
  uint32_t reserved;
  uint64_t steps;
  double macs;          /* multiply-accumulates with weights */
  double bytes_read;    /* of weights and momentum */
  double bytes_written;
  double device_ns;     /* nanoseconds that the device worked; 0 for unknown */
  double waited_ns;     /* nanoseconds that the thread which called saccade_step waited for others of the library */
} saccade_report;

/* Bytes that a session holds; constant while it runs. */
typedef struct saccade_memory {
  uint32_t size;
  uint32_t reserved;
  double weights; /* weights and momentum, padding included */
  double total;   /* all there is: these, the rest of the state, room to work in */
} saccade_memory;

typedef struct saccade_session saccade_session;

/* Whether the device takes a model; allocates nothing. What a library does not do it refuses here: delays above 1, masks, a rule,
 * more than there is room for. SACCADE_OK, or SACCADE_REFUSED or SACCADE_TOO_BIG with all reasons in
 * `reasons` (at most `capacity` bytes with the zero): sentences, each on a line of its own. */
SACCADE_EXPORT saccade_status saccade_accepts(
    saccade_device *device, const saccade_plan *plan, char *reasons, uint64_t capacity);

/* Makes a running model. The caller has checked that the tensors are those of the plan. */
SACCADE_EXPORT saccade_status saccade_load(
    saccade_device *device, const saccade_plan *plan, const saccade_state *state, saccade_session **loaded);

/* One step. `frame` has width * height * channels values as frame_type says, `external` as many as the plan names or is NULL. The
 * lengths have been checked, and that there is room for the report. */
SACCADE_EXPORT saccade_status saccade_run_step(
    saccade_session *session, const void *frame, const float *external, const saccade_step *step);

/* Drains the reports of all steps since the last call: `mse` gets the mean squared error of each layer, step by step, layer 0
 * being the frame; `capacity` is how many doubles it holds. */
SACCADE_EXPORT saccade_status saccade_drain(
    saccade_session *session, double *mse, uint64_t capacity, saccade_report *report);

/* Copies a tensor: one of the state by its name, or "error" (as long as "signal"; of the prediction that was scored last). */
SACCADE_EXPORT saccade_status saccade_read(
    saccade_session *session, const char *name, float *into, uint64_t length);

SACCADE_EXPORT saccade_status saccade_measure(saccade_session *session, saccade_memory *memory);

SACCADE_EXPORT void saccade_unload(saccade_session *session);

/* OPTIONAL: joules that the device has used, a cumulative counter, and what it counts in `scope`. */
SACCADE_EXPORT saccade_status saccade_energy(
    saccade_device *device, double *joules, char *scope, uint64_t capacity);

/* ---- Part B: the three weight passes ----------------------------------------------------------------------------------- */

/* The matrices of a model: those of unit u are an encoder of [hidden, inputs[u]] and a decoder of [outputs[u], hidden + 1]. */
typedef struct saccade_shapes {
  uint32_t size;
  uint32_t units;
  uint32_t hidden;          /* H */
  uint32_t has_momentum;    /* 1 under rule 2016 */
  double momentum;          /* mu */
  const uint32_t *inputs;   /* units */
  const uint32_t *outputs;  /* units */
} saccade_shapes;

/* All matrices of a model, row by row, unit after unit. Momentum is NULL where there is none. */
typedef struct saccade_weights {
  float *encoder;
  float *decoder;
  float *encoder_momentum;
  float *decoder_momentum;
} saccade_weights;

/* Loaded weights. To learn a term d x' at rate r is W += r d x', or with momentum M = r d x' + mu M, W += M; it happens to unit u
 * where learns[u] is 1, at rates[u]. Where it is 0 its weights and momentum stay as they are. Vectors are flat, unit after unit: H
 * values a unit in `deltas` and in `out` of saccade_encode, H + 1 in `hidden` (the bias last) and `back`, inputs[u] or outputs[u]
 * in the others. All units go through a pass in one call. */
typedef struct saccade_passes saccade_passes;

/* OPTIONAL: what stands against these matrices; as saccade_accepts. */
SACCADE_EXPORT saccade_status saccade_passes_accept(
    saccade_device *device, const saccade_shapes *shapes, char *reasons, uint64_t capacity);

/* Copies shapes and weights. */
SACCADE_EXPORT saccade_status saccade_passes_load(
    saccade_device *device, const saccade_shapes *shapes, const saccade_weights *weights, saccade_passes **loaded);

/* Pass 1, decoders: back = W' errors with the weights as they are, then W learns errors hidden'. The last of the H + 1 values of
 * `back` is not looked at, and units that do not learn may leave theirs. */
SACCADE_EXPORT saccade_status saccade_send_back(
    saccade_passes *passes, const float *errors, const float *hidden, const uint8_t *learns, const float *rates, float *back);

/* Pass 2, encoders: W learns deltas inputs', then out = W next. */
SACCADE_EXPORT saccade_status saccade_encode(
    saccade_passes *passes, const float *deltas, const float *inputs, const uint8_t *learns, const float *rates,
    const float *next, float *out);

/* Pass 3, decoders: out = W hidden. */
SACCADE_EXPORT saccade_status saccade_decode(saccade_passes *passes, const float *hidden, float *out);

/* Copies the weights as they are now into the caller's buffers. */
SACCADE_EXPORT saccade_status saccade_passes_save(saccade_passes *passes, const saccade_weights *into);

SACCADE_EXPORT void saccade_passes_unload(saccade_passes *passes);

#ifdef __cplusplus
}
#endif

#endif
