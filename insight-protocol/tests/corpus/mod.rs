//! Documents made from the examples by small changes. They are the same in every run.

use insight_protocol::encode;
use insight_protocol::examples::examples;
use serde_json::{Value, json};

/// A line and the kind of its change.
pub struct Document {
    pub kind: &'static str,
    pub text: String,
}

/// A placeholder for a text that no `Value` could hold.
const HERE: &str = "\"\u{2192}here\u{2190}\"";

/// The texts that replace a value, or are the value of a new field.
const VALUES: &[(&str, &str)] = &[
    ("value", "null"),
    ("value", "true"),
    ("value", "false"),
    ("value", "0"),
    ("value", "1"),
    ("value", "-1"),
    ("value", "1.5"),
    ("value", "4294967295"),
    ("value", "4294967296"),
    ("value", "9007199254740991"),
    ("value", "9007199254740992"),
    ("value", "18446744073709551615"),
    ("value", "18446744073709551616"),
    ("value", "-9223372036854775809"),
    ("value", "01"),
    ("value", "+1"),
    ("value", "NaN"),
    ("lexical", "-0"),
    ("lexical", "1.0"),
    ("lexical", "1e2"),
    ("lexical", "1E-0"),
    ("lexical", "9007199254740991.0"),
    ("value", r#""""#),
    ("value", r#""1""#),
    ("value", r#""idle""#),
    ("value", r#""proven""#),
    ("value", r#""pr\u006fven""#),
    ("value", r#""com.example.word""#),
    ("value", r#""na\u00efve \ud83e\udd80 \u0000 \\ \" \/""#),
    ("value", "\"na\u{ef}ve \u{1f980} \u{200b}\u{feff}\""),
    ("value", r#""\x""#),
    ("value", "\"\u{1}\""),
    ("value", "\"open"),
    ("value", "[]"),
    ("value", "[null]"),
    ("value", "[1]"),
    ("value", r#"["a"]"#),
    ("value", "[[]]"),
    ("value", "[{}]"),
    ("value", "{}"),
    ("value", r#"{"idle":null}"#),
    ("value", r#"{"proven":{}}"#),
    ("value", "[1,]"),
    ("value", "'a'"),
    ("value", ""),
    ("value", "1 2"),
    ("unread", r#""\ud800""#),
    ("unread", "1e999"),
];

/// The documents.
pub fn corpus() -> Vec<Document> {
    let mut corpus = Corpus(Vec::new());
    for message in examples() {
        let value: Value = serde_json::from_str(&encode(7, &message)).unwrap();
        for path in paths(&value) {
            corpus.replace(&value, &path);
            corpus.remove(&value, &path);
        }
        corpus.add(&value);
        corpus.cut(&value.to_string());
    }
    for unknown in [json!({ "type": "dream", "seq": 1, "of": ["sheep"] }), json!({ "type": "", "seq": 1 })] {
        for path in paths(&unknown) {
            corpus.replace(&unknown, &path);
            corpus.remove(&unknown, &path);
        }
        corpus.add(&unknown);
    }
    corpus.whole();
    corpus.0
}

struct Corpus(Vec<Document>);

impl Corpus {
    fn push(&mut self, kind: &'static str, text: String) {
        self.0.push(Document { kind, text });
    }

    fn replace(&mut self, value: &Value, path: &str) {
        let mut changed = value.clone();
        let place = changed.pointer_mut(path).unwrap();
        let original = std::mem::replace(place, json!(marker()));
        let text = changed.to_string();
        for (kind, with) in VALUES {
            self.push(kind, text.replace(HERE, with));
        }
        for depth in [100, 1000] {
            self.push("unread", text.replace(HERE, &deep(depth)));
        }
        // serde would accept these for a struct and for a unit variant.
        if let Value::Object(fields) = &original {
            let values: Vec<&Value> = fields.values().collect();
            self.push("value", text.replace(HERE, &json!(values).to_string()));
        }
        if let Value::String(word) = &original {
            self.push("value", text.replace(HERE, &json!({ word: null }).to_string()));
        }
        let key = path.rsplit('/').next().unwrap();
        if key.parse::<usize>().is_err() {
            for second in [original.to_string(), "null".to_owned()] {
                self.push("twice", text.replace(HERE, &format!("{original},{}:{second}", json!(key))));
            }
            // The same key, written with escapes.
            let escaped: String = key.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
            let written = text.replace(&format!("{}:{HERE}", json!(key)), &format!("\"{escaped}\":{original}"));
            self.push("value", written);
        }
    }

    fn remove(&mut self, value: &Value, path: &str) {
        let mut changed = value.clone();
        let (parent, key) = path.rsplit_once('/').unwrap();
        match changed.pointer_mut(parent).unwrap() {
            Value::Object(fields) => drop(fields.remove(key)),
            Value::Array(items) => drop(items.remove(key.parse().unwrap())),
            _ => unreachable!("a path leads through objects and arrays"),
        }
        self.push("missing", changed.to_string());
    }

    /// Adds documents with new fields, in each object.
    fn add(&mut self, value: &Value) {
        let mut objects: Vec<String> =
            paths(value).into_iter().filter(|path| value.pointer(path).unwrap().is_object()).collect();
        objects.push(String::new());
        for path in objects {
            for name in ["new", "", "Type", "at_ns ", "com.example.new", "na\u{ef}ve"] {
                let mut changed = value.clone();
                changed.pointer_mut(&path).unwrap().as_object_mut().unwrap().insert(name.to_owned(), json!(marker()));
                let text = changed.to_string();
                for (kind, with) in VALUES {
                    // The spelling of an unknown value does not matter.
                    self.push(if *kind == "lexical" { "value" } else { kind }, text.replace(HERE, with));
                }
                self.push("value", text.replace(HERE, &deep(100)));
                self.push("unread", text.replace(HERE, &deep(1000)));
                self.push("value", text.replace(HERE, &format!("1,{}:2", json!(name))));
                self.push("value", text.replace(HERE, r#"{"a":1,"a":2}"#));
            }
        }
    }

    fn cut(&mut self, text: &str) {
        for end in (0..text.len()).step_by(5).filter(|end| text.is_char_boundary(*end)) {
            self.push("cut", text[..end].to_owned());
        }
        for around in ["{} ", " {}", "\t{}", "{}\r\n", "{},", "{}{}", "[{}]", "\u{feff}{}", "\u{a0}{}", "{}}", "{}\0"] {
            self.push("around", around.replace("{}", text));
        }
    }

    /// Adds lines that are not changes of messages.
    fn whole(&mut self) {
        for (kind, text) in VALUES {
            self.push(kind, (*text).to_owned());
        }
        for text in ["{", "}", "{]", "{\"type\"", "\u{0}", "data: {}", "{\"type\":\"gap\"}{\"seq\":1}"] {
            self.push("whole", text.to_owned());
        }
        self.push("whole", "[".repeat(10_000));
        self.push("whole", r#"{"a":"#.repeat(10_000));
    }
}

fn marker() -> Value {
    serde_json::from_str(HERE).unwrap()
}

fn deep(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

/// A pointer to each value in the document; in an array, only to the first item.
fn paths(value: &Value) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (format!("/{key}"), value)).collect(),
        Value::Array(items) => items.iter().take(1).map(|item| ("/0".to_owned(), item)).collect(),
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    for (path, value) in children {
        all.extend(paths(value).into_iter().map(|inner| format!("{path}{inner}")));
        all.push(path);
    }
    all
}
