"""Dense optical flow warped forward, as an anchor of the learning benchmark: python optical_flow.py FRAMES WIDTH HEIGHT LEARNED

FRAMES holds raw RGB frames. The flow from each frame back to the one before is taken to go on: p(u) = I(u + flow(u)). Eight
variants; nothing is learned. Prints their skills against copy-last over the frames 2 .. LEARNED - 1 and over the rest, as JSON.
"""

import json
import sys

import cv2
import numpy as np


def farneback(window):
    def flow(now, before):
        return cv2.calcOpticalFlowFarneback(now, before, None, 0.5, 3, window, 3, 5, 1.1, 0)

    return flow


def inverse_search(preset):
    search = cv2.DISOpticalFlow_create(preset)
    search.setFinestScale(0)

    def flow(now, before):
        return search.calc(now, before, None)

    return flow


FLOWS = {
    "Farneback 9": farneback(9),
    "Farneback 15": farneback(15),
    "DIS fast": inverse_search(cv2.DISOPTICAL_FLOW_PRESET_FAST),
    "DIS medium": inverse_search(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM),
}
SHARES = (1.0, 0.7)


def main(path, width, height, learned):
    frames = np.fromfile(path, np.uint8).reshape(-1, height, width, 3)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    errors = {(name, share): [0.0, 0.0] for name in FLOWS for share in SHARES}
    copy_last = [0.0, 0.0]
    for t in range(1, len(frames) - 1):
        part = int(t + 1 >= learned)
        truth, now = frames[t + 1] / np.float32(255), frames[t] / np.float32(255)
        copy_last[part] += float(np.mean((truth - now) ** 2))
        grey = [cv2.cvtColor(frames[i], cv2.COLOR_RGB2GRAY) for i in (t, t - 1)]
        for name, flow in FLOWS.items():
            back = flow(*grey)
            warped = cv2.remap(
                now, columns + back[..., 0], rows + back[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            for share in SHARES:
                guess = now + np.float32(share) * (warped - now)
                errors[name, share][part] += float(np.mean((truth - guess) ** 2))
    skills = {
        f"{name}, {share} of the change": [1 - e / c if c > 0 else None for e, c in zip(error, copy_last)]
        for (name, share), error in errors.items()
    }
    print(json.dumps(skills))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
