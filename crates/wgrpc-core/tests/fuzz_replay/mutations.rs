//! Small changes of known inputs, the same in every run.

use crate::seeds::Seed;

/// The longest input: long enough for every limit on handshakes and headers.
const LEN_MAX: usize = 64 << 10;

/// Bytes at which formats change their mind.
const BYTES: [u8; 20] = [
    0, 1, 2, 3, 0x7e, 0x7f, 0x80, 0x81, 0xf7, 0xf8, 0xfb, 0xfe, 0xff, b'"', b'\\', b'{', b'}',
    b'[', b'\n', b'0',
];

/// What stands for a number, or ends something, in one format or the other.
const TOKENS: [&[u8]; 12] = [
    b"\xfc\x7f\xff\xff\xff",
    b"\xf8\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xfd\x01\x00\x00",
    b"\xfe\x40\x00",
    b"null",
    b"-9223372036854775808",
    b"18446744073709551615",
    b"1e400",
    b"\\ud800",
    b"\xed\xa0\x80",
    b"\r\n\r\n",
    b"{\"",
];

pub(crate) struct Mutator<'a> {
    seeds: &'a [Seed],
    /// The state of a splitmix64 generator.
    state: u64,
}

impl<'a> Mutator<'a> {
    pub(crate) fn new(seeds: &'a [Seed]) -> Self {
        Self { seeds, state: 0 }
    }

    /// A changed copy of `bytes`.
    pub(crate) fn change(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            self.change_once(&mut bytes);
        }
        bytes.truncate(LEN_MAX);
        bytes
    }

    fn change_once(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        let end = at + self.below((bytes.len() - at).min(32) + 1);
        match self.below(9) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.extend_from_within(at..end),
            3 => {
                let copy = bytes[at..end].repeat(1 + self.below(3));
                bytes.splice(at..at, copy);
            }
            4 => bytes.insert(at, BYTES[self.below(BYTES.len())]),
            5 => {
                let token = TOKENS[self.below(TOKENS.len())];
                bytes.splice(at..end, token.iter().copied());
            }
            6 => {
                let other = &self.seeds[self.below(self.seeds.len())].bytes;
                let from = self.below(other.len() + 1);
                let to = from + self.below(other.len() - from + 1);
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            choice => {
                let new = BYTES[self.below(BYTES.len())];
                let flip = 1 << self.below(8);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = if choice == 7 { *byte ^ flip } else { new };
                }
            }
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % bound
    }
}
