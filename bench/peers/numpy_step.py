"""The step of a model that export.ts has written, in numpy: units of equal shape in one batch, float32, in place.

    python numpy_step.py FOLDER THREADS chunks|einsum

The last argument is how passes over weights are done: numpy_passes.py has both.

One JSON object a line: {"command": "verify", "steps": 6, "to": FILE} runs steps from the first state and writes all tensors,
{"command": "time", "ms": 600} runs steps for a while. BLAS is kept to one thread by whoever starts this; THREADS share out the
groups, which is what numpy leaves to its user: its loops over arrays run on one thread, but let others run meanwhile.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy_passes import PASSES

f32 = np.float32


class Model:
    """What the folder holds; tensors are copies that may be written."""

    def __init__(self, folder):
        with open(folder + "/model.json") as file:
            self.__dict__.update(json.load(file))
        self.data = np.memmap(folder + "/model.bin", np.uint8, "r")

    def tensor(self, name):
        placed = self.tensors.get(name)
        if placed is None:
            return None
        kind = {"f32": np.float32, "i32": np.int32, "u8": np.uint8}[placed["type"]]
        count = int(np.prod(placed["shape"]))
        values = np.frombuffer(self.data, kind, count, placed["at"]).reshape(placed["shape"])
        # Indices of the machine's own width: others would be converted in every step.
        return values.astype(np.intp if kind == np.int32 else kind)


class Reader:
    """What a group reads: of layer 0 its signal comes from the frame, all else is rows of hidden outputs."""

    def __init__(self, model, index, group):
        self.ground = group["ground"]
        self.signal = model.tensor(f"{index}.signal")
        self.context = model.tensor(f"{index}.context")
        self.hidden = model.hidden

    def read_signal(self, frame, published, out):
        if self.ground:
            np.take(frame, self.signal, out=out, mode="clip")
        else:
            self.read_rows(published, self.signal, out)

    def read_context(self, published, out):
        if self.context is not None:
            self.read_rows(published, self.context, out)

    def read_rows(self, published, units, out):
        np.take(published, units, axis=0, out=out.reshape(*units.shape, self.hidden), mode="clip")


def activate(z):
    """z / (2 (|z| + 1)) + 1/2, in place."""
    low = np.abs(z)
    low += f32(1)
    low *= f32(2)
    z /= low
    z += f32(0.5)


def slope(a):
    """1/2 (1 - |2 a - 1|)^2, from the activation."""
    out = a * f32(2)
    out -= f32(1)
    np.abs(out, out=out)
    np.subtract(f32(1), out, out=out)
    out *= out
    out *= f32(0.5)
    return out


class Group2016:
    """Units of equal shape under rule 2016, with two-step prediction and normalised outputs."""

    def __init__(self, model, index, group, matrix):
        g, H, n, m = len(group["units"]), model.hidden, group["inputs"], group["outputs"]
        q, block = group["signal"], group["block"]
        self.q = q
        self.mu = f32(model.rule["momentum"])
        self.units = np.array(group["units"])
        self.reader = Reader(model, index, group)
        self.rate = model.tensor(f"{index}.rate")[:, None]
        self.encoder = matrix(model.tensor(f"{index}.encoder"), True)
        self.decoder = matrix(model.tensor(f"{index}.decoder"), True)
        zeros = lambda *shape: np.zeros(shape, f32)
        # Two-step prediction learns from the step before the last one: buffers change places, and the encoder, which learns from
        # one input and predicts from another while a third waits, has three. The last values are the bias units.
        self.x, self.lag_x, self.spare = zeros(g, n), zeros(g, n), zeros(g, n)
        self.h, self.lag_h = zeros(g, H + 1), zeros(g, H + 1)
        self.p, self.lag_p = zeros(g, m), zeros(g, m)
        for values in (self.x, self.lag_x, self.spare, self.h, self.lag_h):
            values[:, -1] = 1
        self.last, self.now = zeros(g, q), zeros(g, q)
        self.dz, self.back = zeros(g, m), zeros(g, H + 1)
        self.minimum, self.maximum = zeros(g, H), np.ones((g, H), f32)
        self.blocks = (g, q // block, block)
        self.features = (g, q // block, 2, block)

    def start(self, publishing):
        self.encoder.product(self.x, self.h[:, :-1])
        self.predict(publishing)

    def step(self, frame, published, publishing, squares, t):
        q, now, last = self.q, self.now, self.last
        # score
        self.reader.read_signal(frame, published, now)
        error = now - self.p[:, :q]
        squares[self.units] = np.einsum("gi,gi->g", error, error)
        # learn, from what was computed a step earlier
        dz = self.dz
        dz[:, :q] = last
        dz[:, q:] = now
        dz -= self.lag_p
        dz *= slope(self.lag_p)
        dz *= self.rate
        self.decoder.back(dz, self.back)
        dh = self.back[:, :-1] * slope(self.lag_h[:, :-1])
        self.decoder.update(dz, self.lag_h, self.mu)
        # observe
        x = self.spare
        features = x[:, : 2 * q].reshape(self.features)
        features[:, :, 0] = now.reshape(self.blocks)
        features[:, :, 1] = last.reshape(self.blocks)
        self.reader.read_context(published, x[:, 2 * q : -1])
        self.now, self.last = last, now
        # predict
        self.h, self.lag_h = self.lag_h, self.h
        self.p, self.lag_p = self.lag_p, self.p
        self.encoder.update(dh, self.lag_x, self.mu, then=(x, self.h[:, :-1]))
        self.x, self.lag_x, self.spare = x, self.x, self.lag_x
        self.predict(publishing)

    def predict(self, publishing):
        h = self.h[:, :-1]
        activate(h)
        self.decoder.product(self.h, self.p)
        activate(self.p)
        low, high = self.minimum, self.maximum
        np.minimum(h, low, out=low)
        low += f32(1e-6)
        np.maximum(h, high, out=high)
        high -= f32(1e-6)
        out = h - low
        out /= high - low
        publishing[self.units] = out

    def state(self):
        return [self.encoder.weights, self.decoder.weights, self.p]


class GroupSaccade:
    """Units of equal shape under rule saccade, with its constants."""

    def __init__(self, model, index, group, matrix):
        g, H, n = len(group["units"]), model.hidden, group["inputs"]
        q = self.q = group["signal"]
        self.ground = group["ground"]
        self.units = np.array(group["units"])
        self.hidden, self.inputs = H, n
        self.reader = Reader(model, index, group)
        self.window = model.tensor(f"{index}.window")
        self.motion = model.tensor(f"{index}.motion")
        self.prior = f32(0.7 if self.motion is not None else 0)
        # The multiplier of the schedule, and both rates.
        self.rate = model.tensor(f"{index}.rate")
        self.encoder_rate = f32(model.rule["encoderRate"])
        self.decoder_rate = f32(model.rule["decoderRate"])
        self.encoder = matrix(model.tensor(f"{index}.encoder"), False)
        self.decoder = matrix(model.tensor(f"{index}.decoder"), False)
        zeros = lambda *shape: np.zeros(shape, f32)
        self.x, self.spare, self.h = zeros(g, n), zeros(g, n), zeros(g, H + 1)
        for values in (self.x, self.spare, self.h):
            values[:, -1] = 1
        self.p, self.y, self.now, self.z, self.m = (zeros(g, q) for _ in range(5))
        self.back = zeros(g, H + 1)
        self.scale = np.full(g, 0.005, f32)
        self.variance, self.power = zeros(g), zeros(g)
        self.moments, self.products, self.weights = zeros(3, g), zeros(2, g), zeros(2, g)
        self.weights[1] = self.prior
        if self.window is not None:
            self.seen, self.before = zeros(*self.window.shape), zeros(*self.window.shape)

    def start(self, publishing):
        publishing[self.units] = 0

    def step(self, frame, published, publishing, squares, t):
        # score
        now = self.now
        self.reader.read_signal(frame, published, now)
        if t == 0:
            self.y[...] = now
            self.p[...] = now
        error = now - self.p
        squares[self.units] = np.einsum("gi,gi->g", error, error)
        change = now - self.y
        learned = self.learn(change, t - 1) if t >= 2 else None
        old, x = self.x, self.spare
        self.observe(frame, published, x, change, t)
        # predict: the encoder learns and predicts in one go
        h = self.h[:, :-1]
        if learned is None:
            self.encoder.product(x, h)
        else:
            self.encoder.update(learned, old, then=(x, h))
        self.x, self.spare = x, old
        low = np.abs(h)
        low += f32(1)
        h /= low
        self.decoder.product(self.h, self.z)
        p = self.p
        np.multiply(self.z, (self.weights[0] * self.scale)[:, None], out=p)
        p += self.y
        p += self.m * self.weights[1][:, None]
        np.clip(p, f32(0 if self.ground else -1), f32(1), out=p)
        publishing[self.units] = h

    def learn(self, change, k):
        """Combiner, means, error and decoder; what the encoder's rows learn, rates included."""
        s, z, m, x, h = self.scale, self.z, self.m, self.x, self.h
        dot = lambda a, b: np.einsum("gi,gi->g", a, b)
        # 1
        A, B, w = self.moments, self.products, self.weights
        A *= f32(0.998)
        B *= f32(0.998)
        A[0] += s * s * dot(z, z)
        A[1] += s * dot(z, m)
        A[2] += dot(m, m)
        B[0] += s * dot(z, change)
        B[1] += dot(m, change)
        a11, a12, a22, b1, b2 = A[0] + f32(1), A[1], A[2] + f32(1), B[0], B[1] + self.prior
        determinant = a11 * a22 - a12 * a12
        w[0] = (b1 * a22 - a12 * b2) / determinant
        w[1] = (a11 * b2 - a12 * b1) / determinant
        # 2
        r = f32(max(1 / k, 0.001))
        xx = dot(x, x)
        self.variance += r * (dot(change, change) / f32(self.q) - self.variance)
        self.power += r * (xx - self.power)
        # 3
        e = m * -w[1][:, None]
        e += change
        e /= s[:, None]
        e -= z
        np.clip(e, f32(-4), f32(4), out=e)
        gate = self.rate * s * s / (s * s + np.maximum(self.variance, f32(0.0015**2)))
        # 4
        self.decoder.back(e, self.back)
        rest = np.abs(h[:, :-1])
        np.subtract(f32(1), rest, out=rest)
        rest *= rest
        dh = self.back[:, :-1] * rest
        # 5: the last of h is 1
        e *= (self.decoder_rate * gate / (f32(0.25 * self.hidden) + dot(h, h)))[:, None]
        dh *= (self.encoder_rate * gate / (self.power + xx + f32(0.001 * self.inputs)))[:, None]
        self.decoder.update(e, h)
        return dh

    def observe(self, frame, published, x, change, t):
        now, q = self.now, self.q
        floor = f32(0.005**2)
        if self.ground:
            width = self.window.shape[1]
            self.seen, self.before = self.before, self.seen
            np.take(frame, self.window, out=self.seen, mode="clip")
            features = x[:, :width]
            np.subtract(self.seen, self.before if t > 0 else self.seen, out=features)
            np.sqrt(np.einsum("gi,gi->g", features, features) / f32(width) + floor, out=self.scale)
            if self.motion is not None:
                np.take(frame, self.motion, out=self.m, mode="clip")
                x[:, width : width + q] = self.m
                width += q
            features = x[:, :width]
            features /= self.scale[:, None]
            np.clip(features, f32(-8), f32(8), out=features)
        else:
            width = q
            np.sqrt(np.einsum("gi,gi->g", change, change) / f32(q) + floor, out=self.scale)
            np.multiply(now, f32(2), out=x[:, :q])
            np.negative(now, out=self.m)
        self.reader.read_context(published, x[:, width:-1])
        self.y, self.now = now, self.y

    def state(self):
        return [self.encoder.weights, self.decoder.weights, self.p]


class Runner:
    """Groups share nothing but what the step before published, so any number of threads may take them."""

    def __init__(self, folder, threads, passes):
        model = self.model = Model(folder)
        kind = {"2016": Group2016, "saccade": GroupSaccade}[model.rule["name"]]
        self.groups = [kind(model, i, group, PASSES[passes]) for i, group in enumerate(model.groups)]
        # The largest first, so that no thread is left alone with one at the end.
        self.order = sorted(self.groups, key=lambda group: -group.encoder.weights.size)
        self.pool = ThreadPoolExecutor(threads) if threads > 1 else None
        # [frame | external] of every step, ready to be read.
        self.frames = model.tensor("frames").astype(f32) / f32(255)
        candidates = model.tensor("candidates")
        if candidates is not None:
            self.frames = np.concatenate([self.frames, candidates], axis=1)
        self.published = np.zeros((model.units, model.hidden), f32)
        self.publishing = np.zeros_like(self.published)
        self.squares = np.zeros(model.units, f32)
        self.t = 0
        for group in self.groups:
            group.start(self.published)

    def step(self):
        frame = self.frames[self.t % len(self.frames)]
        run = lambda group: group.step(frame, self.published, self.publishing, self.squares, self.t)
        for _ in self.pool.map(run, self.order) if self.pool else map(run, self.order):
            pass
        self.published, self.publishing = self.publishing, self.published
        self.t += 1

    def verify(self, steps, to):
        errors = []
        starts = self.model.layerStart
        signal = np.zeros(self.model.units)
        for group in self.groups:
            signal[group.units] = group.q
        for _ in range(steps):
            self.step()
            errors.append(
                [
                    float(self.squares[a:b].sum(dtype=np.float64) / signal[a:b].sum())
                    for a, b in zip(starts, starts[1:])
                ]
            )
        with open(to, "wb") as file:
            for group in self.groups:
                for values in [*group.state(), self.published[group.units]]:
                    file.write(np.ascontiguousarray(values))
        return {"mse": errors}

    def time(self, ms):
        begin = time.perf_counter()
        steps = 0
        while steps < 3 or time.perf_counter() - begin < ms / 1000:
            self.step()
            steps += 1
        return {"steps": steps, "ms": 1000 * (time.perf_counter() - begin)}


if __name__ == "__main__":
    runner = Runner(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    print(json.dumps({"version": np.__version__}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        command = request.pop("command")
        print(json.dumps({"verify": runner.verify, "time": runner.time}[command](**request)), flush=True)
