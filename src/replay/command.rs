//! `connect-warden replay`.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::{Output, ReplayFlags};
use crate::simulate::settings::Tried;

use super::audit::AuditReader;
use super::format::{Format, detect};
use super::journal::JournalReader;
use super::play::Player;
use super::prometheus::PrometheusReader;
use super::recording::Record;
use super::table;
use super::told::Told;

/// What was asked for, read and found right.
#[derive(Debug)]
pub struct Replay {
    record: Record,
    format: Format,
    files: Vec<PathBuf>,
    tried: Tried,
    player: Player,
    output: Output,
}

enum Reader {
    Journal(JournalReader),
    Audit(AuditReader),
    Prometheus(PrometheusReader),
}

impl Reader {
    fn new(format: Format) -> Self {
        match format {
            Format::Journal => Self::Journal(JournalReader::default()),
            Format::Audit => Self::Audit(AuditReader::default()),
            Format::Prometheus => Self::Prometheus(PrometheusReader::default()),
        }
    }

    fn read(&mut self, file: &mut dyn BufRead) -> Result<(), String> {
        match self {
            Self::Journal(reader) => reader.read(file),
            Self::Audit(reader) => reader.read(file),
            Self::Prometheus(reader) => reader.read(file),
        }
    }

    fn finish(self) -> Result<Record, String> {
        match self {
            Self::Journal(reader) => reader.finish(),
            Self::Audit(reader) => reader.finish(),
            Self::Prometheus(reader) => reader.finish(),
        }
    }
}

impl Replay {
    /// Reads the files and the configuration; an error is the user's.
    pub fn new(flags: &ReplayFlags) -> anyhow::Result<Self> {
        let tried = Tried::read(flags.config.as_deref(), flags.interval)?;
        let mut reader: Option<(Format, Reader)> = None;
        for path in &flags.files {
            let name = || path.display().to_string();
            let mut file = open(path).with_context(name)?;
            let found = match flags.recorded_by {
                Some(format) => Some(format),
                None => detect(&mut *file).with_context(name)?,
            };
            let Some(format) = found else {
                anyhow::bail!(
                    "{}: begins neither as a journal, an audit log nor an answer of Prometheus \
                     does; say which it is with --format",
                    name()
                );
            };
            let (first, reader) = reader.get_or_insert_with(|| (format, Reader::new(format)));
            if *first != format {
                anyhow::bail!("{}: is of another format than the files before it", name());
            }
            reader.read(&mut *file).map_err(|problem| anyhow::anyhow!("{}: {problem}", name()))?;
        }
        let (format, reader) = reader.context("no file is named")?;
        let files: Vec<_> = flags.files.iter().map(|path| path.display().to_string()).collect();
        let record = reader
            .finish()
            .map_err(|problem| anyhow::anyhow!("{}: {problem}", files.join(", ")))?;
        let player = Player::new(&tried, flags.seed, flags.units);
        Ok(Self { record, format, files: flags.files.clone(), tried, player, output: flags.output })
    }

    /// Plays it and writes what would have been done.
    pub fn run(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let mut notes = vec![
            "what was recorded does not react: a unit stays FAILED until the record says \
             otherwise, also where a restart would have helped"
                .to_owned(),
            "whoever restarted units then is not taken for a rival: the policy does not stand down"
                .to_owned(),
        ];
        notes.extend(self.tried.notes());
        notes.extend(self.record.notes.iter().cloned());
        let clusters = self.record.clusters.iter();
        let told = Told {
            format: self.format,
            files: self.files.iter().map(|path| path.display().to_string()).collect(),
            poll_interval_seconds: self.tried.interval.as_secs_f64(),
            notes,
            clusters: clusters.map(|(name, recording)| self.player.play(name, recording)).collect(),
        };
        match self.output {
            Output::Json => writeln!(out, "{}", serde_json::to_string(&told)?)?,
            Output::Table => table::write(&told, out)?,
        }
        Ok(())
    }
}

fn open(path: &Path) -> std::io::Result<Box<dyn BufRead>> {
    const BUFFER: usize = 256 << 10;
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::with_capacity(BUFFER, std::io::stdin())));
    }
    Ok(Box::new(BufReader::with_capacity(BUFFER, File::open(path)?)))
}
