//! Mutants of recordings.

use crate::attack::tools::Random;
use serde_json::{Value, json};

/// Numbers at the ends of their ranges, as JSON.
const EXTREMES: [&str; 9] = [
    "0",
    "1",
    "9007199254740991",
    "9007199254740992",
    "18446744073709551615",
    "-1",
    "1e308",
    "0.5",
    "123456789012345678901234567890",
];
/// Maximum number of mutations of one mutant.
const MUTATIONS: usize = 6;

/// A stream with some random mutations.
pub fn mutant(streams: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut stream = pick(streams, random).clone();
    for _ in 0..=random.below(MUTATIONS) {
        stream = mutate(stream, streams, random);
    }
    stream
}

fn pick<'i, T>(items: &'i [T], random: &mut Random) -> &'i T {
    &items[random.below(items.len())]
}

fn mutate(mut stream: Vec<u8>, streams: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    match random.below(9) {
        0 => {
            for _ in 0..=random.below(8) {
                let at = random.below(stream.len());
                stream[at..].iter_mut().take(1).for_each(|byte| *byte ^= 1 << random.below(8));
            }
            stream
        }
        1 => {
            stream.truncate(random.below(stream.len() + 1));
            stream
        }
        2 => splice(&stream, pick::<Vec<u8>>(streams, random), random),
        kind => {
            let mut lines: Vec<Vec<u8>> = stream.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            if lines.is_empty() {
                return stream;
            }
            let (one, other) = (random.below(lines.len()), random.below(lines.len()));
            match kind {
                3 => lines.swap(one, other),
                4 => lines.insert(other, lines[one].clone()),
                5 => _ = lines.remove(one),
                6 => lines[one] = with_extreme_number(&lines[one], random),
                7 => lines[one] = with_other_type(&lines[one], random),
                _ => lines.iter_mut().for_each(|line| {
                    if random.below(4) == 0 {
                        *line = with_extreme_number(line, random);
                    }
                }),
            }
            lines.concat()
        }
    }
}

/// The start of one stream and the end of another.
fn splice(one: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let (first, second) = (random.below(one.len() + 1), random.below(other.len() + 1));
    [&one[..first], &other[second..]].concat()
}

/// The line with one of its numbers replaced.
fn with_extreme_number(line: &[u8], random: &mut Random) -> Vec<u8> {
    let starts: Vec<usize> = (1..line.len())
        .filter(|at| line[*at].is_ascii_digit() && matches!(line[at - 1], b':' | b' ' | b',' | b'['))
        .collect();
    if starts.is_empty() {
        return line.to_vec();
    }
    let start = *pick(&starts, random);
    let digits = line[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    [&line[..start], pick(&EXTREMES, random).as_bytes(), &line[start + digits..]].concat()
}

/// The line with the value of one field replaced by another of any type.
fn with_other_type(line: &[u8], random: &mut Random) -> Vec<u8> {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(line) else { return line.to_vec() };
    let names: Vec<String> = fields.keys().cloned().collect();
    if names.is_empty() {
        return line.to_vec();
    }
    let values = [
        Value::Null,
        json!(true),
        json!(7),
        json!(-3.5),
        json!("\u{1b}[31m\u{202e}\u{0}\u{9b}"),
        json!("deadlock"),
        json!([]),
        json!([[[[[1]]]]]),
        json!({}),
        json!({"id": 1, "type": "gap"}),
    ];
    let name = pick(&names, random).clone();
    fields.insert(name, pick(&values, random).clone());
    let mut line = Value::Object(fields).to_string().into_bytes();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_determines_the_mutant() {
        let stream = b"{\"seq\":1,\"type\":\"stream.heartbeat\",\"at_ns\":5}\n".repeat(20);
        let streams = [stream.clone(), Vec::new()];
        let mutants: Vec<Vec<u8>> = (0..200).map(|seed| mutant(&streams, &mut Random::new(seed))).collect();
        assert_eq!(mutants[3], mutant(&streams, &mut Random::new(3)));
        let mut different = mutants.clone();
        different.sort();
        different.dedup();
        assert!(different.len() > 80, "{}", different.len());
    }
}
