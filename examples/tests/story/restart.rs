//! The program is killed and started again.

use crate::barbara::{Hang, shows_writer_first};
use crate::program::{BARBARA, Program, command};
use crate::screen::{ENTER, Screen};
use std::net::TcpListener;

#[test]
fn the_last_snapshot_stays_on_the_screen_until_the_program_is_started_again() {
    let address = free_address();
    let start = || Program::run(command(BARBARA).env("INSIGHT_LISTEN", &address));
    let mut hang = Hang::of(start());
    assert_eq!(hang.insight, address);
    let mut screen = Screen::open(&address, 120, 40);
    shows_writer_first(&screen);
    screen.shows(&[&format!("● connected to {address}"), &format!("pid {}", hang.program.pid())]);

    hang.program.kill();
    let gone = ["program gone for", "last snapshot kept", &format!("reconnecting to {address}")];
    screen.shows(&gone);
    shows_writer_first(&screen);
    // The last snapshot can still be explored.
    screen.press(ENTER);
    screen.shows(&["waiting on channel capacity", gone[0]]);

    let again = start();
    again.insight();
    screen.shows(&[&format!("pid {}", again.pid()), &format!("● connected to {address}")]);
    screen.hides("write_orders");
    screen.quit();
}

/// An address that no other test gets: its port is below the ports that the system chooses from.
fn free_address() -> String {
    let first = 20_000 + (std::process::id() % 10_000) as u16;
    let free = (first..32_000).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    format!("127.0.0.1:{}", free.expect("one of thousands of ports is free"))
}
