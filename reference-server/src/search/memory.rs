//! The kernel's functions that read our own memory.

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub(super) use linux::{Buffer, Memory};
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub(super) use other::{Buffer, Memory};

/// The step after a page that is gone, in bytes. Pages have at least this size.
pub(super) const PAGE: usize = 4096;

/// An address on the stack of this thread.
#[inline(never)]
pub(super) fn address_of_this_frame() -> usize {
    let here = 0_u8;
    std::hint::black_box(&raw const here).addr()
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod linux {
    use crate::search::Unavailable;
    use std::fs::File;
    use std::io;
    use std::ops::Range;
    use std::os::unix::fs::FileExt;
    use std::ptr;

    /// Size of the buffer, in bytes.
    const BUFFER: usize = 1 << 20;
    /// Bits of a page's entry: it is in memory, or in swap.
    const PRESENT: u64 = 1 << 63;

    /// This process's memory.
    #[derive(Debug)]
    pub(in crate::search) struct Memory {
        process: libc::pid_t,
        page: usize,
        /// One number for each page. `None` if the system has no such file: then all pages count as present.
        pages: Option<File>,
    }

    impl Memory {
        /// Tries to read this process's memory.
        pub(in crate::search) fn open() -> Result<Memory, Unavailable> {
            // SAFETY: no conditions.
            let (process, page) = unsafe { (libc::getpid(), libc::sysconf(libc::_SC_PAGESIZE)) };
            let page = usize::try_from(page).unwrap_or(super::PAGE);
            let memory = Memory { process, page, pages: File::open("/proc/self/pagemap").ok() };
            let (value, mut copy) = (1_u64, 0_u64);
            match memory.read((&raw const value).addr(), &raw mut copy, 1) {
                Ok(_) => Ok(memory),
                Err(error) => Err(Unavailable::Refused(error)),
            }
        }

        /// The pages of a mapping that are in memory, connected as far as they are.
        pub(in crate::search) fn present(&mut self, region: &Range<usize>) -> Vec<Range<usize>> {
            let Some(pages) = &self.pages else { return vec![region.clone()] };
            let (first, count) = (region.start / self.page, region.len() / self.page);
            let mut found: Vec<Range<usize>> = Vec::new();
            let mut entries = [0_u8; 4096];
            let mut done = 0;
            while done < count {
                let wanted = entries.len().min((count - done) * size_of::<u64>());
                let Ok(read) = pages.read_at(&mut entries[..wanted], ((first + done) * size_of::<u64>()) as u64) else {
                    break;
                };
                if read < size_of::<u64>() {
                    break;
                }
                for entry in entries[..read].chunks_exact(size_of::<u64>()) {
                    let entry = u64::from_ne_bytes(entry.try_into().unwrap_or_default());
                    if entry & PRESENT != 0 {
                        let start = (first + done) * self.page;
                        match found.last_mut() {
                            Some(last) if last.end == start => last.end += self.page,
                            _ => found.push(start..start + self.page),
                        }
                    }
                    done += 1;
                }
            }
            found
        }

        /// Copies values from `address` to `into`. Returns the number of whole values that could be read.
        fn read(&self, address: usize, into: *mut u64, values: usize) -> io::Result<usize> {
            let bytes = values * size_of::<u64>();
            let local = libc::iovec { iov_base: into.cast(), iov_len: bytes };
            let remote = libc::iovec { iov_base: ptr::without_provenance_mut(address), iov_len: bytes };
            // SAFETY: the caller's `into` is memory for these values. The kernel reads `remote`, and fails if it is not readable.
            let read = unsafe { libc::process_vm_readv(self.process, &local, 1, &remote, 1, 0) };
            match usize::try_from(read) {
                Ok(read) => Ok(read / size_of::<u64>()),
                Err(_) => Err(io::Error::last_os_error()),
            }
        }
    }

    /// Memory for copies of the program's. It is a mapping of its own, so that no copy of a word is left on the heap.
    #[derive(Debug)]
    pub(in crate::search) struct Buffer {
        start: ptr::NonNull<u64>,
    }

    impl Buffer {
        pub(in crate::search) fn new() -> io::Result<Buffer> {
            let (rights, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            // SAFETY: a new mapping, which nothing else uses.
            let start = unsafe { libc::mmap(ptr::null_mut(), BUFFER, rights, flags, -1, 0) };
            if start == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            ptr::NonNull::new(start.cast()).map(|start| Buffer { start }).ok_or(io::ErrorKind::OutOfMemory.into())
        }

        /// Its size in bytes.
        pub(in crate::search) fn bytes(&self) -> usize {
            BUFFER
        }

        pub(in crate::search) fn addresses(&self) -> Range<usize> {
            let start = self.start.addr().get();
            start..start + BUFFER
        }

        /// The values at these addresses: at most as many as there is room for. `None` if the first page cannot be read.
        pub(in crate::search) fn read(&mut self, memory: &Memory, addresses: Range<usize>) -> Option<&[u64]> {
            let values = addresses.len().min(BUFFER) / size_of::<u64>();
            let read = memory.read(addresses.start, self.start.as_ptr(), values).ok().filter(|read| *read > 0)?;
            // SAFETY: the mapping has these values, and is borrowed exclusively.
            Some(unsafe { std::slice::from_raw_parts(self.start.as_ptr(), read) })
        }
    }

    impl Drop for Buffer {
        fn drop(&mut self) {
            // SAFETY: the mapping is this one's, and no reference to it is left.
            unsafe { libc::munmap(self.start.as_ptr().cast(), BUFFER) };
        }
    }
}

/// For systems without such functions.
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod other {
    use crate::search::Unavailable;
    use std::io;
    use std::ops::Range;

    #[derive(Debug)]
    pub(in crate::search) struct Memory;

    impl Memory {
        pub(in crate::search) fn open() -> Result<Memory, Unavailable> {
            Err(Unavailable::System)
        }

        pub(in crate::search) fn present(&mut self, _region: &Range<usize>) -> Vec<Range<usize>> {
            Vec::new()
        }
    }

    #[derive(Debug)]
    pub(in crate::search) struct Buffer;

    impl Buffer {
        pub(in crate::search) fn new() -> io::Result<Buffer> {
            Ok(Buffer)
        }

        pub(in crate::search) fn bytes(&self) -> usize {
            0
        }

        pub(in crate::search) fn addresses(&self) -> Range<usize> {
            0..0
        }

        pub(in crate::search) fn read(&mut self, _memory: &Memory, _addresses: Range<usize>) -> Option<&[u64]> {
            None
        }
    }
}
