//! `--once` and the graph file.

use super::address;
use super::picture_of;
use super::story::{deadlock, story};
use crate::shares::Shares;
use crate::theme::Theme;
use crate::traces::Traces;
use crate::views::Scene;
use crate::{document, dot_file, once};
use insight_protocol::Tier;
use std::fs;
use std::time::Instant;

fn check(name: &str, output: fn(&Scene) -> String, more: impl FnOnce(&mut super::Story)) {
    let picture = picture_of(&story(more).lines());
    let address = address("127.0.0.1:8080");
    let (shares, theme, now) = (Shares::default(), Theme::new(false), Instant::now());
    let traces = Traces::default();
    let scene = Scene { picture: &picture, shares: &shares, traces: &traces, address: &address, theme, now };
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, output(&scene));
    });
}

#[test]
fn the_same_as_the_screens_as_text_and_as_json() {
    check("once_text", once::text, |_| {});
    check("once_text_problem", once::text, |story| story.push(deadlock(1, Tier::Suspected)));
    check("once_json", document::json, |story| story.push(deadlock(1, Tier::Proven)));
}

#[test]
fn another_file_of_the_same_name_is_left_alone() {
    let folder = std::env::temp_dir().join(format!("consolation-test-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let problem = deadlock(7, Tier::Proven).problem;
    let name = || dot_file::write(&folder, &problem).map(|path| path.file_name().unwrap().to_owned());
    assert_eq!(name().unwrap(), "insight-deadlock-7.dot");
    assert_eq!(name().unwrap(), "insight-deadlock-7.dot", "the same is there");
    fs::write(folder.join("insight-deadlock-7.dot"), "mine").unwrap();
    assert_eq!(name().unwrap(), "insight-deadlock-7-2.dot");
    assert_eq!(fs::read_to_string(folder.join("insight-deadlock-7.dot")).unwrap(), "mine");
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(name().unwrap_err().kind(), std::io::ErrorKind::NotFound);
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_link_in_the_place_of_the_file_is_not_opened() {
    let folder = std::env::temp_dir().join(format!("consolation-odd-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let odd = |number: u32| {
        folder.join(format!("insight-deadlock-7{}.dot", if number > 1 { format!("-{number}") } else { String::new() }))
    };
    assert!(std::process::Command::new("mkfifo").arg(odd(1)).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", odd(2)).unwrap();
    fs::create_dir(odd(3)).unwrap();
    let written = dot_file::write(&folder, &deadlock(7, Tier::Proven).problem).unwrap();
    assert_eq!(written, odd(4));
    fs::remove_dir_all(&folder).unwrap();
}
