//! The numbers by which the server knows methods, once it has been told their names.
//!
//! A name is sent with the first call of its method, together with a number; from then on the
//! number stands for it. That is only done if the server has said that it understands.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::protocol::METHODS_MAX;

/// The methods that the server has been told of.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Names that the program calls, so nobody can choose them to collide.
    known: FxHashMap<Arc<str>, u64>,
    /// The one that was asked for last: the next call is likely to be of the same method.
    last: Option<(Arc<str>, u64)>,
}

impl Numbers {
    /// The number that the server knows `method` by.
    #[inline]
    pub(super) fn find(&mut self, method: &str) -> Option<u64> {
        match &self.last {
            Some((name, number)) if **name == *method => Some(*number),
            _ => self.look_up(method),
        }
    }

    #[inline(never)]
    fn look_up(&mut self, method: &str) -> Option<u64> {
        let (name, &number) = self.known.get_key_value(method)?;
        self.last = Some((name.clone(), number));
        Some(number)
    }

    /// The number for a method that the server has not been told of; `None` if there are none
    /// left.
    pub(super) fn next(&self) -> Option<u64> {
        let number = self.known.len() + 1;
        (number <= METHODS_MAX).then_some(number as u64)
    }

    /// Notes that the server is told of `method` with the [next](Self::next) number.
    #[cold]
    pub(super) fn tell(&mut self, method: &str) {
        if let Some(number) = self.next() {
            self.known.insert(method.into(), number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_told_once_until_there_are_no_more_numbers() {
        let mut numbers = Numbers::default();
        for count in 0..2 * METHODS_MAX {
            let name = format!("Service.Method{count}");
            let expected = (count < METHODS_MAX).then_some(count as u64 + 1);
            assert_eq!((numbers.find(&name), numbers.next()), (None, expected));
            numbers.tell(&name);
            assert_eq!(numbers.find(&name), expected);
            assert_eq!(numbers.find(&name), expected);
        }
        assert_eq!(numbers.find("Service.Method0"), Some(1));
        assert_eq!(numbers.find(""), None);
    }
}
