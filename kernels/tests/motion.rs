//! Block matching on pictures whose motion is known.

use kernels::motion::{motion_candidate, planes_bytes, scratch_bytes, split};

const SIDE: usize = 24;
const RADIUS: usize = 3;

fn texture(row: f32, column: f32) -> f32 {
    0.5 + 0.4 * (row * 1.3 + 0.7 * column.sin()).sin() * (column * 0.9).cos()
}

fn picture(rows: f32, columns: f32) -> Vec<u8> {
    let pixel = |i: usize| texture((i / SIDE) as f32 - rows, (i % SIDE) as f32 - columns);
    (0..SIDE * SIDE).flat_map(|i| [(255.0 * pixel(i)).round() as u8; 3]).collect()
}

/// Memory for f32, as bytes.
fn room(bytes: usize) -> Vec<f32> {
    vec![0.0; bytes.div_ceil(4)]
}

fn candidate(now: &[u8], last: &[u8]) -> Vec<f32> {
    let size = (SIDE, SIDE);
    let mut into = vec![0.0; now.len()];
    let mut scratch = room(scratch_bytes(SIDE, SIDE, RADIUS));
    let [now, last] = [now, last].map(|frame| {
        let mut planes = room(planes_bytes(SIDE, SIDE, RADIUS));
        unsafe { split(frame.as_ptr(), size, RADIUS, planes.as_mut_ptr().cast()) };
        planes
    });
    unsafe {
        motion_candidate(
            now.as_ptr().cast(),
            last.as_ptr().cast(),
            size,
            RADIUS,
            into.as_mut_ptr(),
            scratch.as_mut_ptr().cast(),
        )
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
                let change = (f32::from(next[i]) - f32::from(now[i])) / 255.0;
                with += (change - m[i]).powi(2);
                without += change.powi(2);
            }
        }
        assert!(with < 0.2 * without, "{rows}, {columns}: {with} of {without}");
    }
}
