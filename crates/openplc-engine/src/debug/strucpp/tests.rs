use super::super::{Dialect, Request as AnyRequest, not_loaded};
use super::*;

const ARRAYS: [u32; 2] = [1200, 3];

/// Array 0: 1,200 numbers of 4 bytes, each its own element; 1.0 a STRING, 1.1 nothing, 1.2 a constant of one byte.
#[derive(Default)]
struct Fake {
    forced: Vec<(u32, Option<Vec<u8>>)>,
}

impl Variables for Fake {
    fn arrays(&self) -> &[u32] {
        &ARRAYS
    }

    fn size(&mut self, address: u32) -> Option<usize> {
        match address {
            0..1200 => Some(4),
            0x1_0000 => Some(127),
            0x1_0002 => Some(1),
            _ => None,
        }
    }

    fn read(&mut self, address: u32, into: &mut [u8]) -> Option<usize> {
        let size = self.size(address)?;
        let into = into.get_mut(..size)?;
        into.fill(0xAA);
        if size == 4 {
            into.copy_from_slice(&address.to_le_bytes());
        }
        Some(size)
    }

    fn force(&mut self, address: u32, value: Option<&[u8]>) -> Result<(), NotForced> {
        let size = self.size(address).ok_or(NotForced::OutOfBounds)?;
        if address == 0x1_0002 {
            return Err(NotForced::ReadOnly);
        }
        if value.is_some_and(|value| value.len() != size) {
            return Err(NotForced::WrongLength);
        }
        self.forced.push((address, value.map(<[u8]>::to_vec)));
        Ok(())
    }
}

const MD5_TEXT: &str = "0123456789abcdef0123456789abcdef";

fn ask_fake(fake: &mut Fake, frame: &[u8]) -> Vec<u8> {
    match AnyRequest::parse(Dialect::Strucpp, frame) {
        Ok(request) => {
            let mut answer = [0; MAX_FRAME];
            let length = request.execute(fake, MD5_TEXT, 0x1_0000_0005, &mut answer);
            answer[..length].to_vec()
        }
        Err(malformed) => malformed.reply().unwrap(),
    }
}

fn ask(frame: &[u8]) -> Vec<u8> {
    ask_fake(&mut Fake::default(), frame)
}

fn list(addresses: &[(u8, u16)]) -> Vec<u8> {
    let mut frame = vec![LIST];
    frame.extend((addresses.len() as u16).to_be_bytes());
    for (array, element) in addresses {
        frame.push(*array);
        frame.extend(element.to_be_bytes());
    }
    frame
}

#[test]
fn the_md5_has_the_byte_order_behind_it() {
    let answer = ask(&[0x45, 0xDE, 0xAD, 0, 0]);
    let mut expected = vec![0x45, 0x7E];
    expected.extend(MD5_TEXT.as_bytes());
    expected.extend(0xDEAD_u16.to_ne_bytes());
    assert_eq!(answer, expected);
    assert_eq!(ask(&[0x45, 0, 0]), expected, "whatever is asked with");
    assert_eq!(ask(&[0x45, 0xDE]), [0x45, 0x83]);
    assert_eq!(not_loaded(&[0x45, 0xDE, 0xAD, 0, 0]), [0x45, 0x83]);
}

#[test]
fn arrays_are_told_with_their_lengths() {
    assert_eq!(ask(&[0x41]), [0x41, 2, 0x7E, 0x04, 0xB0, 0, 3]);
}

#[test]
fn five_hundred_values_are_one_answer() {
    let addresses: Vec<_> = (0..500).map(|element| (0, element)).collect();
    let answer = ask(&list(&addresses));
    assert_eq!(answer[..10], [0x44, 0x7E, 0x01, 0xF3, 0, 0, 0, 5, 0x07, 0xD0]);
    assert_eq!(answer[10..14], 0_u32.to_le_bytes());
    assert_eq!(answer[10 + 4 * 499..], 499_u32.to_le_bytes());
}

#[test]
fn what_does_not_fit_is_left_to_the_next_request() {
    let addresses: Vec<_> = (0..1024).map(|element| (0, element)).collect();
    let answer = ask(&list(&addresses));
    let fitting = (MAX_FRAME - 10) / 4;
    assert_eq!(answer.len(), 10 + 4 * fitting);
    assert_eq!(
        answer[2..4],
        (fitting as u16 - 1).to_be_bytes(),
        "a position in the request"
    );
}

#[test]
fn what_does_not_exist_counts_and_has_no_bytes() {
    let answer = ask(&list(&[(0, 7), (1, 1), (9, 0), (0, 1200), (1, 0)]));
    assert_eq!(answer[2..4], [0, 4]);
    assert_eq!(answer[8..10], [0, 4 + 127]);
    assert_eq!(answer[10..14], 7_u32.to_le_bytes());
    // At the end, too.
    assert_eq!(ask(&list(&[(9, 9)]))[2..10], [0, 0, 0, 0, 0, 5, 0, 0]);
}

#[test]
fn a_list_has_a_least_and_a_greatest_length() {
    assert_eq!(ask(&[0x44, 0, 0]), [0x44, 0x81]);
    assert_eq!(ask(&[0x44, 0x04, 0x01]), [0x44, 0x82]);
    assert_eq!(ask(&[0x44, 0, 2, 0, 0, 1]), [0x44, 0x81], "shorter than it says");
    assert_eq!(ask(&[0x44]), [0x44, 0x81]);
}

#[test]
fn a_range_names_its_last_element() {
    let answer = ask(&[0x43, 0, 0, 5, 0, 7]);
    assert_eq!(answer[..4], [0x43, 0x7E, 0, 7]);
    assert_eq!(answer[10..], [5_u32, 6, 7].map(u32::to_le_bytes).concat());
    for bad in [
        [0x43, 0, 0, 7, 0, 5],
        [0x43, 0, 0, 0, 0x04, 0xB0],
        [0x43, 2, 0, 0, 0, 0],
    ] {
        assert_eq!(ask(&bad), [0x43, 0x81]);
    }
}

#[test]
fn values_are_forced_and_released() {
    let mut fake = Fake::default();
    assert_eq!(
        ask_fake(&mut fake, &[0x42, 0, 0, 3, 1, 0, 4, 1, 2, 3, 4]),
        [0x42, 0x7E]
    );
    assert_eq!(ask_fake(&mut fake, &[0x42, 0, 0, 3, 0, 0, 1, 0]), [0x42, 0x7E]);
    assert_eq!(
        ask_fake(&mut fake, &[0x42, 0, 0, 3, 0, 0, 0]),
        [0x42, 0x7E],
        "no value at all"
    );
    assert_eq!(fake.forced, [(3, Some(vec![1, 2, 3, 4])), (3, None), (3, None)]);
    assert_eq!(ask(&[0x42, 9, 0, 3, 1, 0, 1, 1]), [0x42, 0x81]);
    assert_eq!(ask(&[0x42, 0, 0, 3, 1, 0, 1, 1]), [0x42, 0x82]);
    assert_eq!(ask(&[0x42, 1, 0, 2, 1, 0, 1, 1]), [0x42, 0x87]);
    assert_eq!(
        ask(&[0x42, 0, 0, 3, 1, 0, 4, 1]),
        [0x42, 0x81],
        "shorter than it says"
    );
    assert_eq!(ask(&[0x42, 0, 0, 3, 1, 0]), [0x42, 0x81]);
}

#[test]
fn other_functions_are_not_known() {
    for function in [0x00, 0x40, 0x46, 0x47, 0x4B, 0xFF] {
        let refused = AnyRequest::parse(Dialect::Strucpp, &[function, 0, 0]);
        assert_eq!(refused, Err(Malformed::UnknownFunction(function)));
    }
}

#[test]
fn licences_of_vendors_are_not_supported() {
    for function in [0x48, 0x49, 0x4A] {
        let refused = AnyRequest::parse(Dialect::Strucpp, &[function]);
        assert_eq!(refused, Err(Malformed::Answered(function, 0x85)));
    }
}
