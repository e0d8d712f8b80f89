//! Small terminals, and terminals that change their size while consolation runs.

use crate::barbara::{Hang, blocked};
use crate::screen::{ENTER, ESC, Screen};

/// The title of the section with the tasks that can unblock the channel.
const UNBLOCKERS: &str = "CAN UNBLOCK IT: TASKS THAT CAN RECEIVE";

#[test]
fn the_story_works_in_40_columns_and_10_rows() {
    let hang = Hang::begin();
    let mut screen = Screen::open(&hang.insight, 40, 10);
    let list = |screen: &Screen| {
        screen.until("the writer in the first row", |frame| {
            let rows = frame.rows();
            let titles = rows.iter().position(|row| row.contains("NAME") && row.contains("WAITS FOR"))?;
            let first = rows.get(titles + 1)?;
            (first.contains("write_or") && first.contains("`prototype_channel`")).then_some(())
        });
    };
    list(&screen);
    screen.press(ENTER);
    let (place, text) = blocked();
    let cause = ["`prototype_channel`: waiting on channel capacity", &format!("at {place}:"), text];
    let shows_cause = |screen: &Screen| {
        screen.until("the cause", |frame| cause.iter().all(|wanted| frame.words().contains(wanted)).then_some(()));
    };
    shows_cause(&screen);

    // The terminal becomes larger, then too small to show anything, and then as large as before.
    screen.resize(120, 40);
    screen.shows(&["SPAWNED", "? help"]);
    shows_cause(&screen);
    for (columns, rows) in [(40, 2), (1, 1), (200, 3), (3, 60), (40, 10)] {
        screen.resize(columns, rows);
    }
    shows_cause(&screen);
    // The size changes and changes back before consolation draws: the terminal is as large as before, but empty.
    screen.resize_through(&[(1, 1), (40, 10)]);
    shows_cause(&screen);
    screen.ticks();
    screen.press(ENTER);
    screen.shows(&[UNBLOCKERS, "▸ task"]);
    screen.press(ENTER);
    screen.shows(&["read_orders)", "`cache_is_warm`", "warm_cache.recv().await;"]);
    screen.press(ESC);
    screen.shows(&[UNBLOCKERS, "▸ task"]);
    screen.press(ESC);
    shows_cause(&screen);
    screen.press(ESC);
    list(&screen);
    screen.quit();
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let hang = Hang::begin();
    for signal in ["TERM", "INT", "HUP"] {
        let screen = Screen::open(&hang.insight, 80, 24);
        screen.shows(&["NAME", "WAITS FOR"]);
        screen.ended_by(signal);
    }
}
