//! `top`: the cluster on the whole screen, looked at again and again.
//!
//! [`model`] knows what is shown and what keys do, [`draw`] paints it, and here is what waits: for
//! keys and for the cluster, neither of which holds up the other.

mod draw;
mod model;

use std::io::{IsTerminal as _, Write};
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::Session;
use super::failure::Failure;
use super::flags::TopFlags;
use super::target::Cluster;

use model::{Found, Model, Next};

/// The shortest time between two looks: it is a request each.
const LEAST: Duration = Duration::from_millis(200);
/// How often the ages on the screen are counted on.
const TICK: Duration = Duration::from_secs(1);

/// Refuses what is no terminal, before a cluster is asked.
pub(super) fn needs_a_terminal() -> Result<(), Failure> {
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage(
        "top needs a terminal to paint on; `ctl status` says the same once, with --output=json for programs",
    ))
}

impl<C: Cluster, W: Write> Session<'_, C, W> {
    pub(super) async fn top(&mut self, flags: &TopFlags) -> Result<(), Failure> {
        let wrong =
            |error: std::io::Error| Failure::failed(format!("cannot use the terminal: {error}"));
        let mut stop = signal(SignalKind::terminate()).map_err(wrong)?;
        let mut terminal = ratatui::try_init().map_err(wrong)?;
        let mut model = Model::new(self.cluster.place(), self.screen.is_plain());
        let shown = tokio::select! {
            shown = self.show(&mut terminal, &mut model, flags.interval.max(LEAST)) => shown,
            _ = stop.recv() => Ok(()),
        };
        ratatui::restore();
        shown.map_err(wrong)
    }

    async fn show(
        &self,
        terminal: &mut DefaultTerminal,
        model: &mut Model,
        interval: Duration,
    ) -> std::io::Result<()> {
        let mut keys = keys();
        let mut looking = Box::pin(self.look_after(Duration::ZERO, false));
        loop {
            terminal.draw(|frame| draw::draw(frame, model, Instant::now()))?;
            tokio::select! {
                key = keys.recv() => match key {
                    Some(Ok(Event::Key(key))) => if model.key(key) == Next::Quit { return Ok(()) },
                    // A resize is painted at the next turn.
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error),
                    None => return Ok(()),
                },
                found = &mut looking => {
                    let failed = found.is_err();
                    model.found(found, &self.classifier, Instant::now());
                    looking = Box::pin(self.look_after(interval, failed));
                }
                () = sleep(TICK) => {}
            }
        }
    }

    async fn look_after(&self, wait: Duration, failed: bool) -> Result<Found, String> {
        sleep(wait).await;
        if failed {
            self.cluster.again().await.map_err(|failure| failure.text)?;
        }
        let (all, doubt) = tokio::join!(self.cluster.overview(), self.cluster.doubt());
        Ok(Found { all: all.map_err(|failure| failure.text)?, doubt })
    }
}

/// Keys, from a thread that may block; it ends with the receiver.
fn keys() -> mpsc::UnboundedReceiver<std::io::Result<Event>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        while !sender.is_closed() {
            let key = match event::poll(Duration::from_millis(100)) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(error) => Err(error),
            };
            let ends = key.is_err();
            if sender.send(key).is_err() || ends {
                return;
            }
        }
    });
    receiver
}
