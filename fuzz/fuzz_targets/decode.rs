//! A line of any bytes. The decoder decodes it or names the rule that it breaks. A decoded line encodes to the same content.

#![no_main]

use insight_fuzz::RULES;
use insight_protocol::{Decoded, decode, encode, keep};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Like readers, the target replaces bytes that are not UTF-8.
    let line = String::from_utf8_lossy(bytes);
    let decoded = match decode(&line) {
        Ok(decoded) => decoded,
        Err(error) => {
            assert!(RULES.contains(error.rule()), "SPEC.md has no rule {}", error.rule());
            assert_eq!(keep(&line).map(|kept| kept.decoded), Err(error));
            return;
        }
    };
    let kept = keep(&line).expect("a line that decodes can be kept");
    assert_eq!(kept.decoded, decoded);
    let renumbered = kept.encode(907);
    match (decode(&renumbered), decoded) {
        (Ok(Decoded::Message { seq: 907, message: same }), Decoded::Message { seq, message }) => {
            assert_eq!(same, message);
            let encoded = encode(seq, &message);
            assert!(!encoded.contains('\n'), "a message is one line");
            assert_eq!(decode(&encoded), Ok(Decoded::Message { seq, message }), "{encoded}");
        }
        (Ok(Decoded::Unknown { seq: 907, type_name: same, line }), Decoded::Unknown { type_name, .. }) => {
            assert_eq!((same, line), (type_name, renumbered));
        }
        (renumbered, decoded) => panic!("{decoded:?} became {renumbered:?}"),
    }
});
