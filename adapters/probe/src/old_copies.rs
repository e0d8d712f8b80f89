//! Old copies of a guard's word.

use std::hint::black_box;

/// Bytes of the stack that are overwritten: four times as many as the words of tokio's guards need in a debug build.
const DEPTH: usize = 4096;

/// Overwrites the frames of the functions that have made a guard. Call it in the future of the operation, just before that
/// returns the guard.
///
/// Without optimization these functions leave the guard's [word](crate::Word) in their frames. A future that is made in the same
/// place later has such bytes where it is not initialized, and takes them to the heap when it is spawned. There a search would
/// take them for a guard that other code has. With optimization the word is in registers, so this does nothing.
#[inline(always)]
pub fn erase_old_copies() {
    if cfg!(debug_assertions) {
        erase();
    }
}

#[inline(never)]
fn erase() {
    black_box(&mut [0_u8; DEPTH]);
}
