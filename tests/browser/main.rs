//! The pages in a real browser, on simulated fleets of several sizes. Needs `.ci/browser`, which runs
//! this: `cargo test --test browser -- --ignored`.
//!
//! The fleets and a process on each are here; what the browser does and looks at is in `look.mjs`,
//! which asks for what is to happen by a line on its standard output.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

mod fleets;
#[path = "../support/mod.rs"]
mod support;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fleets::Fleet;

/// Ended with the test, whatever comes of it.
struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and Node: .ci/browser"]
async fn every_page_is_right_in_a_real_browser() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let modules = here.join("node_modules/playwright-core");
    assert!(modules.is_dir(), "{} is not there: run .ci/browser", modules.display());
    let fleets = Fleet::all().await;
    let mut command = Command::new("node");
    command.arg(here.join("look.mjs"));
    for fleet in &fleets {
        command.arg(format!("{}={}", fleet.name, fleet.url()));
    }
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    command.env("SHOTS", &shots).stdout(Stdio::piped()).current_dir(&here);
    let mut browser = Browser(command.spawn().expect("node is installed"));
    let lines = BufReader::new(browser.0.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        match line.strip_prefix("do: ") {
            Some(order) => fleets::act(&fleets, order).await,
            None => println!("{line}"),
        }
    }
    let status = browser.0.wait().unwrap();
    assert!(status.success(), "see what the browser found, above; pictures: {}", shots.display());
}

/// What is waited for before the browser starts.
const SOON: Duration = Duration::from_secs(60);
