//! The stack pointers of the threads.

/// A thread that is blocked, or stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Thread {
    pub(super) id: u32,
    pub(super) stack_pointer: usize,
}

/// The stack pointers of this process's threads that are blocked now. Empty if the system does not tell.
pub(super) fn pointers() -> Vec<Thread> {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let pointers = threads.filter_map(|thread| {
        let thread = thread.ok()?;
        let id = thread.file_name().to_str()?.parse().ok()?;
        let stack_pointer = pointer(&std::fs::read_to_string(thread.path().join("syscall")).ok()?)?;
        Some(Thread { id, stack_pointer })
    });
    pointers.collect()
}

/// The stack pointer in a text like `/proc/self/task/7/syscall`; `None` for a thread that runs.
fn pointer(syscall: &str) -> Option<usize> {
    // The last field is the instruction pointer.
    let pointer = syscall.trim_end().rsplit(' ').nth(1)?;
    usize::from_str_radix(pointer.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::pointer;

    #[test]
    fn pointer_is_the_last_but_one_field() {
        let check = |text: &str, expect: Option<usize>| assert_eq!(pointer(text), expect, "{text}");
        check("202 0x5605 0x80 0x0 0x0 0x0 0x2 0x7ffc0d30 0x7f51d8d6\n", Some(0x7ffc_0d30));
        check("-1 0x7ffc0d38 0x7f51d8d6\n", Some(0x7ffc_0d38));
        check("running\n", None);
        check("", None);
    }
}
