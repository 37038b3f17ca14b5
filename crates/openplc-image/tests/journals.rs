//! Order, bounds and accounting of what peers write.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use openplc_image::journal::{CAPACITY, MAX_GROUP};
use openplc_image::{Area, Image, PeerId, PeerStatistics, Write, WriteError, WriteRights};
use proptest::prelude::*;
use support::{Memory, at, attach, image, write};

fn statistics(image: &Image<Memory>, id: PeerId) -> PeerStatistics {
    image.peers().find(|peer| peer.0 == id).unwrap().1
}

#[test]
fn the_last_writer_wins_whoever_was_attached_first() {
    let mut image = image(16);
    let (_, mut first) = attach(&mut image, WriteRights::all());
    let (_, mut second) = attach(&mut image, WriteRights::all());
    let mut after = |early: u64, late: u64, now: u64| {
        first.write(early, &[write("%IW0", 1)]).unwrap();
        second.write(late, &[write("%IW0", 2)]).unwrap();
        image.drain_journals(now);
        image.value(at("%IW0")).unwrap()
    };
    assert_eq!(after(10, 11, 20), 2);
    assert_eq!(after(11, 10, 20), 1);
    assert_eq!(after(15, 15, 20), 2, "equal times: in the order of attachment");
    assert_eq!(after(u64::MAX, 20, 20), 2, "the future counts as now");
    assert_eq!(after(u64::MAX, 19, 20), 1);
}

#[test]
fn a_later_entry_of_the_same_peer_is_later_whatever_it_says() {
    let mut image = image(16);
    let (_, mut peer) = attach(&mut image, WriteRights::all());
    let (_, mut other) = attach(&mut image, WriteRights::all());
    peer.write(10, &[write("%IW0", 1)]).unwrap();
    other.write(9, &[write("%IW1", 9)]).unwrap();
    peer.write(5, &[write("%IW0", 2), write("%IW1", 2)]).unwrap();
    image.drain_journals(20);
    assert_eq!(
        (image.value(at("%IW0")), image.value(at("%IW1"))),
        (Some(2), Some(2))
    );
}

#[test]
fn a_flood_is_taken_in_shares_and_starves_nobody() {
    let mut image = image(1024);
    let (flooding, mut flood) = attach(&mut image, WriteRights::all());
    let (_, mut quiet) = attach(&mut image, WriteRights::all());
    while flood.write(1, &[write("%IW0", 1)]).is_ok() {}
    assert_eq!(flood.dropped(), 1);
    let number = quiet.write(1_000_000, &[write("%IW1", 7)]).unwrap();
    image.drain_journals(2_000_000);
    assert!(quiet.is_taken(number));
    assert_eq!(image.value(at("%IW1")), Some(7));
    let first = statistics(&image, flooding);
    assert_eq!((first.applied, first.postponed, first.dropped), (512, 1, 1));
    for _ in 0..7 {
        image.drain_journals(3);
    }
    let all = statistics(&image, flooding);
    assert_eq!((all.applied, all.postponed), (u64::from(CAPACITY), 7));
    assert!(flood.write(1, &[write("%IW0", 1)]).is_ok(), "there is room again");
}

#[test]
fn what_is_written_together_takes_effect_together() {
    let mut image = image(1024);
    let (_, mut peer) = attach(&mut image, WriteRights::all());
    let group = |value: u64| -> Vec<Write> {
        (0..200)
            .map(|slot| Write {
                address: at(&format!("%MW{slot}")),
                value,
            })
            .collect()
    };
    let mut value = 0;
    while peer.write(1, &group(value + 1)).is_ok() {
        value += 1;
    }
    assert_eq!(value, u64::from(CAPACITY) / 200);
    let mut last = 0;
    for _ in 0..10 {
        image.drain_journals(2);
        let first = image.value(at("%MW0")).unwrap();
        assert!(first > last || first == value, "each scan makes progress");
        last = first;
        for slot in 0..200 {
            assert_eq!(
                image.value(at(&format!("%MW{slot}"))),
                Some(first),
                "a group was cut"
            );
        }
    }
    assert_eq!(last, value);
}

#[test]
fn rights_are_kept_and_breaches_counted() {
    let mut image = image(16);
    let mut rights = WriteRights::of_areas(&[Area::Memory]);
    rights.grant(at("%IX0.0").table(), 3..5);
    let (id, mut peer) = attach(&mut image, rights);
    for (address, allowed) in [
        ("%MW1", true),
        ("%IX0.2", false),
        ("%IX0.3", true),
        ("%IX0.4", true),
        ("%IX0.5", false),
        ("%QW1", false),
        ("%IW1", false),
    ] {
        let number = peer.write(1, &[write(address, 1)]).unwrap();
        image.drain_journals(1);
        assert!(peer.is_taken(number));
        assert_eq!(image.value(at(address)), Some(u64::from(allowed)), "{address}");
    }
    peer.write(1, &[write("%MW16", 1)]).unwrap();
    image.drain_journals(1);
    let statistics = statistics(&image, id);
    assert_eq!(
        (statistics.applied, statistics.forbidden, statistics.invalid),
        (3, 4, 1)
    );
    assert_eq!(peer.refused(), 5, "the peer can see it too");
}

#[test]
fn what_cannot_be_written_is_refused_at_once() {
    let mut image = image(16);
    let (_, mut peer) = attach(&mut image, WriteRights::all());
    assert_eq!(peer.write(1, &[write("%IW0", 65_536)]), Err(WriteError::Value));
    assert_eq!(peer.write(1, &[write("%IX0.0", 2)]), Err(WriteError::Value));
    assert_eq!(
        peer.write(1, &vec![write("%IW0", 1); MAX_GROUP + 1]),
        Err(WriteError::TooMany)
    );
    assert_eq!(peer.dropped(), 0);
    image.drain_journals(1);
    assert_eq!(image.value(at("%IW0")), Some(0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 3 } else { 100 }))]

    /// Any writes by any peers at any times, in scans of any length: the image is as if they had been done one by one in the
    /// order of time.
    #[test]
    fn the_image_is_that_of_the_writes_in_order(
        scans in prop::collection::vec(prop::collection::vec((0..3_usize, 0..4_u64, 0..6_u32, any::<u16>()), 0..60), 1..8),
    ) {
        let mut image = image(16);
        let mut peers: Vec<_> = (0..3).map(|_| attach(&mut image, WriteRights::all()).1).collect();
        let mut model = [0_u64; 6];
        let mut now = 0;
        for writes in scans {
            let mut ordered = Vec::new();
            for (peer, pause, slot, value) in writes {
                now += pause;
                let write = write(&format!("%MW{slot}"), value.into());
                peers[peer].write(now, &[write]).unwrap();
                ordered.push((now, peer, slot, value));
            }
            // Stable: a peer's own writes stay in their order.
            ordered.sort_by_key(|(time, peer, ..)| (*time, *peer));
            for (_, _, slot, value) in ordered {
                model[slot as usize] = value.into();
            }
            image.drain_journals(now);
            for (slot, value) in model.iter().enumerate() {
                prop_assert_eq!(image.value(at(&format!("%MW{slot}"))), Some(*value));
            }
        }
    }
}
