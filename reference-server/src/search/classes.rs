//! The classes of addresses: which memory an address belongs to.

use super::memory::Memory;
use super::stacks::Thread;
use super::{FutureRange, Place};
use std::ops::Range;

/// Bytes below the stack pointer in which a function may keep values.
const RED_ZONE: usize = 128;

/// The classes of this process's memory at the time of a search.
#[derive(Debug)]
pub(super) struct Classes {
    /// By their first address. Those of tasks that run within another one's poll may lie within its future.
    futures: Vec<FutureRange>,
    /// Size of the largest one, in bytes.
    largest: usize,
    stacks: Vec<Stack>,
    /// The stack of the searching thread.
    own: Range<usize>,
}

/// The stack of a blocked thread.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stack {
    thread: u32,
    /// Its pages, from the lowest that was ever used.
    pages: Range<usize>,
    /// The first address that is in use.
    live: usize,
}

impl Classes {
    /// `regions` are the mappings, and `here` is an address on this thread's stack.
    pub(super) fn new(
        memory: &mut Memory,
        regions: &[Range<usize>],
        threads: Vec<Thread>,
        futures: &[FutureRange],
        here: usize,
    ) -> Classes {
        let mut pages = |address| {
            let region = regions.iter().find(|region| region.contains(&address))?;
            // A stack grows from its end, so its used pages are connected. A guard page is never present.
            memory.present(region).into_iter().find(|pages| pages.contains(&address))
        };
        let own = pages(here).unwrap_or(0..0);
        let stacks = threads.into_iter().filter_map(|Thread { id, stack_pointer }| {
            Some(Stack { thread: id, pages: pages(stack_pointer)?, live: stack_pointer.saturating_sub(RED_ZONE) })
        });
        Classes::of(futures, stacks.collect(), own)
    }

    fn of(futures: &[FutureRange], stacks: Vec<Stack>, own: Range<usize>) -> Classes {
        let mut futures = futures.to_vec();
        futures.sort_unstable_by_key(|future| future.addresses.start);
        let largest = futures.iter().map(|future| future.addresses.len()).max().unwrap_or(0);
        Classes { futures, largest, stacks, own }
    }

    /// The place of an address; `None` on the stack of the searching thread.
    pub(super) fn place(&self, address: usize) -> Option<Place> {
        // The smallest one: the root of a runtime that runs in a task lies in that task's future.
        let end = self.futures.partition_point(|future| future.addresses.start <= address);
        let near = self.futures[..end].iter().rev();
        let near = near.take_while(|future| address - future.addresses.start <= self.largest);
        let futures = near.filter(|future| future.addresses.contains(&address));
        if let Some(future) = futures.min_by_key(|future| future.addresses.len()) {
            return Some(Place::Future(future.task));
        }
        if self.own.contains(&address) {
            return None;
        }
        // A mapping may have several stacks. An address belongs to the stack with the nearest pointer.
        let stacks = self.stacks.iter().filter(|stack| stack.pages.contains(&address));
        let place = |stack: &Stack| match address >= stack.live && !self.is_below_an_idle_root(address, stack) {
            true => Place::Stack(stack.thread),
            false => Place::DeadStack(stack.thread),
        };
        Some(stacks.min_by_key(|stack| stack.live.abs_diff(address)).map_or(Place::Elsewhere, place))
    }

    /// Whether the next root future above the address, on the same stack, is one of an idle task.
    fn is_below_an_idle_root(&self, address: usize, stack: &Stack) -> bool {
        let above = address.max(stack.live)..stack.pages.end;
        let first = self.futures.partition_point(|future| future.addresses.start < above.start);
        self.futures.get(first).is_some_and(|root| above.contains(&root.addresses.start) && root.idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insight_protocol::TaskId;

    #[test]
    fn place_is_the_future_then_the_stack_then_elsewhere() {
        let future = |task, addresses, idle| FutureRange { task: TaskId(task), addresses, idle };
        let futures = [
            future(1, 100..200, true),
            future(2, 150..160, true),
            future(3, 9_000..9_100, false),
            future(4, 9_300..9_400, true),
        ];
        let stack = |thread, pages, live| Stack { thread, pages, live };
        let classes =
            Classes::of(&futures, vec![stack(7, 1_000..2_000, 1_500), stack(8, 8_000..9_500, 8_900)], 5_000..6_000);
        let check = |address, expect| assert_eq!(classes.place(address), expect, "{address}");
        check(99, Some(Place::Elsewhere));
        check(100, Some(Place::Future(TaskId(1))));
        check(155, Some(Place::Future(TaskId(2))));
        check(200, Some(Place::Elsewhere));
        check(1_499, Some(Place::DeadStack(7)));
        check(1_500, Some(Place::Stack(7)));
        check(2_000, Some(Place::Elsewhere));
        check(5_500, None);
        // The root future of a thread lies on its stack.
        check(8_950, Some(Place::Stack(8)));
        check(9_050, Some(Place::Future(TaskId(3))));
        check(8_100, Some(Place::DeadStack(8)));
        // The root is idle, so the runtime waits below it.
        check(9_200, Some(Place::DeadStack(8)));
        check(9_400, Some(Place::Stack(8)));
    }
}
