//! The memory of the program's files, which is static.

/// Whether `address` lies in the memory of the executable or of a loaded library, such as a `static`: a guard of a lock there can
/// borrow it for `'static`, and so move to any task.
///
/// May take a lock of the dynamic linker, so only the recorder calls it.
pub(crate) fn contains(address: usize) -> bool {
    address != 0 && is_in_file(address)
}

#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
fn is_in_file(address: usize) -> bool {
    use std::ffi::{c_int, c_void};
    use std::slice;

    struct Search {
        address: usize,
        found: bool,
    }

    unsafe extern "C" fn look(info: *mut libc::dl_phdr_info, _size: usize, search: *mut c_void) -> c_int {
        // SAFETY: the linker passes a valid `info`, and the pointer that `dl_iterate_phdr` below got.
        let (info, search) = unsafe { (&*info, &mut *search.cast::<Search>()) };
        if info.dlpi_phdr.is_null() {
            return 0;
        }
        // SAFETY: the linker's list has this length, and lives while it calls this.
        let headers = unsafe { slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        search.found |= headers.iter().filter(|header| header.p_type == libc::PT_LOAD).any(|header| {
            let start = (info.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
            search.address.wrapping_sub(start) < header.p_memsz as usize
        });
        c_int::from(search.found)
    }

    let mut search = Search { address, found: false };
    // SAFETY: `look` gets a pointer to `search`, which lives until the call returns.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut search).cast()) };
    search.found
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android", miri))))]
fn is_in_file(address: usize) -> bool {
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::uninit();
    // SAFETY: `dladdr` takes any address, and writes at most one `Dl_info`.
    unsafe { libc::dladdr(address as *const _, info.as_mut_ptr()) != 0 }
}

#[cfg(windows)]
fn is_in_file(address: usize) -> bool {
    use std::ffi::c_void;

    const FROM_ADDRESS: u32 = 4;
    const UNCHANGED_REFCOUNT: u32 = 2;

    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetModuleHandleExW(flags: u32, address: *const c_void, module: *mut *mut c_void) -> i32;
    }

    let mut module = std::ptr::null_mut();
    // SAFETY: with these flags the function takes any address, and writes one handle that needs no release.
    unsafe { GetModuleHandleExW(FROM_ADDRESS | UNCHANGED_REFCOUNT, address as *const _, &raw mut module) != 0 }
}

/// Unknown, and so taken as static: nothing is proven by a guard here.
#[cfg(not(any(unix, windows)))]
fn is_in_file(_address: usize) -> bool {
    true
}

/// Miri has no list of files.
#[cfg(all(unix, miri))]
fn is_in_file(_address: usize) -> bool {
    false
}

#[cfg(all(test, not(loom), not(miri)))]
mod tests {
    use super::contains;
    use std::sync::Mutex;

    static IN_DATA: Mutex<[u64; 3]> = Mutex::new([7; 3]);
    static IN_BSS: Mutex<[u64; 300]> = Mutex::new([0; 300]);

    #[test]
    fn statics_are_in_a_file_and_boxes_and_locals_are_not() {
        let (local, boxed) = (Mutex::new(1), Box::new(Mutex::new(1)));
        assert!(contains(&raw const IN_DATA as usize) && contains(&raw const IN_BSS as usize + 2_000));
        assert!(!contains(&raw const local as usize) && !contains(&raw const *boxed as usize) && !contains(0));
    }
}
