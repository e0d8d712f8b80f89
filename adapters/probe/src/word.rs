//! The words of handles: a guard of a lock, or the join handle of a task, has a number that is nowhere else. So a search of the
//! program's memory finds the handle and its copies, wherever the program has moved it.
//!
//! We write a word only into its handle. Wherever we need it otherwise, we compute it, or keep it in another form.

use std::fmt;
use std::marker::PhantomData;
use std::num::NonZero;
use std::ptr::{self, NonNull};

/// The word of a handle: eight bytes at an address that is a multiple of eight, in the processor's own order.
///
/// It is kept inverted, since a search would find it here too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word {
    inverted: u64,
}

impl Word {
    /// The word with this value.
    pub const fn of(value: u64) -> Word {
        Word { inverted: !value }
    }

    /// Its value, inverted.
    #[inline]
    pub const fn inverted(self) -> u64 {
        self.inverted
    }
}

/// The first of the bits that are zero in each address of a program, and their number.
///
/// On x86-64 an address of a program is below 2^56, with five levels of pages too. Some aarch64 systems use the upper byte for
/// tags, and addresses have at most 52 bits. Elsewhere no bit is certain, and guards have no words.
const FREE: (u32, u32) = if cfg!(all(target_arch = "x86_64", target_pointer_width = "64")) {
    (56, 8)
} else if cfg!(all(target_arch = "aarch64", target_pointer_width = "64")) {
    (52, 4)
} else {
    (0, 0)
};

const fn free_bits() -> usize {
    (((1_u64 << FREE.1) - 1) << FREE.0) as usize
}

/// The mark of one hold: bits of an address that are zero in the address itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(usize);

impl Mark {
    /// No mark: the hold is not recorded, or addresses have no free bits.
    pub const NONE: Mark = Mark(0);

    /// The mark of the hold with this number. So copies of guards that ended earlier usually have another one. The number is odd:
    /// then the mark is not zero.
    #[inline]
    pub(crate) fn of(number: u64) -> Mark {
        // The number's upper bits are shifted out.
        Mark((number << FREE.0) as usize & free_bits())
    }
}

/// Two holds whose numbers differ by this have the same mark.
pub(crate) const SAME_MARK: u64 = if FREE.1 == 0 { 2 } else { 1 << FREE.1 };

/// A reference to a lock in a guard, with the mark of the hold. Both together are the guard's word.
pub struct Marked<'a, T: ?Sized> {
    marked: NonNull<T>,
    target: PhantomData<&'a T>,
}

// SAFETY: it is a reference.
unsafe impl<T: ?Sized + Sync> Send for Marked<'_, T> {}
// SAFETY: it is a reference.
unsafe impl<T: ?Sized + Sync> Sync for Marked<'_, T> {}

impl<'a, T: ?Sized> Marked<'a, T> {
    /// A reference to `target` with the mark of a hold of it.
    #[inline]
    pub fn new(target: &'a T, mark: Mark) -> Marked<'a, T> {
        let marked = NonNull::from(target);
        let address = marked.addr();
        Marked { marked: with_addr(marked, address | mark.0), target: PhantomData }
    }

    /// A reference to the part of the target at which it begins, with the same mark: the same word.
    #[inline]
    pub fn map<U>(&self, first: impl FnOnce(&'a T) -> &'a U) -> Marked<'a, U> {
        let target = self.get();
        Marked { marked: with_addr(NonNull::from(first(target)), self.marked.addr()), target: PhantomData }
    }

    /// The reference.
    #[inline]
    pub fn get(&self) -> &'a T {
        let address = self.marked.addr().get() & !free_bits();
        // SAFETY: the address of a reference is not zero, and its free bits are.
        let target = with_addr(self.marked, unsafe { NonZero::new_unchecked(address) });
        // SAFETY: it was made from a `&'a T`.
        unsafe { target.as_ref() }
    }
}

#[inline]
fn with_addr<T: ?Sized>(pointer: NonNull<T>, address: NonZero<usize>) -> NonNull<T> {
    pointer.map_addr(|_| address)
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Marked<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// The word of a guard, in a form that a search does not find: no word is odd, since locks are aligned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GuardWord(usize);

impl GuardWord {
    /// The word of a guard with this mark. Its lock is at this address.
    #[inline]
    pub(crate) fn new(lock: usize, mark: Mark) -> GuardWord {
        GuardWord(lock | mark.0 | 1)
    }

    #[inline]
    pub(crate) fn to_bits(self) -> usize {
        self.0
    }

    /// `bits` is what [`to_bits`](GuardWord::to_bits) has returned.
    #[inline]
    pub(crate) fn from_bits(bits: usize) -> GuardWord {
        GuardWord(bits)
    }

    /// The address of the lock.
    pub(crate) fn lock_address(self) -> usize {
        self.0 & !free_bits() & !1
    }

    /// `None` if the guard has no word.
    pub(crate) fn word(self) -> Option<Word> {
        (self.0 & free_bits() != 0).then_some(Word { inverted: !(self.0 as u64) | 1 })
    }
}

/// Distinguishes a task's ID in a join handle from every other place that has it. Its upper bits make it no address.
const KEY: u64 = 0xc7a9_5e3b_1d84_f26e;

/// The ID of a task in its join handle, in the form of the handle's word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JoinWord(u64);

impl JoinWord {
    #[inline]
    pub(crate) fn new(task: u64) -> JoinWord {
        JoinWord(task ^ KEY)
    }

    #[inline]
    pub(crate) fn task(self) -> u64 {
        self.0 ^ KEY
    }

    /// Overwrites it, though nobody reads it any more.
    #[inline]
    pub(crate) fn erase(&mut self) {
        // SAFETY: a reference is valid for writes.
        unsafe { ptr::write_volatile(&raw mut self.0, 0) };
    }

    /// The word of the join handles of this task.
    pub(crate) fn word(task: u64) -> Word {
        Word { inverted: task ^ !KEY }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn marked_reference_is_the_reference_and_its_bytes_are_the_word() {
        let check = |number: u64| {
            let lock: u64 = 7;
            let mark = Mark::of(number);
            let marked = Marked::new(&lock, mark);
            assert_eq!((std::ptr::from_ref(marked.get()), *marked.get()), (std::ptr::from_ref(&lock), 7));
            let word = GuardWord::from_bits(GuardWord::new((&raw const lock).addr(), mark).to_bits()).word();
            let expect = Word::of(marked.marked.addr().get() as u64);
            assert_eq!(word, (free_bits() != 0).then_some(expect), "{number}");
            let wide: Marked<'_, dyn fmt::Debug> = Marked::new(&lock, mark);
            assert_eq!(format!("{wide:?}"), "7");
        };
        [1, 3, 127, 255, 257, u64::MAX].iter().for_each(|number| check(*number));
    }

    #[test]
    fn no_mark_is_no_word() {
        let lock: u64 = 7;
        assert_eq!(Marked::new(&lock, Mark::NONE).marked, NonNull::from(&lock));
        assert_eq!(GuardWord::new((&raw const lock).addr(), Mark::NONE).word(), None);
        assert_eq!(GuardWord::default().word(), None);
    }

    #[test]
    fn successive_holds_have_different_marks() {
        for number in (3..SAME_MARK).step_by(2) {
            assert_ne!(Mark::of(number), Mark::of(1), "{number}");
        }
        assert_eq!(Mark::of(SAME_MARK + 1), Mark::of(1));
    }

    #[test]
    fn join_word_has_its_task() {
        for task in [0, 1, 12_345, insight_protocol::MAX_ID] {
            let handle = JoinWord::new(task);
            assert_eq!((handle.task(), Word::of(handle.0)), (task, JoinWord::word(task)));
        }
    }
}
