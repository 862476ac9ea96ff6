//! `ctl`: a cluster in the shell, with kcctl's and kubectl's words.
//!
//! In: a command line ([`flags`]), and a cluster that `--connect.url`, a context or a warden's
//! configuration names (`place`). Verbs ask and act through `target::Cluster`; what they say goes
//! through `show`. Exit codes: 0 done, 1 it failed, differs or took too long, 64 bad usage.

mod act;
mod apply;
pub mod complete;
mod contexts;
mod describe;
mod diff;
mod direct;
mod documents;
mod explain;
mod facts;
mod failure;
pub mod flags;
mod get;
mod mask;
mod place;
mod select;
mod show;
mod target;
mod top;
mod wait;

use std::io::Write;
use std::process::ExitCode;

use crate::config::Flags;
use crate::connect::model::PartitionOffset;

use act::Asks;
use direct::Direct;
use documents::Document;
use failure::Failure;
pub use flags::CtlFlags;
use flags::{Global, Offsets, OffsetsFlags, Verb};
use place::LazyClassifier;
use show::Screen;
use target::{Action, Cluster};

/// One verb on one cluster.
struct Session<'f, C, W> {
    cluster: C,
    flags: &'f Global,
    classifier: LazyClassifier,
    screen: Screen<W>,
}

/// Does what is said; `outer` are the flags before `ctl`, and the environment.
pub fn main(flags: &CtlFlags, outer: &Flags, out: impl Write) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(run(flags, outer, out)),
        Err(error) => Err(Failure::failed(format!("cannot start the runtime: {error}"))),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.text.is_empty() {
                let _ = writeln!(std::io::stderr(), "connect-warden: {}", failure.text);
            }
            ExitCode::from(failure.code)
        }
    }
}

async fn run(flags: &CtlFlags, outer: &Flags, out: impl Write) -> Result<(), Failure> {
    let global = &flags.global;
    let screen = Screen::new(out, global);
    if let Verb::Config(config) = &flags.verb {
        return contexts::run(&config.what, global, screen);
    }
    // Files are read before anything is asked: bad input reaches no cluster.
    let given = Given::read(&flags.verb)?;
    let place = place::find(global, outer)?;
    let cluster = Direct::connect(&place.connect, place.context.as_deref()).await?;
    let mut session = Session { cluster, flags: global, classifier: place.classifier, screen };
    session.run(&flags.verb, given).await
}

/// What a verb reads before it begins.
struct Given {
    documents: Vec<Document>,
    offsets: Vec<PartitionOffset>,
}

impl Given {
    fn read(verb: &Verb) -> Result<Self, Failure> {
        let mut given = Self { documents: Vec::new(), offsets: Vec::new() };
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others read nothing")]
        match verb {
            Verb::Create(flags) | Verb::Apply(flags) => {
                given.documents = documents::read(&flags.from)?;
            }
            Verb::Validate(from) | Verb::Diff(from) => given.documents = documents::read(from)?,
            Verb::Patch(patch) => given.documents.push(documents::patch(patch)?),
            Verb::Offsets(OffsetsFlags { what: Offsets::Alter { file, .. } }) => {
                given.offsets = documents::offsets(file)?;
            }
            Verb::Top(_) => top::needs_a_terminal()?,
            _ => {}
        }
        Ok(given)
    }
}

impl<C: Cluster, W: Write> Session<'_, C, W> {
    async fn run(&mut self, verb: &Verb, given: Given) -> Result<(), Failure> {
        match verb {
            Verb::Get(get) => self.get(&get.what).await,
            Verb::Describe(describe) => self.describe(&describe.what).await,
            Verb::Status(names) => self.status(names).await,
            Verb::Restart(restart) => self.restart(restart).await,
            Verb::Pause(of) => {
                let pause = |name| Action::Pause { name };
                self.each("pause", of, Asks::OfPatterns, pause).await
            }
            Verb::Resume(of) => {
                let resume = |name| Action::Resume { name };
                self.each("resume", of, Asks::OfPatterns, resume).await
            }
            Verb::Stop(of) => {
                self.each("stop", of, Asks::Always, |name| Action::Stop { name }).await
            }
            Verb::Delete(of) => {
                self.each("delete", of, Asks::Always, |name| Action::Delete { name }).await
            }
            Verb::Create(flags) => self.create(given.documents, flags.dry_run).await,
            Verb::Apply(flags) => self.apply(given.documents, flags.dry_run).await,
            Verb::Patch(_) => self.patch(given.documents).await,
            Verb::Validate(_) => self.validate(&given.documents).await,
            Verb::Diff(_) => self.diff(&given.documents).await,
            Verb::Explain(names) => self.explain(names).await,
            Verb::Offsets(offsets) => self.offsets(&offsets.what, given.offsets).await,
            Verb::Topics(topics) => self.topics(&topics.what).await,
            Verb::Loggers(loggers) => self.loggers(&loggers.what).await,
            Verb::Wait(wait) => self.wait(wait).await,
            Verb::Top(top) => self.top(top).await,
            // Needs no cluster, and was done before one was looked for.
            Verb::Config(_) => Ok(()),
        }
    }

    /// Says something that is no answer.
    fn tell(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "connect-warden: {text}");
    }
}
