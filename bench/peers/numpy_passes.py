"""The passes over a batch of weight matrices [g, rows, columns], twice: as someone who knows the caches writes them, and as most
people do. All else of a step is the same for both.
"""

import numpy as np

# Bytes of weights that go through all passes of an update before the next ones do: they stay in the cache meanwhile.
CHUNK = 1 << 20


class ChunkMatrix:
    """Products by BLAS, updates in chunks that stay in the cache."""

    def __init__(self, weights, momentum):
        self.weights = weights
        self.momentum = np.zeros_like(weights) if momentum else None
        g = len(weights)
        size = max(1, min(g, CHUNK // weights[0].nbytes))
        self.chunks = [slice(at, min(at + size, g)) for at in range(0, g, size)]
        self.outer = np.empty_like(weights[:size])

    def product(self, x, out):
        np.matmul(self.weights, x[:, :, None], out=out[:, :, None])

    def back(self, d, out):
        """The product with the transposed matrices."""
        np.matmul(d[:, None, :], self.weights, out=out[:, None, :])

    def update(self, d, x, mu=None, then=None):
        """One rank-1 term each: M = d x' + mu M, W += M, or W += d x'; `then` the product with new inputs."""
        for chunk in self.chunks:
            weights = self.weights[chunk]
            outer = self.outer[: len(weights)]
            np.einsum("gi,gj->gij", d[chunk], x[chunk], out=outer)
            if mu is not None:
                momentum = self.momentum[chunk]
                momentum *= mu
                momentum += outer
                outer = momentum
            weights += outer
            if then is not None:
                np.matmul(weights, then[0][chunk, :, None], out=then[1][chunk, :, None])


class EinsumMatrix:
    """One einsum over the whole batch for each product and outer product.

    Without `optimize`: it halves the time of products with short rows, adds to that of long ones, and gained nothing over steps.
    """

    def __init__(self, weights, momentum):
        self.weights = weights
        self.momentum = np.zeros_like(weights) if momentum else None

    def product(self, x, out):
        np.einsum("gij,gj->gi", self.weights, x, out=out)

    def back(self, d, out):
        np.einsum("gi,gij->gj", d, self.weights, out=out)

    def update(self, d, x, mu=None, then=None):
        outer = np.einsum("gi,gj->gij", d, x)
        if mu is None:
            self.weights += outer
        else:
            self.momentum *= mu
            self.momentum += outer
            self.weights += self.momentum
        if then is not None:
            self.product(*then)


PASSES = {"chunks": ChunkMatrix, "einsum": EinsumMatrix}
