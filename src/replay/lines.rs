//! A file line by line: however long it is, one line is in memory.

use std::io::{BufRead, Read as _};

/// No line of an audit log is longer.
const MAX_LINE: usize = 1 << 20;

/// Calls `take` with each line's number, from 1, and its bytes, the line feed with them.
pub(super) fn each_line(
    file: &mut dyn BufRead,
    mut take: impl FnMut(usize, &[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = file.take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line);
        let at = |problem: String| format!("line {number}: {problem}");
        read.map_err(|error| at(format!("cannot be read: {error}")))?;
        if line.is_empty() {
            break;
        }
        if line.len() > MAX_LINE {
            return Err(at(format!("is over {MAX_LINE} bytes")));
        }
        take(number, &line).map_err(at)?;
    }
    Ok(())
}

/// What a JSON reader says, without the line of its own counting.
pub(super) fn of_json(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((reason, _)) => format!("column {}: {reason}", error.column()),
        None => text,
    }
}
