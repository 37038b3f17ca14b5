use proptest::prelude::*;

use super::super::{Dialect, NotForced, Request, not_loaded};
use super::*;

/// Variables of the sizes given, whose bytes are all their own index.
struct Fake {
    values: Vec<Vec<u8>>,
    arrays: [u32; 1],
    forced: Vec<(u32, Option<Vec<u8>>)>,
}

impl Fake {
    fn new(sizes: &[usize]) -> Self {
        let values = sizes
            .iter()
            .enumerate()
            .map(|(index, size)| vec![index as u8; *size])
            .collect();
        Self {
            arrays: [sizes.len() as u32],
            values,
            forced: Vec::new(),
        }
    }

    fn ask(&mut self, frame: &[u8]) -> Vec<u8> {
        let request = match Request::parse(Dialect::Matiec, frame) {
            Ok(request) => request,
            Err(malformed) => return malformed.reply().expect("the dialect answers this"),
        };
        let mut answer = [0; MAX_FRAME];
        let length = request.execute(self, &"a1".repeat(16), 0x1_0000_0002, &mut answer);
        answer[..length].to_vec()
    }
}

impl Variables for Fake {
    fn arrays(&self) -> &[u32] {
        &self.arrays
    }
    fn size(&mut self, index: u32) -> Option<usize> {
        self.values.get(index as usize).map(Vec::len)
    }
    fn read(&mut self, index: u32, into: &mut [u8]) -> Option<usize> {
        let value = self.values.get(index as usize)?;
        into.get_mut(..value.len())?.copy_from_slice(value);
        Some(value.len())
    }
    fn force(&mut self, index: u32, value: Option<&[u8]>) -> Result<(), NotForced> {
        self.forced.push((index, value.map(<[u8]>::to_vec)));
        Ok(())
    }
}

#[test]
fn md5_has_no_trailer_and_is_asked_for_in_either_byte_order() {
    let mut fake = Fake::new(&[]);
    let answer = fake.ask(&[0x45, 0xDE, 0xAD, 0, 0]);
    assert_eq!(answer, [&[0x45, 0x7E], "a1".repeat(16).as_bytes()].concat());
    assert_eq!(fake.ask(&[0x45, 0xAD, 0xDE, 0, 0]), answer);
    assert_eq!(fake.ask(&[0x45, 1, 2, 0, 0]), [0x45, 0x81]);
    assert_eq!(fake.ask(&[0x45]), [0x45, 0x81]);
}

#[test]
fn a_list_gives_values_in_request_order() {
    let mut fake = Fake::new(&[1, 2, 4]);
    let answer = fake.ask(&[0x44, 0, 2, 0, 2, 0, 0]);
    assert_eq!(answer, [0x44, 0x7E, 0, 0, 0, 0, 0, 2, 0, 5, 2, 2, 2, 2, 0]);
    assert_eq!(fake.ask(&[0x41]), [0x41, 0, 3]);
    assert_eq!(
        fake.ask(&[0x43, 0, 1, 0, 2])[..10],
        [0x43, 0x7E, 0, 2, 0, 0, 0, 2, 0, 6]
    );
}

#[test]
fn one_bad_index_fails_the_whole_list() {
    let mut fake = Fake::new(&[1, 2]);
    assert_eq!(fake.ask(&[0x44, 0, 2, 0, 0, 0, 2]), [0x44, 0x81]);
    assert_eq!(fake.ask(&[0x43, 0, 1, 0, 2]), [0x43, 0x81]);
    assert_eq!(fake.ask(&[0x43, 0, 1, 0, 0]), [0x43, 0x81]);
    assert_eq!(fake.ask(&[0x44, 0, 0]), [0x44, 0x81]);
    assert_eq!(
        fake.ask(&[0x44, 0, 3, 0, 0]),
        [0x44, 0x81],
        "fewer indexes than announced"
    );
    assert_eq!(
        fake.ask(&[&[0x44, 1, 1][..], &[0; 514]].concat()),
        [0x44, 0x82],
        "257 indexes"
    );
}

#[test]
fn a_full_frame_ends_at_a_whole_variable_and_says_which() {
    let mut fake = Fake::new(&[127; 100]);
    let indexes: Vec<u8> = (0..100_u16).flat_map(u16::to_be_bytes).collect();
    let answer = fake.ask(&[&[0x44, 0, 100], &indexes[..]].concat());
    let complete = (MAX_FRAME - 10) / 127;
    assert_eq!(answer.len(), 10 + complete * 127);
    assert_eq!(answer[2..4], (complete as u16 - 1).to_be_bytes());
    assert_eq!(answer[8..10], (complete as u16 * 127).to_be_bytes());
}

#[test]
fn a_value_of_the_wrong_length_never_reaches_the_program() {
    let mut fake = Fake::new(&[1, 4, 127]);
    assert_eq!(fake.ask(&[0x42, 0, 0, 1, 0, 1, 1]), [0x42, 0x7E]);
    assert_eq!(fake.ask(&[0x42, 0, 1, 1, 0, 4, 0, 0, 1, 2]), [0x42, 0x7E]);
    assert_eq!(
        fake.ask(&[0x42, 0, 2, 1, 0, 3, 2, b'h', b'i']),
        [0x42, 0x7E],
        "a STRING may be shorter"
    );
    assert_eq!(
        fake.ask(&[0x42, 0, 1, 0, 0, 1, 0]),
        [0x42, 0x7E],
        "release as the Editor sends it"
    );
    let reached = fake.forced.len();
    for bad in [
        &[0x42, 0, 0, 1][..],
        &[0x42, 0, 1, 1, 0, 2, 0, 0],
        &[0x42, 0, 1, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0x42, 0, 1, 1, 0, 4, 0],
        &[0x42, 0, 1, 1, 0, 0],
        &[0x42, 0, 2, 1, 0, 2, 127, b'x'],
        &[0x42, 0, 3, 1, 0, 1, 1],
        &[0x42, 0, 3, 0, 0, 1, 0],
    ] {
        assert_eq!(fake.ask(bad), [0x42, 0x81], "{bad:02X?}");
    }
    let long = [&[0x42, 0, 2, 1, 0, 128][..], &[1; 128]].concat();
    assert_eq!(fake.ask(&long), [0x42, 0x81]);
    assert_eq!(fake.forced.len(), reached);
}

#[test]
fn what_is_no_request_is_named() {
    assert_eq!(Request::parse(Dialect::Matiec, &[]), Err(Malformed::Empty));
    assert_eq!(
        Request::parse(Dialect::Matiec, &[0x46, 0]),
        Err(Malformed::UnknownFunction(0x46))
    );
    assert_eq!(
        Request::parse(Dialect::Matiec, &[0x44; MAX_FRAME + 1]),
        Err(Malformed::TooLong(MAX_FRAME + 1))
    );
    assert_eq!(not_loaded(&[0x45, 0xDE, 0xAD]), [0x45, 0x83]);
}

proptest! {
    #[test]
    fn no_frame_makes_it_panic_or_overrun(frame in proptest::collection::vec(any::<u8>(), 0..600), function in 0x40_u8..0x48) {
        let mut fake = Fake::new(&[1, 2, 4, 8, 127, 0]);
        let mut frame = frame;
        if let Some(first) = frame.first_mut() {
            *first = function;
        }
        if let Ok(request) = Request::parse(Dialect::Matiec, &frame) {
            let mut answer = [0; MAX_FRAME];
            let length = request.execute(&mut fake, "", 0, &mut answer);
            prop_assert!((2..=MAX_FRAME).contains(&length));
        }
        for (index, value) in fake.forced {
            if let Some(value) = value {
                prop_assert!(index == 4 || value.len() == fake.values[index as usize].len());
            }
        }
    }
}
