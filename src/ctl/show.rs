//! How answers are written: columns, JSON, YAML, names; colours where somebody sees them.

use std::io::{IsTerminal as _, Write};

use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::failure::Failure;
use super::flags::{Global, Output};

/// What a cell says of its matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// To be looked at.
    Odd,
    /// Wrong.
    Bad,
}

impl Tone {
    /// The tone of one of Connect's states, in any case of letters.
    pub(super) fn of(state: &str) -> Self {
        match state.to_ascii_lowercase().as_str() {
            "running" | "healthy" => Self::Good,
            "failed" | "unhealthy" | "unreachable" => Self::Bad,
            "" | "-" | "unsupported" => Self::Plain,
            _ => Self::Odd,
        }
    }

    /// The tone of a text that may be a state, and is plain where it is not.
    pub(super) fn of_known(text: &str) -> Self {
        let known = matches!(text, "PAUSED" | "STOPPED" | "UNASSIGNED" | "RESTARTING" | "NONE");
        Some(Self::of(text)).filter(|tone| *tone != Self::Odd || known).unwrap_or_default()
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "\x1b[32m",
            Self::Odd => "\x1b[33m",
            Self::Bad => "\x1b[31m",
        }
    }
}

/// A cell.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// With the tone of the state that it names.
    pub(super) fn state(state: &str) -> Self {
        Self { text: plain(state), tone: Tone::of(state) }
    }

    /// With this tone.
    pub(super) fn toned(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: plain(text.as_ref()), tone }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

/// A list in all its forms.
#[derive(Debug)]
pub(super) struct View {
    columns: Vec<(&'static str, bool)>,
    rows: Vec<(String, Vec<Cell>)>,
    /// For `json` and `yaml`.
    pub(super) data: Value,
    /// What is said where there is no row.
    empty: &'static str,
}

impl View {
    /// Columns in capitals; those that begin with `+` are wide.
    pub(super) fn new(columns: &[&'static str], empty: &'static str) -> Self {
        let column = |name: &&'static str| match name.strip_prefix('+') {
            Some(name) => (name, true),
            None => (*name, false),
        };
        Self {
            columns: columns.iter().map(column).collect(),
            rows: Vec::new(),
            data: Value::Array(Vec::new()),
            empty,
        }
    }

    /// A row, what `--output=name` calls it, and what it is as data.
    pub(super) fn row(&mut self, name: impl Into<String>, cells: Vec<Cell>, data: Value) {
        self.rows.push((name.into(), cells));
        if let (Value::Array(all), false) = (&mut self.data, data.is_null()) {
            all.push(data);
        }
    }
}

/// Where it is written to, and how.
#[derive(Debug)]
pub(super) struct Screen<W> {
    out: W,
    output: Output,
    colour: bool,
}

/// Whether colours are wanted on standard output.
fn colours(global: &Global) -> bool {
    let set = |variable: &str| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    !global.no_color && !set("NO_COLOR") && !dumb && std::io::stdout().is_terminal()
}

impl<W: Write> Screen<W> {
    pub(super) fn new(out: W, global: &Global) -> Self {
        Self { out, output: global.output, colour: colours(global) }
    }

    /// How it is written.
    pub(super) const fn output(&self) -> Output {
        self.output
    }

    /// Whether colours are not wanted.
    pub(super) const fn is_plain(&self) -> bool {
        !self.colour
    }

    /// A list.
    pub(super) fn view(&mut self, view: &View) -> Result<(), Failure> {
        match self.output {
            Output::Json | Output::Yaml => self.data(&view.data),
            Output::Name => {
                for (name, _) in &view.rows {
                    writeln!(self.out, "{}", plain(name))?;
                }
                Ok(())
            }
            Output::Table | Output::Wide if view.rows.is_empty() => {
                let _ = writeln!(std::io::stderr(), "{}", view.empty);
                Ok(())
            }
            Output::Table | Output::Wide => self.columns(view),
        }
    }

    /// JSON, or YAML where that is wanted.
    pub(super) fn data(&mut self, data: &Value) -> Result<(), Failure> {
        if self.output == Output::Yaml {
            let text = serde_saphyr::to_string(data);
            let text = text.map_err(|error| Failure::failed(format!("no YAML: {error}")))?;
            return Ok(writeln!(self.out, "{}", text.trim_end())?);
        }
        let text = serde_json::to_string_pretty(data);
        let text = text.map_err(|error| Failure::failed(format!("no JSON: {error}")))?;
        Ok(writeln!(self.out, "{text}")?)
    }

    /// A line that is written now.
    pub(super) fn line(&mut self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{text}")?)
    }

    /// The text in a tone's colour.
    pub(super) fn toned(&self, text: &str, tone: Tone) -> String {
        match (self.colour, tone.code()) {
            (true, code) if !code.is_empty() => format!("{code}{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }

    fn columns(&mut self, view: &View) -> Result<(), Failure> {
        let wide = self.output == Output::Wide;
        let shown: Vec<usize> =
            (0..view.columns.len()).filter(|at| wide || !view.columns[*at].1).collect();
        let width = |at: usize| {
            let cells = view.rows.iter().map(|(_, cells)| cells[at].text.width());
            cells.chain([view.columns[at].0.len()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = shown.iter().map(|at| width(*at)).collect();
        let head: Vec<Cell> = shown.iter().map(|at| view.columns[*at].0.into()).collect();
        self.one_row(&head.iter().collect::<Vec<_>>(), &widths)?;
        for (_, cells) in &view.rows {
            self.one_row(&shown.iter().map(|at| &cells[*at]).collect::<Vec<_>>(), &widths)?;
        }
        Ok(())
    }

    fn one_row(&mut self, cells: &[&Cell], widths: &[usize]) -> Result<(), Failure> {
        let mut line = String::new();
        for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
            line.push_str(&self.toned(&cell.text, cell.tone));
            if at + 1 < cells.len() {
                let gap = width - cell.text.width() + 3;
                line.extend(std::iter::repeat_n(' ', gap));
            }
        }
        Ok(writeln!(self.out, "{}", line.trim_end())?)
    }
}

/// The text on one line, with what would move a terminal's cursor or turn the direction of writing
/// written out.
pub(super) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || turns {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    if shown.is_empty() { "-".to_owned() } else { shown }
}

/// The same for a text of several lines.
pub(super) fn plain_lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(|line| {
        let line = line.replace('\t', "    ");
        if line.is_empty() { line } else { plain(&line) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_is_written_out() {
        assert_eq!(plain("a\u{1b}[2Jb\nc\u{202e}d"), "a\\u{1b}[2Jb\\u{a}c\\u{202e}d");
        assert_eq!(plain("é 名"), "é 名");
        assert_eq!(plain(""), "-");
    }
}
