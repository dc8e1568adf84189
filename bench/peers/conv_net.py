"""A small ConvNet that learns online, as an anchor of the learning benchmark: python conv_net.py FRAMES WIDTH HEIGHT LEARNED

FRAMES holds raw RGB frames. From the last frame and the change before it, four layers of 3 x 3 (32 channels, ReLU between them, the
last one starts at 0) predict the next change; then Adam makes one step on the squared error of that one frame. After LEARNED frames
the weights stay as they are. Four rates, three seeds. Prints the skills against copy-last over the frames 2 .. LEARNED - 1 and over
the rest, as JSON. With --speed SIDE: how fast it is.
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn

CHANNELS = 32
HIDDEN_LAYERS = 3
RATES = ("1e-4", "3e-4", "1e-3", "3e-3")
SEEDS = (1, 2, 3)


class ConvNet:
    def __init__(self, rate, seed):
        torch.manual_seed(seed)
        layers, inputs = [], 6
        for _ in range(HIDDEN_LAYERS):
            layers += [nn.Conv2d(inputs, CHANNELS, 3, padding=1), nn.ReLU()]
            inputs = CHANNELS
        layers.append(nn.Conv2d(inputs, 3, 3, padding=1))
        nn.init.zeros_(layers[-1].weight)
        nn.init.zeros_(layers[-1].bias)
        self.net = nn.Sequential(*layers)
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=rate)

    def predict(self, before, last):
        """The next change; the first frames of a pair are centred."""
        return self.net(torch.cat([last - 0.5, last - before])[None])[0]

    def learn(self, change, truth):
        self.optimiser.zero_grad()
        nn.functional.mse_loss(change, truth).backward()
        self.optimiser.step()

    def macs(self, pixels):
        """Multiply-adds of a prediction, and of a step that learns: the first layer needs no gradient of its input."""
        sizes = [layer.weight.numel() * pixels for layer in self.net if isinstance(layer, nn.Conv2d)]
        return [sum(sizes), 3 * sum(sizes) - sizes[0]]


def skills(frames, learned, rate, seed):
    model = ConvNet(rate, seed)
    errors, copies = [0.0, 0.0], [0.0, 0.0]
    for t in range(1, len(frames) - 1):
        before, last, truth = frames[t - 1 : t + 2]
        learning = t + 1 < learned
        part = 0 if learning else 1
        with torch.set_grad_enabled(learning):
            change = model.predict(before, last)
        guess = (last + change.detach()).clamp(0, 1)
        errors[part] += float(torch.mean((truth - guess) ** 2))
        copies[part] += float(torch.mean((truth - last) ** 2))
        if learning:
            model.learn(change, truth - last)
    return [1 - e / c if c > 0 else None for e, c in zip(errors, copies)]


def over(path, width, height, learned):
    # One thread: the same sums in the same order on every machine of a kind.
    torch.set_num_threads(1)
    raw = np.fromfile(path, np.uint8).reshape(-1, height, width, 3).transpose(0, 3, 1, 2)
    frames = torch.from_numpy(raw.astype(np.float32) / 255)
    return {rate: [skills(frames, learned, float(rate), seed) for seed in SEEDS] for rate in RATES}


def speed(side, warm_up=20, rounds=5, steps=30):
    model = ConvNet(1e-3, 1)
    frames = torch.rand(3, 3, side, side)

    def step():
        before, last, truth = frames
        model.learn(model.predict(before, last), truth - last)

    best = {1: 0.0, 2: 0.0}
    for _ in range(rounds):
        for threads in best:
            torch.set_num_threads(threads)
            for _ in range(warm_up):
                step()
            begin = time.perf_counter()
            for _ in range(steps):
                step()
            best[threads] = max(best[threads], steps / (time.perf_counter() - begin))
    weights = sum(p.numel() for p in model.net.parameters())
    macs = model.macs(side * side)
    return {"version": torch.__version__, "weights": weights, "macs": macs, "framesPerSecond": best}


if __name__ == "__main__":
    first, *rest = sys.argv[1:]
    print(json.dumps(speed(int(rest[0])) if first == "--speed" else over(first, *map(int, rest))))
