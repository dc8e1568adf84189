//! A codebook in whole steps, and which of its centroids is the nearest to a master (`model/codebook_grid.ts` is the definition).

use crate::codebooks::MOST_CENTROIDS;
use crate::small_integers::I8x16;

/// Steps between two centroids, and the largest centroid; where none is above the second numbers the step is halved.
const MOST_GAP: i32 = 253;
const MOST_CENTROID: i32 = 32000;
const FINE_GAP: i32 = 100;
const FINE_CENTROID: i32 = 12800;
/// The smallest step: 2^-20.
const LEAST_SCALE: f32 = 1.0 / 1048576.0;
/// What a master may have beside the outermost centroids.
const LOWEST: i32 = i8::MIN as i32;
const HIGHEST: i32 = i8::MAX as i32;

/// A codebook in steps.
pub struct Grid {
    pub scale: f32,
    pub size: usize,
    pub centroids: [i32; MOST_CENTROIDS],
    /// What a master may have beside each centroid before the next one is nearer.
    high: I8x16,
    low: I8x16,
    /// From each centroid to the next one, unsigned.
    pub gaps: I8x16,
}

/// A codebook that has followed its weights.
pub struct Followed {
    pub grid: Grid,
    /// How often its step doubled, then how often it was halved.
    pub doublings: u32,
    pub halvings: u32,
}

impl Grid {
    /// Takes the centroids in.
    ///
    /// # Safety
    /// There are `size`.
    pub unsafe fn load(from: *const f32, scale: f32, size: usize) -> Self {
        let mut centroids = [0; MOST_CENTROIDS];
        for (k, steps) in centroids[..size].iter_mut().enumerate() {
            *steps = unsafe { *from.add(k) / scale } as i32;
        }
        Self::new(centroids, scale, size)
    }

    fn new(centroids: [i32; MOST_CENTROIDS], scale: f32, size: usize) -> Self {
        let (mut high, mut low) = ([i8::MAX; MOST_CENTROIDS], [i8::MIN; MOST_CENTROIDS]);
        let mut gaps = [0; MOST_CENTROIDS];
        for k in 1..size {
            let middle = (centroids[k - 1] + centroids[k]) >> 1;
            high[k - 1] = (middle - centroids[k - 1]) as i8;
            low[k] = (middle + 1 - centroids[k]) as i8;
            gaps[k - 1] = (centroids[k] - centroids[k - 1]) as i8;
        }
        // Safety: all are sixteen bytes.
        let [high, low, gaps] = [high, low, gaps].map(|bytes| unsafe { I8x16::load(bytes.as_ptr()) });
        Grid { scale, size, centroids, high, low, gaps }
    }

    /// Which masters are nearer to a centroid above theirs, and which to one below.
    #[inline(always)]
    pub fn beyond(&self, places: I8x16, rests: I8x16) -> (I8x16, I8x16) {
        (rests.greater(self.high.look_up(places)), self.low.look_up(places).greater(rests))
    }

    /// As large as any master is.
    pub fn ends(&self) -> (i32, i32) {
        (self.centroids[0] + LOWEST, self.centroids[self.size - 1] + HIGHEST)
    }

    /// The place of a master, searched from a near one on.
    pub fn place_from(&self, near: usize, master: i32) -> usize {
        let between = |k: usize| (self.centroids[k] + self.centroids[k + 1]) >> 1;
        let mut k = near;
        while k + 1 < self.size && master > between(k) {
            k += 1;
        }
        while k > 0 && master <= between(k - 1) {
            k -= 1;
        }
        k
    }

    /// The centroids among their members: how many each has, and the sum of what these have beside it.
    pub fn followed(&self, sums: &[i64; MOST_CENTROIDS], members: &[i64; MOST_CENTROIDS]) -> Followed {
        let before = &self.centroids[..self.size];
        let most = (0..self.size).fold(0, |best, k| if members[k] > members[best] { k } else { best });
        let mut centroids = self.centroids;
        for k in 0..self.size {
            let n = members[k];
            if n > 0 {
                centroids[k] = before[k] + (2 * sums[k] + n).div_euclid(2 * n) as i32;
            } else if k != most {
                centroids[k] = (before[k] + before[if k < most { k + 1 } else { k - 1 }]) >> 1;
            }
        }
        let steps = &mut centroids[..self.size];
        ascend(steps);
        let (mut scale, mut doublings, mut halvings) = (self.scale, 0, 0);
        while !fit(steps, MOST_GAP, MOST_CENTROID) {
            scale *= 2.0;
            doublings += 1;
            steps.iter_mut().for_each(|c| *c = (*c + 1) >> 1);
            ascend(steps);
        }
        while scale > LEAST_SCALE && fit(steps, FINE_GAP, FINE_CENTROID) {
            scale /= 2.0;
            halvings += 1;
            steps.iter_mut().for_each(|c| *c *= 2);
        }
        Followed { grid: Grid::new(centroids, scale, self.size), doublings, halvings }
    }
}

fn ascend(centroids: &mut [i32]) {
    for k in 1..centroids.len() {
        centroids[k] = centroids[k].max(centroids[k - 1] + 1);
    }
}

fn fit(centroids: &[i32], gap: i32, largest: i32) -> bool {
    centroids.iter().all(|c| c.abs() <= largest) && centroids.windows(2).all(|two| two[1] - two[0] <= gap)
}
