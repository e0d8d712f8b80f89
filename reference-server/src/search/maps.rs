//! The mappings of the process.

use std::io;
use std::ops::Range;

/// The private writable mappings of this process, by address: its heap, its stacks, anonymous memory and static variables.
pub(super) fn own() -> io::Result<Vec<Range<usize>>> {
    Ok(writable(&std::fs::read_to_string("/proc/self/maps")?))
}

/// The private writable mappings in a text like `/proc/self/maps`.
fn writable(maps: &str) -> Vec<Range<usize>> {
    maps.lines().filter_map(mapping).collect()
}

fn mapping(line: &str) -> Option<Range<usize>> {
    let mut fields = line.split(' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let rights = fields.next()?.as_bytes();
    // Reading shared memory could have an effect: it may belong to a device.
    if !matches!(rights, [b'r', b'w', _, b'p']) {
        return None;
    }
    let address = |hexadecimal| usize::from_str_radix(hexadecimal, 16).ok();
    Some(address(start)?..address(end)?)
}

#[cfg(test)]
mod tests {
    use super::writable;

    #[test]
    fn only_private_writable_mappings() {
        let maps = "\
555555554000-555555556000 r--p 00000000 fe:00 131 /usr/bin/program
555555560000-555555562000 rw-p 0000b000 fe:00 131 /usr/bin/program
555555583000-5555555a4000 rw-p 00000000 00:00 0                          [heap]
7ffff7c00000-7ffff7d00000 rw-s 00000000 00:05 12 /dev/shm/shared
7ffff7d00000-7ffff7d01000 rwxp 00000000 00:00 0
7ffff7d01000-7ffff7d02000 ---p 00000000 00:00 0
7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          [stack]
no mapping
";
        let expect = [
            0x5555_5556_0000..0x5555_5556_2000,
            0x5555_5558_3000..0x5555_555a_4000,
            0x7fff_f7d0_0000..0x7fff_f7d0_1000,
            0x7fff_fffd_e000..0x7fff_ffff_f000,
        ];
        #[cfg(target_pointer_width = "64")]
        assert_eq!(writable(maps), expect);
    }
}
