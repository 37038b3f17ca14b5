//! Which requests are made for the points of a device: as few as possible, none beyond what is configured.

use openplc_modbus::{
    MAX_READ_BITS, MAX_READ_REGISTERS, MAX_WRITE_COILS, MAX_WRITE_REGISTERS, Range, function,
};

use crate::configuration::{Point, parts};
use crate::job::{Job, Piece};

/// The requests for these points. Points that follow each other on the device without a gap, are of one kind and have the same
/// cycle share one; a point too long for one request has several, which never divide a value.
pub fn jobs(points: &[Point]) -> Vec<Job> {
    let mut jobs: Vec<Job> = points.iter().flat_map(divide).collect();
    jobs.sort_by_key(|job| (job.function, job.cycle, job.range.first()));
    let mut merged: Vec<Job> = Vec::with_capacity(jobs.len());
    for job in jobs {
        let joined = merged.last().and_then(|last| join(last, &job));
        match (joined, merged.last_mut()) {
            (Some(joined), Some(last)) => *last = joined,
            _ => merged.push(job),
        }
    }
    merged
}

/// A request for each of the points of a job that a device refuses to have asked together.
pub fn apart(job: &Job) -> Vec<Job> {
    let mut first = job.range.first();
    let alone = |piece: &Piece| {
        let count = (piece.count * parts(piece.table.width())) as u16;
        let range = Range::new(first, count, u16::MAX).ok()?;
        first = first.wrapping_add(count);
        Some(Job {
            range,
            pieces: vec![*piece],
            ..job.clone()
        })
    };
    job.pieces.iter().filter_map(alone).collect()
}

/// A point in requests that are short enough.
fn divide(point: &Point) -> Vec<Job> {
    let parts = parts(point.table.width());
    let step = u32::from(most(point.function)) / parts;
    let starts = (0..point.count).step_by(step as usize);
    let job = |start: u32| {
        let count = step.min(point.count - start);
        let first = u32::from(point.first) + start * parts;
        // The configuration was checked: nothing is beyond 65,535.
        let range = Range::new(first as u16, (count * parts) as u16, u16::MAX).ok()?;
        Some(Job {
            function: point.function,
            range,
            cycle: point.cycle,
            pieces: vec![Piece {
                table: point.table,
                index: point.index + start,
                count,
                on_failure: point.on_failure,
            }],
        })
    };
    starts.filter_map(job).collect()
}

/// Both in one, where that is possible.
fn join(job: &Job, next: &Job) -> Option<Job> {
    let alike = (job.function, job.cycle) == (next.function, next.cycle);
    let end = u32::from(job.range.first()) + u32::from(job.range.count());
    if !alike || end != u32::from(next.range.first()) {
        return None;
    }
    let count = job.range.count().checked_add(next.range.count())?;
    Some(Job {
        range: Range::new(job.range.first(), count, most(job.function)).ok()?,
        pieces: [&job.pieces[..], &next.pieces].concat(),
        ..*job
    })
}

/// Most coils or registers of a request.
fn most(function: u8) -> u16 {
    match function {
        function::READ_COILS | function::READ_DISCRETE_INPUTS => MAX_READ_BITS,
        function::READ_HOLDING_REGISTERS | function::READ_INPUT_REGISTERS => MAX_READ_REGISTERS,
        function::WRITE_MULTIPLE_COILS => MAX_WRITE_COILS,
        function::WRITE_MULTIPLE_REGISTERS => MAX_WRITE_REGISTERS,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::configuration::OnFailure;
    use openplc_plugin::Address;
    use proptest::prelude::*;

    fn point(function: u8, first: u16, address: &str, count: u32) -> Point {
        let address: Address = address.parse().unwrap();
        Point {
            function,
            first,
            table: address.table(),
            index: address.index(),
            count,
            cycle: Duration::from_millis(100),
            on_failure: OnFailure::Hold,
        }
    }

    fn ranges(points: &[Point]) -> Vec<(u16, u16, usize)> {
        let jobs = jobs(points);
        let range = |job: &Job| (job.range.first(), job.range.count(), job.pieces.len());
        jobs.iter().map(range).collect()
    }

    #[test]
    fn neighbours_are_asked_together_and_gaps_are_left() {
        let points = [
            point(3, 12, "%IW20", 4),
            point(3, 10, "%ID0", 1),
            point(3, 17, "%IW50", 1),
            point(3, 16, "%IW40", 1),
            point(3, 19, "%IW51", 1),
        ];
        assert_eq!(ranges(&points), [(10, 8, 4), (19, 1, 1)]);
    }

    #[test]
    fn other_functions_cycles_and_single_writes_stay_apart() {
        let slower = Point {
            cycle: Duration::from_secs(1),
            ..point(3, 1, "%IW1", 1)
        };
        assert_eq!(ranges(&[point(3, 0, "%IW0", 1), slower]), [(0, 1, 1), (1, 1, 1)]);
        assert_eq!(ranges(&[point(3, 0, "%IW0", 1), point(4, 1, "%IW1", 1)]).len(), 2);
        assert_eq!(
            ranges(&[point(6, 7, "%QW0", 3)]),
            [(7, 1, 1), (8, 1, 1), (9, 1, 1)]
        );
    }

    #[test]
    fn long_points_are_divided_between_values() {
        assert_eq!(ranges(&[point(3, 0, "%IL0", 60)]), [(0, 124, 1), (124, 116, 1)]);
        assert_eq!(
            ranges(&[point(2, 0, "%IX0.0", 2001)]),
            [(0, 2000, 1), (2000, 1, 1)]
        );
        assert_eq!(ranges(&[point(16, 0, "%QW0", 124)]), [(0, 123, 1), (123, 1, 1)]);
    }

    #[test]
    fn what_was_joined_comes_apart_again() {
        let points = [point(3, 0, "%ID0", 2), point(3, 4, "%IW9", 3)];
        let joined = jobs(&points);
        assert_eq!(joined.len(), 1);
        let separate = apart(&joined[0]);
        assert_eq!(separate, [divide(&points[0]), divide(&points[1])].concat());
    }

    proptest! {
        #[test]
        fn exactly_what_is_configured_is_asked(
            points in proptest::collection::vec((0..400_u16, 1..300_u32, 0..2_usize), 1..6),
        ) {
            let points: Vec<_> = points
                .into_iter()
                .map(|(first, count, kind)| point(3, first, ["%IW0", "%ID0"][kind], count))
                .collect();
            let asked = |jobs: &[Job]| {
                let mut asked: Vec<u16> = jobs.iter().flat_map(|job| job.range.numbers()).collect();
                asked.sort_unstable();
                asked
            };
            let mut configured: Vec<u16> = points
                .iter()
                .flat_map(|point| point.first..point.first + (point.count * parts(point.table.width())) as u16)
                .collect();
            configured.sort_unstable();
            let jobs = jobs(&points);
            prop_assert_eq!(asked(&jobs), configured);
            prop_assert!(jobs.iter().all(|job| job.range.count() <= MAX_READ_REGISTERS));
            for job in &jobs {
                let values: u32 = job.pieces.iter().map(|piece| piece.count * parts(piece.table.width())).sum();
                prop_assert_eq!(values, u32::from(job.range.count()));
            }
        }
    }
}
