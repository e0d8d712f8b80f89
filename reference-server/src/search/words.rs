//! The comparison of memory with the words.

use insight_probe::Word;

/// Number of bits of a hash.
const HASH_BITS: u32 = 16;

/// The words that are sought. They are kept inverted, since the search would find them here.
#[derive(Debug)]
pub(super) struct Words {
    /// Sorted, each with its index.
    inverted: Vec<(u64, usize)>,
    /// Whether a word has this hash.
    hashes: Vec<bool>,
    /// The bits that are set in at least one inverted word. A value that is zero in another bit is none of the words, so most
    /// values need only this comparison.
    any: u64,
}

impl Words {
    pub(super) fn new(words: &[Word]) -> Words {
        let mut inverted: Vec<(u64, usize)> = words.iter().map(|word| word.inverted()).zip(0..).collect();
        inverted.sort_unstable();
        let mut hashes = vec![false; 1 << HASH_BITS];
        inverted.iter().for_each(|(inverted, _)| hashes[hash(*inverted)] = true);
        Words { any: inverted.iter().fold(0, |any, (inverted, _)| any | inverted), inverted, hashes }
    }

    /// Calls `found` with the index of the word and of the value, for each value that is a word.
    pub(super) fn find(&self, values: &[u64], mut found: impl FnMut(usize, usize)) {
        if self.inverted.is_empty() {
            return;
        }
        for (index, value) in values.iter().enumerate() {
            if value | self.any == u64::MAX {
                let inverted = !value;
                if self.hashes[hash(inverted)] {
                    let first = self.inverted.partition_point(|(word, _)| *word < inverted);
                    let equal = self.inverted[first..].iter().take_while(|(word, _)| *word == inverted);
                    equal.for_each(|(_, word)| found(*word, index));
                }
            }
        }
    }
}

fn hash(inverted: u64) -> usize {
    (inverted.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - HASH_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_found_at_each_of_its_places() {
        let check = |words: &[u64], values: &[u64], expect: &[(usize, usize)]| {
            let words: Vec<Word> = words.iter().map(|word| Word::of(*word)).collect();
            let mut found = Vec::new();
            Words::new(&words).find(values, |word, index| found.push((word, index)));
            assert_eq!(found, expect, "{words:?} {values:?}");
        };
        check(&[7], &[7, 8, 7, 15], &[(0, 0), (0, 2)]);
        check(&[1 << 63, 1 << 62 | 5], &[3 << 62, 1 << 62 | 5, 1 << 63, 0], &[(1, 1), (0, 2)]);
        check(&[7, 7], &[7], &[(0, 0), (1, 0)]);
        check(&[u64::MAX], &[u64::MAX - 1, u64::MAX], &[(0, 1)]);
        check(&[], &[0, u64::MAX], &[]);
        check(&[7], &[], &[]);
    }
}
