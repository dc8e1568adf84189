//! Block matching on pictures whose motion is known.

use kernels::motion::{motion_candidate, scratch_length};

const SIDE: usize = 24;
const RADIUS: usize = 3;

fn texture(row: f32, column: f32) -> f32 {
    0.5 + 0.4 * (row * 1.3 + 0.7 * column.sin()).sin() * (column * 0.9).cos()
}

fn picture(rows: f32, columns: f32) -> Vec<f32> {
    let pixel = |i: usize| texture((i / SIDE) as f32 - rows, (i % SIDE) as f32 - columns);
    (0..SIDE * SIDE).flat_map(|i| [pixel(i); 3]).collect()
}

fn candidate(now: &[f32], last: &[f32]) -> Vec<f32> {
    let mut into = vec![0.0; now.len()];
    let mut scratch = vec![0.0; scratch_length(SIDE, SIDE, RADIUS)];
    unsafe {
        motion_candidate(now.as_ptr(), last.as_ptr(), (SIDE, SIDE), RADIUS, into.as_mut_ptr(), scratch.as_mut_ptr())
    };
    into
}

#[test]
fn a_still_picture_does_not_move() {
    let now = picture(0.0, 0.0);
    assert!(candidate(&now, &now).iter().all(|m| *m == 0.0));
}

#[test]
fn a_moving_picture_is_moved_on() {
    for (rows, columns) in [(1.0, 0.0), (0.0, -2.0), (3.0, 3.0)] {
        let [last, now, next] = [0.0, 1.0, 2.0].map(|t| picture(t * rows, t * columns));
        let m = candidate(&now, &last);
        let (mut with, mut without) = (0.0, 0.0);
        for row in 8..16 {
            for i in (row * SIDE + 8) * 3..(row * SIDE + 16) * 3 {
                with += (next[i] - now[i] - m[i]).powi(2);
                without += (next[i] - now[i]).powi(2);
            }
        }
        assert!(with < 0.2 * without, "{rows}, {columns}: {with} of {without}");
    }
}
