//! The numbers of an executor's own tasks.

use std::hash::{Hash, Hasher};

/// The number in a task's ID of a runtime that has no method for it. The `Hash` of such an ID gives the number to the hasher
/// unchanged.
#[inline]
pub fn task_number(id: &impl Hash) -> u64 {
    let mut number = Number(0);
    id.hash(&mut number);
    number.0
}

struct Number(u64);

impl Hasher for Number {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.0 = number as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::task_number;
    use std::num::NonZero;

    #[test]
    fn number_is_that_of_an_id_of_either_width() {
        #[derive(Hash)]
        struct Id<T>(T);
        assert_eq!(task_number(&Id(7_u64)), 7);
        assert_eq!(task_number(&Id(NonZero::<u64>::MAX)), u64::MAX);
        assert_eq!(task_number(&Id(7_usize)), 7);
    }
}
